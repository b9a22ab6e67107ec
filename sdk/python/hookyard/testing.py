"""Plugins in plain unit tests: `FakeHost` plays the host, and the functions here call a plugin as the host would.

    host = FakeHost()
    host.reply("https://api.example.com/people/1", json={"score": 80})
    actions = run_flow(run, event("leadgen", {"id": 1}), host=host)
    assert actions == [emit("lead.scored", {"score": 80})]

Every call is made twice, the second time with the replies of the first, as the host replays a run. A plugin that does
something else then is refused with `Diverged`, and so is one that fetches what its manifest does not name. Failures
come out as they were raised. Nothing here is part of a component.
"""

from __future__ import annotations

import copy
import hashlib
import hmac as _hmac
import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any, Final, TypeVar, cast
from urllib.parse import urlsplit

from . import _destination, _flow, _host, _provider, _registry
from ._check import json_text, json_value
from ._destination import Order, Receipt
from ._event import Event, Inbound
from ._failure import FetchError, FetchErrorKind
from ._flow import Action
from ._host import DigestName, Level
from ._http import Headers, Pairs, Request, Response
from ._instant import to_ms
from ._lead import Lead
from ._manifest import Manifest
from ._provider import Normalized, Page, PageQuery, Reception
from .secrets import SecretError

#: When it is, unless a test says otherwise.
NOW: Final = datetime(2026, 1, 1, 12, 0, tzinfo=timezone.utc)


class Diverged(AssertionError):
    """A replay did something else than the run before it: the plugin is no function of what it is given."""


@dataclass
class Sent:
    """A request that the plugin asked for, and the credentials that it named."""

    request: Request
    credentials: list[str]

    @property
    def json(self) -> Any:
        """The body, parsed."""
        return self.request.json()


@dataclass
class _Planned:
    method: str | None
    url: str
    answer: Response | FetchError


@dataclass
class FakeHost:
    """Answers what a plugin asks for, and keeps what it did."""

    now_at: datetime = NOW
    #: What a flow remembers. A run that ends well changes it.
    state: dict[str, bytes] = field(default_factory=dict)
    #: The values of secrets, by name.
    secrets: dict[str, bytes] = field(default_factory=dict)
    #: What was asked for, in order.
    sent: list[Sent] = field(default_factory=list)
    #: Levels and messages.
    logged: list[tuple[Level, str]] = field(default_factory=list)
    #: How long the flow slept, each time, in milliseconds.
    slept_ms: list[int] = field(default_factory=list)

    def reply(
        self,
        url: str,
        *,
        method: str | None = None,
        status: int = 200,
        headers: Pairs = (),
        body: bytes | str = b"",
        json: Any = None,
    ) -> None:
        """Plans an answer to a request for exactly this URL. Each is given once, in the order of the plan."""
        content = body.encode() if isinstance(body, str) else body
        if json is not None:
            content = json_text(json, "json").encode()
        self._planned.append(_Planned(method, url, Response(status, Headers(headers), content)))

    def fail(self, url: str, kind: FetchErrorKind, *, method: str | None = None) -> None:
        """Plans that a request for exactly this URL brings no answer."""
        self._planned.append(_Planned(method, url, FetchError(kind, f"planned: {kind}")))

    # What follows is the host's side: see `_host.Host`.

    def __post_init__(self) -> None:
        self._planned: list[_Planned] = []
        self._manifest: Manifest | None = None
        self._journal: list[tuple[Any, Any]] = []
        self._at: int | None = None
        self._written: dict[str, bytes | None] = {}

    def log(self, level: Level, message: str) -> None:
        if self._at is None:
            self.logged.append((level, message))

    def fetch(self, request: Request, credentials: Sequence[str]) -> Response:
        asked = ("fetch", request.method, request.url, request.headers.fields, request.body, tuple(credentials))
        answer = self._effect(asked, lambda: self._fetched(request, list(credentials)))
        if isinstance(answer, FetchError):
            raise answer
        found: Response = answer
        return found

    def state_get(self, key: str) -> bytes | None:
        if key in self._written:
            return self._written[key]
        found: bytes | None = self._effect(("state.get", key), lambda: self.state.get(key))
        return found

    def state_set(self, key: str, value: bytes) -> None:
        self._written[key] = value

    def state_delete(self, key: str) -> None:
        self._written[key] = None

    def now(self) -> int:
        now: int = self._effect(("now",), lambda: to_ms(self.now_at) + sum(self.slept_ms))
        return now

    def sleep(self, milliseconds: int) -> None:
        self._effect(("sleep", milliseconds), lambda: self.slept_ms.append(milliseconds))

    def hmac(self, name: str, digest: DigestName, message: bytes) -> bytes:
        if name not in self.secrets:
            raise SecretError(f"there is no secret `{name}`")
        return _hmac.new(self.secrets[name], message, getattr(hashlib, digest)).digest()

    def _fetched(self, request: Request, credentials: list[str]) -> Response | FetchError:
        self.sent.append(Sent(request, credentials))
        refusal = self._refusal(request, credentials)
        if refusal is not None:
            return FetchError("refused", refusal)
        for planned in self._planned:
            if planned.url == request.url and planned.method in (None, request.method):
                self._planned.remove(planned)
                return planned.answer
        raise AssertionError(f"nothing is planned for {request.method} {request.url}: say it with host.reply(…)")

    def _refusal(self, request: Request, credentials: list[str]) -> str | None:
        assert self._manifest is not None
        url = urlsplit(request.url)
        hosts = [host.lower() for host in self._manifest.hosts]
        if url.scheme != "https" or url.netloc.lower().removesuffix(":443") not in hosts:
            return f"{url.scheme}://{url.netloc} is not https to one of the manifest's hosts"
        declared = [credential.name for credential in self._manifest.credentials]
        unknown = [name for name in credentials if name not in declared]
        return f"the manifest does not declare credential `{unknown[0]}`" if unknown else None

    def _effect(self, asked: Any, perform: Callable[[], Any]) -> Any:
        if self._at is None:
            reply = perform()
            self._journal.append((asked, reply))
            return reply
        at, self._at = self._at, self._at + 1
        if at >= len(self._journal) or self._journal[at][0] != asked:
            before = self._journal[at][0] if at < len(self._journal) else "nothing"
            raise Diverged(f"effect {at + 1} was {_short(before)}, and is {_short(asked)} when the run is replayed")
        return self._journal[at][1]


