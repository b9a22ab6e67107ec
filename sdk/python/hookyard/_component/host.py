"""The host, as the component's world gives it.

Each world imports less than all there is: a flow has no secrets, a provider no state. Asking for what the world has not
is refused here with a sentence. Whether an effect is performed, replayed or refused is the host's to say.
"""

from __future__ import annotations

import importlib
import time
from collections.abc import Sequence
from typing import Any, NoReturn

from componentize_py_types import Err
from wit_world.imports import http, log, types

from .._failure import FetchError
from .._host import DigestName, Level
from .._http import Headers, Request, Response
from ..secrets import SecretError
from .convert import fields


def _imported(interface: str) -> Any:
    """The interface, or None where the world does not have it."""
    try:
        return importlib.import_module(f"wit_world.imports.{interface}")
    except ImportError:
        return None


clock = _imported("clock")
state = _imported("state")
secrets = _imported("secrets")


class WorldHost:
    """Asks the host."""

    def log(self, level: Level, message: str) -> None:
        log.write(log.Level[level.upper()], message)

    def fetch(self, request: Request, credentials: Sequence[str]) -> Response:
        asked = types.HttpRequest(request.method, request.url, fields(request.headers.fields), request.body)
        try:
            answer = http.fetch(asked, list(credentials))
        except Err as error:
            raise _fetch_error(error.value) from None
        return Response(answer.status, Headers((one.name, one.value) for one in answer.headers), answer.body)

    def state_get(self, key: str) -> bytes | None:
        found: bytes | None = _flows(state, "state").get(key)
        return found

    def state_set(self, key: str, value: bytes) -> None:
        _flows(state, "state").set(key, value)

    def state_delete(self, key: str) -> None:
        _flows(state, "state").delete(key)

    def now(self) -> int:
        # In the worlds without a clock of their own, the call's instant, which WASI tells as well.
        return time.time_ns() // 1_000_000 if clock is None else int(clock.now())

    def sleep(self, milliseconds: int) -> None:
        _flows(clock, "sleep()").sleep(milliseconds)

    def hmac(self, name: str, digest: DigestName, message: bytes) -> bytes:
        if secrets is None:
            raise RuntimeError("secrets are for providers: this plugin has none")
        try:
            keyed: bytes = secrets.hmac(name, secrets.Digest[digest.upper()], message)
        except Err as error:
            raise _secret_error(error.value) from None
        return keyed


def _flows(interface: Any, what: str) -> Any:
    if interface is None:
        raise RuntimeError(f"{what} is for flows: this plugin is none")
    return interface


def _fetch_error(error: Any) -> FetchError:
    match error:
        case http.HttpError_Refused(reason):
            return FetchError(
                "refused", f"the host refused the request, for the plugin may not send it there: {reason}"
            )
        case http.HttpError_Unreachable(reason):
            return FetchError("unreachable", f"the peer could not be reached: {reason}")
        case http.HttpError_TimedOut():
            return FetchError("timed-out", "the peer did not answer in time")
        case http.HttpError_TooLarge(size):
            return FetchError("too-large", f"the peer's answer is too large ({size} bytes)")
    _unknown(error)


def _secret_error(error: Any) -> SecretError:
    if isinstance(error, secrets.SecretError_Unknown):
        return SecretError(f"there is no secret `{error.value}`")
    return SecretError(f"the plugin may not use the secret `{error.value}`")


def _unknown(value: object) -> NoReturn:
    raise RuntimeError(f"the host answered with {type(value).__name__}, which this SDK does not know")
