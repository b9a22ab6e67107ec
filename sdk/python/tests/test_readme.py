"""The README's Python does what the README says. Guarantees that its examples run; knows nothing of its commands."""

from __future__ import annotations

import re
import sys
import unittest
from pathlib import Path
from types import ModuleType
from typing import Any

import _path  # noqa: F401

from hookyard import Inbound, Lead, Order, Receipt, Unauthorized, emit, flow
from hookyard.testing import FakeHost, event, normalize, push, receive, request, run_flow

README = (Path(__file__).resolve().parent.parent / "README.md").read_text()


def example(holds: str, name: str = "app") -> ModuleType:
    """The first block of Python that holds this text, as the module of this name."""
    blocks: list[str] = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    source = next(block for block in blocks if holds in block)
    module = sys.modules[name] = ModuleType(name)
    exec(compile(source, "README.md", "exec"), module.__dict__)
    return module


class TheReadme(unittest.TestCase):
    """Its examples."""

    def test_the_flow_passes_its_own_test(self) -> None:
        example('id="score_leads"')
        case: Any = example("class ScoreLeads", "test_app").ScoreLeads
        result = unittest.TestResult()
        unittest.defaultTestLoader.loadTestsFromTestCase(case).run(result)
        self.assertEqual((result.testsRun, result.errors, result.failures), (1, [], []))

    def test_the_flow_needs_a_person_where_its_key_was_revoked(self) -> None:
        host = FakeHost()
        host.reply("https://api.example.com/score", status=401)
        with self.assertRaises(Unauthorized):
            run_flow(example('id="score_leads"').run, event("leadgen"), Lead(), host=host)

    def test_the_provider_makes_a_lead(self) -> None:
        acme = example("class Acme").Acme
        body = '{"account": "a", "id": 1, "answers": {"Email": "a@x"}}'
        (inbound,) = receive(acme, request(body)).events
        self.assertEqual(inbound, Inbound("lead.created", inbound.payload, "a", "1"))
        (normalized,) = normalize(acme, inbound)
        assert normalized.lead is not None
        self.assertEqual(normalized.lead.email, "a@x")

    def test_the_destination_gives_a_receipt(self) -> None:
        host = FakeHost()
        host.reply("https://api.example.com/contacts", json={"id": 5})
        crm = example("def push(order)").push
        self.assertEqual(push(crm, Order("lead_1", Lead(), {}, {}), host), Receipt("5"))

    def test_what_it_quotes_is_what_is_said(self) -> None:
        self.assertIn("run()[0].data.at is a set, which JSON cannot hold", README)
        data: dict[str, Any] = {}
        action = emit("a", data)
        data["at"] = {1}

        def run(event: object, lead: object, settings: object) -> object:
            return [action]

        flow(id="quoted", name="", version="", summary="", triggers=[])(run)
        with self.assertRaisesRegex(TypeError, r"^run\(\)\[0\]\.data\.at is a set, which JSON cannot hold$"):
            run_flow(run, event("x"))


if __name__ == "__main__":
    unittest.main()