_R = TypeVar("_R")


def event(event_type: str, data: Any = None, **fields: Any) -> Event:
    """An event for a flow, with whatever fields a test does not care about filled in."""
    defaults: dict[str, Any] = {
        "id": "evt_1",
        "provider": None,
        "account_id": None,
        "occurred_at": NOW,
        "lead_id": None,
    }
    return Event(event_type=event_type, data=_through_json({} if data is None else data), **{**defaults, **fields})


def request(
    body: bytes | str = b"", *, method: str = "POST", url: str = "https://hooks.example.com/in", headers: Pairs = ()
) -> Request:
    """A request for a provider."""
    return Request(method, url, Headers(headers), body.encode() if isinstance(body, str) else body)


def run_flow(
    run: Callable[..., Any],
    event: Event,
    lead: Lead | None = None,
    settings: dict[str, Any] | None = None,
    host: FakeHost | None = None,
) -> list[Action]:
    """What a flow does of an event."""
    plugin = _registry.of(run, "flow")
    return _twice(plugin, host, lambda: _flow.run(plugin, *copy.deepcopy((event, lead, settings or {}))))


def receive(provider: type, request: Request, host: FakeHost | None = None) -> Reception:
    """What a provider makes of a request."""
    plugin = _registry.of(provider, "provider")
    return _twice(plugin, host, lambda: _provider.receive(plugin, request))


def normalize(
    provider: type, event: Inbound, settings: dict[str, Any] | None = None, host: FakeHost | None = None
) -> list[Normalized]:
    """What a provider makes of an event."""
    plugin = _registry.of(provider, "provider")
    return _twice(plugin, host, lambda: _provider.normalize(plugin, *copy.deepcopy((event, settings or {}))))


def list_page(
    provider: type, query: PageQuery, settings: dict[str, Any] | None = None, host: FakeHost | None = None
) -> Page:
    """One page of a provider's history."""
    plugin = _registry.of(provider, "provider")
    page = _twice(plugin, host, lambda: _provider.list_page(plugin, query, copy.deepcopy(settings or {})))
    if page is None:
        raise TypeError(f"{provider.__qualname__} has no list_page(query, settings)")
    return page


def push(push: Callable[..., Any], order: Order, host: FakeHost | None = None) -> Receipt:
    """What a destination makes of a lead."""
    plugin = _registry.of(push, "destination")
    return _twice(plugin, host, lambda: _destination.push(plugin, copy.deepcopy(order)))


def _twice(plugin: _registry.Plugin, host: FakeHost | None, call: Callable[[], _R]) -> _R:
    """The call, and its replay. Chance is the same for both, as it is in a component."""
    host = FakeHost() if host is None else host
    host._manifest, host._journal = plugin.manifest, []
    first, failure = _once(host, None, call)
    written = dict(host._written)
    second, failure_again = _once(host, 0, call)
    if isinstance(failure_again, Diverged):
        raise failure_again
    if (failure is None) != (failure_again is None) or repr(failure) != repr(failure_again):
        raise Diverged(f"the run ended with {failure!r}, and with {failure_again!r} when it is replayed")
    if failure is not None:
        raise failure
    if first != second or written != host._written:
        raise Diverged("the replay ended with something else: use now() for the time, and nothing else that changes")
    _commit(host.state, written.items())
    return cast(_R, first)


def _once(host: FakeHost, at: int | None, call: Callable[[], _R]) -> tuple[_R | None, BaseException | None]:
    host._at, host._written = at, {}
    random.seed(0)
    with _host.answering(host):
        try:
            return call(), None
        except AssertionError:
            raise
        except Exception as error:
            return None, error


def _commit(state: dict[str, bytes], written: Iterable[tuple[str, bytes | None]]) -> None:
    for key, value in written:
        if value is None:
            state.pop(key, None)
        else:
            state[key] = value


def _through_json(value: Any) -> Any:
    return json_value(json_text(value, "data"), "data")


def _short(asked: Any) -> str:
    return " ".join(str(part) for part in asked[:3]) if isinstance(asked, tuple) else str(asked)
