"""What a provider declares, reads and returns. Guarantees that a proof fails closed; knows no component."""

from __future__ import annotations

import unittest
from datetime import datetime, timezone
from typing import Any

import _path  # noqa: F401

from hookyard import (
    Inbound,
    Lead,
    Malformed,
    Normalized,
    OAuth,
    Page,
    PageQuery,
    Reception,
    Request,
    Response,
    Secret,
    fetch,
    from_unix,
    from_unix_ms,
    parse_instant,
    proof,
    provider,
    secrets,
)
from hookyard.testing import FakeHost, list_page, normalize, receive, request

MANIFEST: dict[str, Any] = {"name": "A", "version": "1.0.0", "summary": "A test.", "event_types": ["order.created"]}


@provider(
    id="acme",
    secrets=[Secret("signing_key", "Where keys are.", format="hex")],
    hosts=["api.acme.example"],
    polls=True,
    **MANIFEST,
)
class Acme:
    """A provider that has everything."""

    def receive(self, request: Request) -> Reception:
        challenge = request.query("challenge")
        if challenge is not None:
            answer = secrets.hmac("signing_key", challenge).hex()
            return Reception(proof.HANDSHAKE, reply=Response.plain(answer))
        body = request.json()
        signature = proof.hex_header(request, "X-Signature", "sha256=")
        return Reception(
            proof.hmac("signing_key", signature),
            [Inbound("order.created", body, account_key=body["shop"], event_id=str(body["id"]))],
        )

    def normalize(self, event: Inbound, settings: dict[str, Any]) -> Normalized:
        answer = fetch(f"https://api.acme.example/orders/{event.event_id}").raise_for_status().json()
        lead = Lead.from_fields("1", [("E-Mail", answer["email"])])
        return Normalized("order.created", {"total": answer["total"]}, lead)

    def list_page(self, query: PageQuery, settings: dict[str, Any]) -> Page:
        return Page([Inbound("order.created", {"cursor": query.cursor})], next="2", total=7)


@provider(id="plain", **MANIFEST)
class Plain:
    """A provider that has only what it needs."""

    def receive(self, request: Request) -> Any:
        return request.json()


class AProvider(unittest.TestCase):
    """Calls of whole providers."""

    def test_a_request_is_received_with_its_proof(self) -> None:
        signed = request('{"shop": "s", "id": 9007199254740993}', headers={"x-signature": "sha256=" + "ab" * 32})
        reception = receive(Acme, signed)
        self.assertEqual(reception.proof, proof.hmac("signing_key", b"\xab" * 32))
        self.assertEqual(reception.events[0].event_id, "9007199254740993")

    def test_a_missing_signature_is_no_error_and_proves_nothing(self) -> None:
        for headers in ({}, {"x-signature": "sha256=AB"}, {"x-signature": "ab" * 32}):
            reception = receive(Acme, request('{"shop": "s", "id": 1}', headers=headers))
            self.assertEqual(reception.proof, proof.hmac("signing_key", None))

    def test_a_challenge_is_answered_under_a_secret_that_nobody_saw(self) -> None:
        host = FakeHost(secrets={"signing_key": b"k"})
        reception = receive(Acme, request(url="https://h.example/in?challenge=a%20b"), host)
        assert reception.reply is not None
        self.assertEqual((reception.proof, len(reception.reply.body)), (proof.HANDSHAKE, 64))

    def test_a_body_that_cannot_be_read_is_malformed(self) -> None:
        for body in (b"{", b"\xff", b"[" * 100_000):
            with self.assertRaises(Malformed):
                receive(Acme, request(body))

    def test_an_event_is_normalized(self) -> None:
        host = FakeHost()
        host.reply("https://api.acme.example/orders/1", json={"email": " a@x ", "total": 5})
        (normalized,) = normalize(Acme, Inbound("order.created", {}, event_id="1"), host=host)
        assert normalized.lead is not None
        self.assertEqual((normalized.data, normalized.lead.email), ({"total": 5}, "a@x"))

    def test_without_normalize_an_event_is_what_it_is(self) -> None:
        event = Inbound("order.created", {"a": 1})
        self.assertEqual(normalize(Plain, event), [Normalized("order.created", {"a": 1})])

    def test_pages_are_listed_where_a_provider_has_them(self) -> None:
        self.assertEqual(list_page(Acme, PageQuery("s", cursor="1")).next, "2")
        with self.assertRaises(TypeError):
            list_page(Plain, PageQuery("s"))

    def test_what_is_returned_is_told_by_its_place(self) -> None:
        def wrong(lead: Lead) -> str:
            cls = type("Wrong", (Plain,), {"normalize": lambda self, event, settings: [Normalized("a", {}, lead)]})
            with self.assertRaises(TypeError) as raised:
                normalize(provider(id="wrong", **MANIFEST)(cls), Inbound("a", {}))
            return str(raised.exception)

        anything: Any = 5
        naive = datetime(2020, 1, 1)
        self.assertEqual(wrong(Lead(email=anything)), "normalize()[0].lead.email is an int, and text was expected")
        self.assertIn("lead.created_at is a datetime without a time zone", wrong(Lead(created_at=naive)))
        self.assertIn("custom_fields[0] is a str, and a pair", wrong(Lead(custom_fields=["ab"])))  # type: ignore[list-item]
        with self.assertRaises(TypeError) as raised:
            receive(Plain, request("{}"))
        self.assertEqual(str(raised.exception), "receive() is a dict, and a Reception was expected")

    def test_a_class_of_the_wrong_shape_is_refused(self) -> None:
        no_list: Any = type("NoList", (), {"receive": Plain.receive})
        refused: list[tuple[Any, dict[str, Any], str]] = [
            (type("Empty", (), {}), {}, "has no receive(request)"),
            (no_list, {"polls": True}, "has no list_page(query, settings)"),
            (no_list, {"oauth": OAuth("https://a", "https://b", [], "token")}, "`token`, which is not declared"),
        ]
        for cls, changes, says in refused:
            with self.subTest(says), self.assertRaises(TypeError) as raised:
                provider(**{"id": "a", **MANIFEST, **changes})(cls)
            self.assertIn(says, str(raised.exception))


