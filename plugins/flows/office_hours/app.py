"""Holds a lead back until somebody is in the office, then says `lead.ready`, so that no reminder rings at night.

The run sleeps until the office opens; with a country set, it then asks whether today is a holiday there, and sleeps on
if it is. A sleeping run takes no memory, and outlives a restart of the host. `hours` knows when the office is open,
`holiday_api` what a peer says of holidays, and here is what follows.

It guarantees that `lead.ready` is emitted once for each event, and while the office was open when the run last looked.
What counts is the time at which the run looks, not the time at which the lead came: last night's lead that a poll finds
at ten is ready at once. Who calls the lead, and whether anybody does, it refuses to know: see `speed_to_lead`.
"""

from datetime import datetime, timedelta
from typing import Any

from hookyard import Action, Event, Lead, emit, flow, log, now, sleep

import holiday_api
from hours import WEEK, Office

#: "09:00", and no "9:00": what `time.fromisoformat` takes.
TIME = "^([01][0-9]|2[0-3]):[0-5][0-9]$"


@flow(
    id="office_hours",
    name="Office hours",
    version="0.1.0",
    summary="Emits lead.ready as soon as the office is open.",
    triggers=["leadgen"],
    hosts=[holiday_api.HOST],
    settings={
        "type": "object",
        "properties": {
            "utcOffsetMinutes": {
                "type": "integer",
                "minimum": -720,
                "maximum": 840,
                "description": "How far the office's clock is ahead of UTC. 0 unless set; summer time is not known.",
            },
            "opens": {"type": "string", "pattern": TIME, "description": "09:00 unless set."},
            "closes": {"type": "string", "pattern": TIME, "description": "17:30 unless set."},
            "days": {
                "type": "array",
                "minItems": 1,
                "items": {"enum": list(WEEK)},
                "description": "The days of work. Monday to Friday unless set.",
            },
            "country": {
                "type": "string",
                "pattern": "^[A-Z]{2}$",
                "description": "Whose public holidays are kept, as in DE. None unless set.",
            },
        },
        "additionalProperties": False,
    },
)
def run(event: Event, lead: Lead | None, settings: dict[str, Any]) -> list[Action]:
    """Waits for the office, and says that the lead is ready."""
    if lead is None:
        return []
    office = Office.of(settings)
    # Looked at anew after each sleep: the host may have been down when it was over.
    while not is_open(office, at := office.clock(now()), settings.get("country")):
        opening = office.next_opening(at)
        log.info("the office is closed until", opening)
        # From now, not from `at`: where another run has changed what was read in between, this one goes on at its
        # read, and it may be tomorrow.
        sleep(max(opening - now(), timedelta()))
    # A provider's clock may be ahead of ours.
    waited = max(now() - event.occurred_at, timedelta())
    ready = {"leadId": event.lead_id, "waitedSeconds": waited // timedelta(seconds=1), "cameAt": event.occurred_at}
    return [emit("lead.ready", ready)]


def is_open(office: Office, at: datetime, country: str | None) -> bool:
    """By the hours first: a holiday is asked about on the day itself, and only where the office would be open."""
    return office.has_hours(at) and (country is None or at.date() not in holiday_api.days_of(country, at.year))
