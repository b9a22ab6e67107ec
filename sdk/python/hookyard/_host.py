"""The seam between a plugin and whoever answers its calls: the host inside a component, `hookyard.testing` in a test.

Guarantees that nothing is asked while the author's modules are being imported, for that happens once, when the
component is built, and not when it runs. Knows nothing of what an effect does.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    from ._http import Request, Response

Level = Literal["debug", "info", "warn", "error"]
DigestName = Literal["sha1", "sha256", "sha512"]


class Host(Protocol):
    """What a plugin may ask for. Instants and durations are in milliseconds."""

    def log(self, level: Level, message: str) -> None: ...

    def fetch(self, request: Request, credentials: Sequence[str]) -> Response: ...

    def state_get(self, key: str) -> bytes | None: ...

    def state_set(self, key: str, value: bytes) -> None: ...

    def state_delete(self, key: str) -> None: ...

    def now(self) -> int: ...

    def sleep(self, milliseconds: int) -> None: ...

    def hmac(self, name: str, digest: DigestName, message: bytes) -> bytes: ...


_current: Host | None = None


class NoHost(RuntimeError):
    """There is nobody to ask: the module is being imported, or a test did not say who answers."""


def current(what: str) -> Host:
    """Who answers. `what` is the call that asks, for the sentence of a refusal."""
    if _current is None:
        raise NoHost(
            f"{what} has nobody to ask here. At the top of a module it cannot be called: the module is imported once, "
            "when the plugin is built. In a test, use hookyard.testing."
        )
    return _current


def install(host: Host) -> None:
    """From now on this host answers."""
    global _current
    _current = host


@contextmanager
def answering(host: Host) -> Iterator[None]:
    """Within the block this host answers."""
    global _current
    before, _current = _current, host
    try:
        yield
    finally:
        _current = before
