"""Events: as a provider's plugin reads them out of a request, and as flows see them afterwards.

Their JSON is parsed before an author sees it and written again when it leaves. Nothing here knows where they go.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from ._check import Check, anything, instant, maybe, record, text, word


@dataclass(frozen=True)
class Event:
    """The event that started a flow."""

    id: str
    #: "leadgen", "deal.won": what happened.
    event_type: str
    #: The provider's type, where one sent it.
    provider: str | None
    account_id: str | None
    occurred_at: datetime
    lead_id: str | None
    #: The event's data, parsed.
    data: Any


@dataclass
class Inbound:
    """One thing that a provider told us, before it is understood."""

    #: The provider's own word for it: "leadgen", "invoice.paid".
    event_type: str
    #: What is logged: the provider's own JSON for this one event, parsed, without any secret that came along.
    payload: Any
    #: Which connected account it belongs to, in the provider's words (a page id, a shop domain).
    account_key: str | None = None
    #: The provider's own id of it, unique within the account: the deduplication key.
    event_id: str | None = None
    occurred_at: datetime | None = None


#: Checks an inbound event before it leaves.
INBOUND: Final[Check] = record(
    Inbound,
    event_type=word,
    payload=anything,
    account_key=maybe(text),
    event_id=maybe(text),
    occurred_at=maybe(instant),
)
