"""The templates that authors begin with do what they say. Guarantees that they import, run and check as they are."""

from __future__ import annotations

import importlib.util
import tempfile
import tomllib
import unittest
from pathlib import Path
from types import ModuleType

import _path  # noqa: F401

from hookyard import Drop, Emit, Inbound, Lead, Order, Receipt, proof
from hookyard.testing import FakeHost, event, normalize, push, receive, request, run_flow

TEMPLATES = Path(__file__).resolve().parent.parent / "template"


def imported(world: str) -> ModuleType:
    """A template's module, with a name filled in."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / f"{world}_app.py"
        file.write_text((TEMPLATES / world / "app.py").read_text().replace("{{name}}", "my_plugin"))
        spec = importlib.util.spec_from_file_location(file.stem, file)
        assert spec is not None and spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    return module


class ATemplate(unittest.TestCase):
    """Each world's template."""

    def test_every_template_is_whole(self) -> None:
        for world in ("flow", "provider", "destination"):
            files = {file.name for file in (TEMPLATES / world).iterdir() if file.is_file()}
            self.assertEqual(files, {"app.py", "hookyard.toml", "README.md", "gitignore"})
            project = tomllib.loads((TEMPLATES / world / "hookyard.toml").read_text())
            self.assertEqual(project, {"world": world, "lang": "python", "entry": "app.py"})

    def test_the_flow_says_that_a_lead_came_in(self) -> None:
        run = imported("flow").run
        came = event("leadgen", lead_id="lead_1")
        seen = Emit("lead.seen", {"lead": "lead_1", "reachable": True})
        self.assertEqual(run_flow(run, came, Lead(email="a@x")), [seen])
        self.assertEqual(run_flow(run, came, Lead(is_test=True)), [Drop("a test lead")])
        self.assertEqual(run_flow(run, came), [])

    def test_the_provider_makes_a_lead_of_a_signed_request(self) -> None:
        plugin = imported("provider").Plugin
        signed = request('{"id": 1, "answers": {"Email": "a@x"}}', headers={"X-Signature": "sha256=" + "00" * 32})
        reception = receive(plugin, signed)
        self.assertEqual(reception.proof, proof.hmac("signing_secret", bytes(32)))
        (inbound,) = reception.events
        assert isinstance(inbound, Inbound)
        (normalized,) = normalize(plugin, inbound)
        assert normalized.lead is not None
        self.assertEqual((normalized.lead.email, normalized.lead.provider_lead_id), ("a@x", "1"))

    def test_the_destination_writes_once_and_updates_after(self) -> None:
        module = imported("destination")
        host = FakeHost()
        host.reply("https://api.example.com/contacts", method="POST", json={"id": 7})
        host.reply("https://api.example.com/contacts/7", method="PUT", json={"id": 7, "url": "https://a.b/7"})
        first = push(module.push, Order("lead_1", Lead(email="a@x"), {}, {}), host)
        second = push(module.push, Order("lead_1", Lead(email="b@x"), {}, {}, first), host)
        self.assertEqual((first, second), (Receipt("7"), Receipt("7", "https://a.b/7")))
        self.assertEqual([sent.credentials for sent in host.sent], [["api_key"], ["api_key"]])


if __name__ == "__main__":
    unittest.main()