class AProof(unittest.TestCase):
    """What can be read out of a request towards a proof."""

    def test_what_is_not_exactly_hex_or_base64_is_no_signature(self) -> None:
        for text in ("", "a", "AB", "abc", "0xab", "ab ", "zz", "ab\n"):
            self.assertIsNone(proof.hex(text), text)
        self.assertEqual(proof.hex("00ff"), b"\x00\xff")
        for text in ("", "AA", "AA=", "AA==\n", "A-==", "AB==", "é==="):
            self.assertIsNone(proof.base64(text), text)
        self.assertEqual(proof.base64("AP8="), b"\x00\xff")

    def test_a_signature_of_the_wrong_length_is_none(self) -> None:
        self.assertEqual(proof.hmac("s", [bytes(31), None, bytes(32)]).signatures, (bytes(32),))  # type: ignore[list-item]
        self.assertEqual(proof.hash(bytes(32), signed=[proof.secret("s")], digest="sha1").hashes, ())

    def test_a_list_gives_all_signatures_and_only_a_sole_time(self) -> None:
        listed = "t=1614265330, v1=ab,v0=ee,v1=cd"
        self.assertEqual(proof.list_values(listed, "v1"), ["ab", "cd"])
        self.assertEqual(proof.list_value(listed, "t"), "1614265330")
        self.assertIsNone(proof.list_value("t=1,t=2", "t"))
        self.assertIsNone(proof.list_value("v1=ab", "t"))

    def test_a_header_that_came_twice_is_refused_where_the_two_disagree(self) -> None:
        same = request(headers=[("X-Sig", "a"), ("x-sig", "a")])
        different = request(headers=[("X-Sig", "a"), ("x-sig", "b")])
        self.assertEqual((same.header("X-SIG"), same.header("other")), ("a", None))
        self.assertIsNone(proof.header(different, "x-sig"))
        with self.assertRaises(Malformed):
            different.header("x-sig")

    def test_a_dotted_query_parameter_is_found_and_decoded(self) -> None:
        asked = request(url="https://h/p?hub.mode=subscribe&hub.verify_token=a%2Bb+c#hub.mode=x")
        self.assertEqual((asked.query("hub.mode"), asked.query("hub.verify_token")), ("subscribe", "a+b c"))

    def test_instants_are_read_strictly(self) -> None:
        expected = datetime(2015, 2, 28, 8, 49, 14, tzinfo=timezone.utc)
        for text in ("2015-02-28T08:49:14Z", "2015-02-28T08:49:14+0000", "2015-02-28 10:49:14+02:00"):
            self.assertEqual(parse_instant(text), expected)
        for text in ("", "2015-02-28", "2015-02-28T08:49:14", "2015-02-30T08:49:14Z", "1969-12-31T23:59:59Z"):
            self.assertIsNone(parse_instant(text), text)
        self.assertEqual(from_unix("1425113354"), expected)
        self.assertEqual(from_unix_ms(1425113354000), expected)
        for text in ("", "-1", "1.5", " 1", "٣", "9" * 18):
            self.assertIsNone(from_unix(text), text)


if __name__ == "__main__":
    unittest.main()
