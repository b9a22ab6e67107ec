"""What a flow declares, does and returns. Guarantees the sentences that an author reads; knows no component."""

from __future__ import annotations

import random
import unittest
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import _path  # noqa: F401

from hookyard import (
    Action,
    Credential,
    Drop,
    Emit,
    Event,
    FetchError,
    Lead,
    PushLead,
    Retry,
    Unauthorized,
    UpdateLead,
    drop,
    emit,
    fetch,
    flow,
    log,
    now,
    push_lead,
    sleep,
    state,
    update_lead,
)
from hookyard._host import NoHost
from hookyard.testing import NOW, Diverged, FakeHost, event, run_flow

MANIFEST: dict[str, Any] = {"name": "A flow", "version": "1.0.0", "summary": "A test.", "triggers": ["leadgen"]}


@flow(
    id="everything",
    hosts=["api.example.com"],
    credentials=[Credential.bearer("api_key", "Where keys are.")],
    settings={"type": "object", "properties": {"minimum": {"type": "integer"}}},
    **MANIFEST,
)
def everything(event: Event, lead: Lead | None, settings: dict[str, Any]) -> list[Action]:
    """Uses each effect once."""
    seen = state.get_json("seen", 0)
    state.set_json("seen", seen + 1)
    answer = fetch(
        "https://api.example.com/score",
        "POST",
        json={"id": event.data["id"]},
        query={"q": "a b&c"},
        credentials=["api_key"],
    ).raise_for_status()
    log.info("score", answer.json()["score"])
    sleep(timedelta(days=3))
    if answer.json()["score"] < settings["minimum"]:
        return [drop("too low")]
    return [emit("scored", {"seen": seen, "at": now(), "email": lead and lead.email}), push_lead("crm")]


def declared(function: Any) -> Any:
    """Makes a function a flow."""
    return flow(id="a_flow", **MANIFEST)(function)


class AFlow(unittest.TestCase):
    """Runs of whole flows."""

    def test_every_effect_is_asked_for_and_answered(self) -> None:
        host = FakeHost(state={"seen": b"4"})
        host.reply("https://api.example.com/score?q=a%20b%26c", json={"score": 80})
        actions = run_flow(everything, event("leadgen", {"id": 1}), Lead(email="a@x"), {"minimum": 50}, host)
        data = {"seen": 4, "at": NOW + timedelta(days=3), "email": "a@x"}
        self.assertEqual(actions, [Emit("scored", data), PushLead("crm")])
        self.assertEqual(host.state, {"seen": b"5"})
        self.assertEqual(host.logged, [("info", "score 80")])
        self.assertEqual(host.slept_ms, [3 * 24 * 3600 * 1000])
        sent = host.sent[0]
        self.assertEqual((sent.request.method, sent.json, sent.credentials), ("POST", {"id": 1}, ["api_key"]))
        self.assertEqual(sent.request.headers["Content-Type"], "application/json")

    def test_a_failed_run_remembers_nothing(self) -> None:
        host = FakeHost()
        host.reply("https://api.example.com/score?q=a%20b%26c", status=429, headers={"Retry-After": "7"})
        with self.assertRaises(Retry) as raised:
            run_flow(everything, event("leadgen", {"id": 1}), host=host)
        self.assertEqual(raised.exception.after_ms, 7000)
        self.assertEqual(host.state, {})

    def test_a_status_is_an_answer_and_says_what_to_do(self) -> None:
        for status, expected in [(401, Unauthorized), (503, Retry)]:
            host = FakeHost()
            host.reply("https://api.example.com/score?q=a%20b%26c", status=status)
            with self.assertRaises(expected):
                run_flow(everything, event("leadgen", {"id": 1}), host=host)

    def test_a_fetch_that_brings_no_answer_has_a_kind(self) -> None:
        host = FakeHost()
        host.fail("https://api.example.com/score?q=a%20b%26c", "timed-out")
        with self.assertRaises(FetchError) as raised:
            run_flow(everything, event("leadgen", {"id": 1}), host=host)
        self.assertEqual((raised.exception.kind, raised.exception.may_pass), ("timed-out", True))

    def test_what_the_manifest_does_not_name_is_refused(self) -> None:
        for url, credentials in [
            ("https://api.example.org/", []),
            ("http://api.example.com/", []),
            ("https://api.example.com/", ["other"]),
        ]:

            @flow(id="strays", hosts=["api.example.com"], **MANIFEST)
            def strays(event: Event, lead: Any, settings: Any) -> None:
                fetch(event.data["url"], credentials=event.data["credentials"])

            with self.assertRaises(FetchError) as raised:
                run_flow(strays, event("leadgen", {"url": url, "credentials": credentials}))
            self.assertEqual(raised.exception.kind, "refused")

    def test_one_action_none_and_a_generator_are_lists(self) -> None:
        def yields(event: Event, lead: Any, settings: Any) -> Any:
            yield emit("a")
            yield drop("b")

        self.assertEqual(run_flow(declared(yields), event("x")), [Emit("a", {}), Drop("b")])
        self.assertEqual(run_flow(declared(lambda event, lead, settings: None), event("x")), [])
        self.assertEqual(run_flow(declared(lambda event, lead, settings: emit("a")), event("x")), [Emit("a", {})])

    def test_what_is_returned_is_told_by_its_place(self) -> None:
        changing: dict[str, Any] = {}
        action = emit("a", changing)
        changing["x"] = [1, {2}]
        for returned, says in [
            ("a", "returned a str, and a list of actions"),
            (5, "returned an int, and a list of actions"),
            ([emit("a"), "b"], "returned a str at [1], and an action"),
            ([action], "[0].data.x[1] is a set, which JSON cannot hold"),
        ]:
            with self.assertRaises(TypeError) as raised:
                run_flow(declared(lambda event, lead, settings, returned=returned: returned), event("x"))
            self.assertIn(says, str(raised.exception))

    def test_a_run_that_does_not_repeat_itself_is_refused(self) -> None:
        runs: list[int] = []

        def counts(event: Event, lead: Any, settings: Any) -> Any:
            runs.append(1)
            return emit("a", len(runs))

        def asks(event: Event, lead: Any, settings: Any) -> Any:
            runs.append(1)
            state.get(f"key {len(runs)}")

        for function in (counts, asks):
            with self.assertRaises(Diverged):
                run_flow(declared(function), event("x"))

    def test_chance_is_the_same_at_a_replay(self) -> None:
        chance = declared(lambda event, lead, settings: emit("a", random.random()))
        self.assertEqual(len(run_flow(chance, event("x"))), 1)

    def test_state_reads_what_the_run_wrote(self) -> None:
        def remembers(event: Event, lead: Any, settings: Any) -> Any:
            state.set("a", "text")
            state.set("b", b"bytes")
            state.delete("c")
            return emit("a", [state.get_text("a"), state.get("c"), state.get_json("none", "default")])

        host = FakeHost(state={"c": b"1"})
        self.assertEqual(run_flow(declared(remembers), event("x"), host=host), [Emit("a", ["text", None, "default"])])
        self.assertEqual(host.state, {"a": b"text", "b": b"bytes"})


