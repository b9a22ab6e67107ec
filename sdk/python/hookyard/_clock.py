"""Time as a plugin sees it: standing still within a step, and never the machine's own.

`time.time()` and `datetime.now()` follow the same clock inside a component. `time.sleep()` does not sleep there;
`sleep` here does, and the run leaves memory meanwhile.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from . import _host
from ._failure import milliseconds
from ._instant import from_ms


def now() -> datetime:
    """The present, in UTC. The same instant at every replay of a step."""
    return from_ms(_host.current("now()").now())


def sleep(duration: timedelta | float) -> None:
    """Waits: a timedelta, or seconds. Durable: the run comes back after a restart, or under a new version of the host.

    For flows. What comes before it happens again when the run comes back, and must come out the same.
    """
    wait_ms = milliseconds(duration, "the duration")
    _host.current("sleep()").sleep(wait_ms)
