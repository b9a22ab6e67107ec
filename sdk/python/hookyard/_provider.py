"""The world of providers: where events come from.

A provider's plugin says what would prove a request authentic; the host proves it, and asks what the events mean only
afterwards. Nothing here believes a request.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Protocol, TypeVar

from . import _registry
from ._check import Check, Wrong, anything, expected, many, maybe, record, text, whole, word
from ._event import INBOUND, Inbound
from ._http import Request, Response, response
from ._lead import LEAD, Lead
from ._manifest import Credential, OAuth, Secret, checked
from .proof import Proof


@dataclass
class Reception:
    """What a request is: what would prove it, which events it carries, and an answer where it wants one of its own."""

    proof: Proof
    events: Sequence[Inbound] = field(default_factory=list)
    #: The host's own 200 where None.
    reply: Response | None = None


@dataclass
class Normalized:
    """What an event means: its data as subscribers see it, and the person, where there is one."""

    event_type: str
    data: Any
    lead: Lead | None = None


@dataclass(frozen=True)
class PageQuery:
    """Which page of history the host wants."""

    account_key: str
    form_id: str | None = None
    since: datetime | None = None
    #: The `next` of the page before.
    cursor: str | None = None
    limit: int = 50


@dataclass
class Page:
    """One page of history, oldest first where the provider allows it."""

    items: Sequence[Inbound]
    #: The cursor of the next page; None where this was the last.
    next: str | None = None
    total: int | None = None


class Receives(Protocol):
    """What a provider's class has at least. It may also have `normalize(event, settings)`, which otherwise takes the
    event as it is, and `list_page(query, settings)`, for polls and imports."""

    def receive(self, request: Request, /) -> Reception: ...


_C = TypeVar("_C", bound=type[Receives])


def provider(
    *,
    id: str,
    name: str,
    version: str,
    summary: str,
    event_types: Sequence[str],
    secrets: Sequence[Secret] = (),
    credentials: Sequence[Credential] = (),
    hosts: Sequence[str] = (),
    oauth: OAuth | None = None,
    polls: bool = False,
    imports: bool = False,
    unsigned: bool = False,
    settings: Mapping[str, Any] | None = None,
) -> Callable[[_C], _C]:
    """Makes a class the plugin. It has `receive(request)`, and may have `normalize(event, settings)` and
    `list_page(query, settings)`. It keeps no state: each call runs in a fresh instance of the whole plugin.
    """
    manifest = checked(
        id=id,
        name=name,
        version=version,
        summary=summary,
        event_types=event_types,
        secrets=secrets,
        credentials=credentials,
        hosts=hosts,
        oauth=oauth,
        polls=polls,
        imports=imports,
        unsigned=unsigned,
        settings=settings,
    )

    def declare(cls: _C) -> _C:
        if not isinstance(cls, type):
            raise TypeError("@provider(…) decorates a class")
        target = cls()
        _registry.callable_with(_method(target, "receive", cls), "request", f"{cls.__name__}.receive")
        if hasattr(target, "normalize"):
            _registry.callable_with(target.normalize, "event, settings", f"{cls.__name__}.normalize")
        if hasattr(target, "list_page"):
            _registry.callable_with(target.list_page, "query, settings", f"{cls.__name__}.list_page")
        elif polls or imports:
            raise TypeError(f"{cls.__name__} says that it polls or imports, and has no list_page(query, settings)")
        _registry.add(_registry.Plugin("provider", manifest, cls, target))
        return cls

    return declare


def receive(plugin: _registry.Plugin, request: Request) -> Reception:
    """Calls `receive`, and looks at what it returns."""
    checked_reception: Reception = _RECEPTION(plugin.target.receive(request), "receive()")
    return checked_reception


def normalize(plugin: _registry.Plugin, event: Inbound, settings: dict[str, Any]) -> list[Normalized]:
    """Calls `normalize`, and looks at what it returns. One event may be returned without a list around it."""
    if not hasattr(plugin.target, "normalize"):
        return [Normalized(event.event_type, event.payload)]
    returned = plugin.target.normalize(event, settings)
    if returned is None:
        raise Wrong("normalize() returned None, and a list of Normalized was expected")
    listed: Any = [returned] if isinstance(returned, Normalized) else returned
    result: list[Normalized] = many(_NORMALIZED)(listed, "normalize()")
    return result


def list_page(plugin: _registry.Plugin, query: PageQuery, settings: dict[str, Any]) -> Page | None:
    """Calls `list_page`, and looks at what it returns; None where the provider lists nothing."""
    if not hasattr(plugin.target, "list_page"):
        return None
    page: Page = _PAGE(plugin.target.list_page(query, settings), "list_page()")
    return page


def _method(target: object, name: str, cls: type) -> Callable[..., Any]:
    method = getattr(target, name, None)
    if not callable(method):
        raise TypeError(f"{cls.__name__} has no {name}(request), and a provider needs one")
    found: Callable[..., Any] = method
    return found


def _proof(value: Any, path: str) -> Any:
    if not isinstance(value, Proof):
        raise expected(value, path, "a proof, such as proof.hmac(…) or proof.HANDSHAKE,")
    return value


_RECEPTION: Final[Check] = record(Reception, proof=_proof, events=many(INBOUND), reply=maybe(response))
_NORMALIZED: Final[Check] = record(Normalized, event_type=word, data=anything, lead=maybe(LEAD))
_PAGE: Final[Check] = record(Page, items=many(INBOUND), next=maybe(text), total=maybe(whole(64)))
