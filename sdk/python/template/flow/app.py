"""The flow `{{name}}`: when a lead comes in, it says so by an event of its own.

`run` is called with the event that started it, the event's lead, and the flow's settings. It returns what shall happen.
It may be called several times for one event, so it must be a function of what it is given: see README.md.
"""

from typing import Any

from hookyard import Action, Event, Lead, drop, emit, flow, log


@flow(
    id="{{name}}",
    name="{{name}}",
    version="0.1.0",
    summary="Says when a lead came in.",
    triggers=["leadgen"],
    # Hosts that fetch() may ask, such as "api.example.com".
    hosts=[],
    credentials=[],
    # A JSON Schema. What a person fills in comes back as `settings`.
    settings={
        "type": "object",
        "properties": {"ignore_tests": {"type": "boolean", "title": "Ignore test leads"}},
        "additionalProperties": False,
    },
)
def run(event: Event, lead: Lead | None, settings: dict[str, Any]) -> list[Action]:
    """What shall happen."""
    if lead is None:
        return []
    if lead.is_test and settings.get("ignore_tests", True):
        return [drop("a test lead")]
    log.info("a lead of form", lead.form_id)
    return [emit("lead.seen", {"lead": event.lead_id, "reachable": bool(lead.email or lead.phone_number)})]
