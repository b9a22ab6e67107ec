"""When the office is open: the same hours on each of its days, by a clock at a fixed distance from UTC.

It is plain computing, without effects; a holiday is `holiday_api`'s business. Summer time it refuses to know: a zone
that has it needs the package `tzdata`, and here, at the top, a `ZoneInfo("Europe/Berlin")` instead of the offset.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta, timezone
from typing import Any

from hookyard import Permanent

WEEK = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


@dataclass(frozen=True)
class Office:
    """Opens and closes on the same day."""

    zone: timezone
    opens: time
    closes: time
    days: Sequence[str]

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> Office:
        """The office of the settings, whose shape the host has looked at."""
        office = cls(
            timezone(timedelta(minutes=settings.get("utcOffsetMinutes", 0))),
            time.fromisoformat(settings.get("opens", "09:00")),
            time.fromisoformat(settings.get("closes", "17:30")),
            settings.get("days", WEEK[:5]),
        )
        if office.opens >= office.closes:
            raise Permanent("the settings say that the office closes before it opens")
        return office

    def clock(self, instant: datetime) -> datetime:
        """The instant as the office's clock shows it."""
        return instant.astimezone(self.zone)

    def has_hours(self, at: datetime) -> bool:
        """Whether this is a time at which somebody works, on any week's such day."""
        return WEEK[at.weekday()] in self.days and self.opens <= at.time() < self.closes

    def next_opening(self, at: datetime) -> datetime:
        """The next time after `at` that the office's hours begin."""
        today = datetime.combine(at.date(), self.opens, self.zone)
        for ahead in range(8):
            opening = today + timedelta(days=ahead)
            if opening > at and WEEK[opening.weekday()] in self.days:
                return opening
        raise Permanent("the settings name no day of work")
