"""Instants: milliseconds since 1970 on the wire, datetimes with a time zone in the author's hands.

Guarantees that no instant loses a millisecond either way. What is outside of the years that Python counts is its first
or last one. Nothing here reads a clock.
"""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Final

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=timezone.utc)
_LAST_MS: Final = (datetime(9999, 12, 31, 23, 59, 59, tzinfo=timezone.utc) - _EPOCH) // timedelta(milliseconds=1)


def to_ms(instant: datetime) -> int:
    """Milliseconds since 1970; what is finer is cut off."""
    return (instant - _EPOCH) // timedelta(milliseconds=1)


def from_ms(milliseconds: int) -> datetime:
    """The instant, in UTC."""
    return _EPOCH + timedelta(milliseconds=min(milliseconds, _LAST_MS))


def from_unix(seconds: str | int) -> datetime | None:
    """Unix seconds as providers write them: digits and nothing else. None where they are not."""
    return _counted(seconds, 1000)


def from_unix_ms(milliseconds: str | int) -> datetime | None:
    """Unix milliseconds as providers write them: digits and nothing else. None where they are not."""
    return _counted(milliseconds, 1)


def parse_instant(text: str) -> datetime | None:
    """A date and time with an offset, such as RFC 3339 or "2015-02-28T08:49:14+0000". None where it is not one."""
    try:
        instant = datetime.fromisoformat(text)
    except (ValueError, TypeError):
        return None
    if instant.tzinfo is None:
        return None
    # Near the years 1 and 9999 there may be no such instant in UTC.
    try:
        instant = instant.astimezone(timezone.utc)
    except OverflowError:
        return None
    return instant if instant >= _EPOCH else None


def _counted(value: str | int, factor: int) -> datetime | None:
    if isinstance(value, int):
        value = str(value)
    if not (isinstance(value, str) and value.isascii() and value.isdigit()) or len(value) > 18:
        return None
    count = int(value) * factor
    return from_ms(count) if count <= _LAST_MS else None
