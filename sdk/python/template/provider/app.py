"""The provider `{{name}}`: reads signed webhooks, and makes leads of them.

`receive` says what would prove a request authentic and which events it carries. The host proves it, and only then asks
`normalize` what an event means. Nothing is kept between two calls: each runs in a fresh instance.
"""

from typing import Any

from hookyard import Inbound, Lead, Malformed, Normalized, Reception, Request, Secret, parse_instant, proof, provider


@provider(
    id="{{name}}",
    name="{{name}}",
    version="0.1.0",
    summary="Leads from a form.",
    event_types=["lead.created"],
    secrets=[Secret("signing_secret", "Shown beside the webhook in the provider's settings.")],
    # Hosts that fetch() may ask, such as "api.example.com".
    hosts=[],
    credentials=[],
)
class Plugin:
    """Where the events come from."""

    def receive(self, request: Request) -> Reception:
        """What would prove the request, and which events it carries."""
        body = request.json()
        if not isinstance(body, dict) or "id" not in body:
            raise Malformed("the body is no object with an id")
        event = Inbound(
            event_type="lead.created",
            payload=body,
            account_key=body.get("account"),
            event_id=str(body["id"]),
            occurred_at=parse_instant(body.get("created_at", "")),
        )
        signature = proof.hex_header(request, "X-Signature", "sha256=")
        return Reception(proof.hmac("signing_secret", signature), [event])

    def normalize(self, event: Inbound, settings: dict[str, Any]) -> list[Normalized]:
        """What the event means."""
        answers = event.payload.get("answers", {})
        lead = Lead.from_fields(str(event.event_id), [(name, str(value)) for name, value in answers.items()])
        return [Normalized("leadgen", event.payload, lead)]
