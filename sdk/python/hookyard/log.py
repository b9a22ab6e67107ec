"""Lines for the run's log, which the tenant reads beside the event.

Past the run's limit lines are counted and dropped. Write no answers of a person's and no secret into them. What is
printed goes to the same log.
"""

from __future__ import annotations

from . import _host
from ._host import Level


def debug(*parts: object) -> None:
    """A detail for who debugs the plugin. Parts are joined by blanks, as `print` does."""
    _write("debug", parts)


def info(*parts: object) -> None:
    """Something worth knowing."""
    _write("info", parts)


def warn(*parts: object) -> None:
    """Degraded, going on."""
    _write("warn", parts)


def error(*parts: object) -> None:
    """A person should act."""
    _write("error", parts)


def _write(level: Level, parts: tuple[object, ...]) -> None:
    message = " ".join(str(part) for part in parts)
    # A lone surrogate is no reason to lose a line.
    _host.current(f"log.{level}()").log(level, message.encode(errors="backslashreplace").decode())
