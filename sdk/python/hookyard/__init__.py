"""Write Hookyard plugins in Python: one decorator a world, and nothing of WebAssembly in sight.

A plugin computes and never acts. It has no socket, no file and no secret; it says what should happen, and the host
does it. So a plugin is a function of what it is given, and the same function runs in a plain unit test, where
`hookyard.testing` plays the host.

    from hookyard import flow, emit

    @flow(id="speed_to_lead", name="Speed to lead", version="1.0.0", summary="…", triggers=["leadgen"])
    def run(event, lead, settings):
        return [emit("lead.uncontacted", {"lead": event.lead_id})]

This file names all that is public. What begins with an underscore may change with any release.
"""

from . import log, proof, secrets, state
from ._clock import now, sleep
from ._destination import Order, Receipt, destination
from ._event import Event, Inbound
from ._failure import FetchError, Malformed, Permanent, Retry, Unauthorized
from ._flow import Action, Drop, Emit, PushLead, UpdateLead, drop, emit, flow, push_lead, update_lead
from ._http import Headers, Request, Response, fetch
from ._instant import from_unix, from_unix_ms, parse_instant
from ._lead import Consent, Field, Lead
from ._manifest import Credential, OAuth, Secret
from ._provider import Normalized, Page, PageQuery, Reception, provider

__all__ = [
    "Action",
    "Consent",
    "Credential",
    "Drop",
    "Emit",
    "Event",
    "FetchError",
    "Field",
    "Headers",
    "Inbound",
    "Lead",
    "Malformed",
    "Normalized",
    "OAuth",
    "Order",
    "Page",
    "PageQuery",
    "Permanent",
    "PushLead",
    "Receipt",
    "Reception",
    "Request",
    "Response",
    "Retry",
    "Secret",
    "Unauthorized",
    "UpdateLead",
    "destination",
    "drop",
    "emit",
    "fetch",
    "flow",
    "from_unix",
    "from_unix_ms",
    "log",
    "now",
    "parse_instant",
    "proof",
    "provider",
    "push_lead",
    "secrets",
    "sleep",
    "state",
    "update_lead",
]