class Actions(unittest.TestCase):
    """What an action takes, and refuses where it is made."""

    def test_a_lead_s_fields_are_named_as_the_host_names_them(self) -> None:
        update = update_lead({"How big?": "5"}, first_name="Joe", company=None)
        self.assertEqual(update, UpdateLead({"How big?": "5", "first-name": "Joe", "company": None}))

    def test_what_cannot_leave_is_refused_with_its_place(self) -> None:
        loop: list[Any] = []
        loop.append(loop)
        refused: list[tuple[Callable[[], object], str]] = [
            (lambda: emit(""), "the event type is blank"),
            (lambda: emit("a", {"b": [1, float("nan")]}), "data.b[1] is nan"),
            (lambda: emit("a", {1: 2}), "an int as a key"),
            (lambda: emit("a", "\ud800"), "half of a surrogate pair"),
            (lambda: emit("a", datetime(2020, 1, 1)), "without a time zone"),
            (lambda: emit("a", loop), "nested deeper"),
            (lambda: update_lead(email=5), "email is an int, and text was expected"),  # type: ignore[arg-type]
            (lambda: push_lead(None), "None, and text was expected"),  # type: ignore[arg-type]
            (lambda: drop(" "), "the reason is blank"),
        ]
        for make, says in refused:
            with self.subTest(says), self.assertRaises(TypeError) as raised:
                make()
            self.assertIn(says, str(raised.exception))

    def test_durations_are_timedeltas_or_seconds(self) -> None:
        self.assertEqual(Retry("r", after=timedelta(minutes=1)).after_ms, 60_000)
        self.assertEqual(Retry("r", after=1.5).after_ms, 1500)
        for wrong in (-1, float("nan"), float("inf"), "5", True):
            with self.assertRaises((ValueError, TypeError)):
                Retry("r", after=wrong)  # type: ignore[arg-type]


class Declarations(unittest.TestCase):
    """What is wrong with a manifest is said where it is written."""

    def refused(self, says: str, **changes: Any) -> None:
        """Expects a refusal of the manifest with these changes."""
        with self.subTest(says), self.assertRaises(TypeError) as raised:
            flow(**{"id": "a", **MANIFEST, **changes})
        self.assertIn(says, str(raised.exception))

    def test_a_wrong_manifest_is_refused(self) -> None:
        bearer = Credential.bearer("key", "s")
        self.refused('the id is "Bad-Id"', id="Bad-Id")
        self.refused("triggers is a str, and a list was expected", triggers="leadgen")
        self.refused('hosts[0] is "https://a.b"', hosts=["https://a.b"])
        self.refused('hosts[0] is "127.0.0.1"', hosts=["127.0.0.1"])
        self.refused("credentials[0] is a str, and a Credential was expected", credentials=["key"])
        self.refused("credential `key` is declared twice", credentials=[bearer, bearer])
        self.refused("settings is a list", settings=[])
        self.refused("more than one line", summary="a\nb")
        proved = Credential.bearer("key", "s", proof=("app_secret", "appsecret_proof"))
        self.refused("proved by secret `app_secret`, which is not declared", credentials=[proved])

    def test_a_function_of_the_wrong_shape_is_refused(self) -> None:
        async def waits(event: Any, lead: Any, settings: Any) -> None: ...

        for function, says in [(lambda event: None, "(event, lead, settings)"), (waits, "async")]:
            with self.assertRaises(TypeError) as raised:
                declared(function)
            self.assertIn(says, str(raised.exception))

    def test_nobody_answers_while_a_module_is_imported(self) -> None:
        asks: list[Callable[[], object]] = [
            now,
            lambda: fetch("https://a.b/"),
            lambda: state.get("a"),
            lambda: log.info("a"),
        ]
        for ask in asks:
            with self.assertRaises(NoHost):
                ask()


if __name__ == "__main__":
    unittest.main()
