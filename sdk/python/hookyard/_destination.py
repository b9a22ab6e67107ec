"""The world of destinations: where leads are pushed to.

A push is made again after a failure whose outcome is unknown, so a destination must find what an earlier call wrote,
and never write twice. Nothing here knows which destination it is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from . import _registry
from ._check import Check, maybe, record, text, word
from ._lead import Lead
from ._manifest import Credential, OAuth, checked


@dataclass(frozen=True)
class Receipt:
    """Where the lead is now: the destination's own id of it, and a page for people."""

    external_id: str
    url: str | None = None


@dataclass(frozen=True)
class Order:
    """One lead for the destination."""

    lead_id: str
    lead: Lead
    #: Which of the destination's fields takes which of the lead's, as the tenant wrote it.
    mapping: Any
    settings: Any
    #: The receipt of the last success: update that, and write nothing new.
    previous: Receipt | None = None


_F = TypeVar("_F", bound=Callable[..., Any])


def destination(
    *,
    id: str,
    name: str,
    version: str,
    summary: str,
    hosts: Sequence[str] = (),
    credentials: Sequence[Credential] = (),
    oauth: OAuth | None = None,
    fields: Sequence[str] = (),
    settings: Mapping[str, Any] | None = None,
) -> Callable[[_F], _F]:
    """Makes a function the plugin: `push(order)`, which returns a `Receipt`.

    `fields` are the destination's own, which a mapping may name. The function stays a plain function.
    """
    manifest = checked(
        id=id,
        name=name,
        version=version,
        summary=summary,
        hosts=hosts,
        credentials=credentials,
        oauth=oauth,
        fields=fields,
        settings=settings,
    )

    def declare(function: _F) -> _F:
        _registry.callable_with(function, "order", "a destination")
        _registry.add(_registry.Plugin("destination", manifest, function, function))
        return function

    return declare


def push(plugin: _registry.Plugin, order: Order) -> Receipt:
    """Calls a destination, and looks at what it returns."""
    receipt: Receipt = _RECEIPT(plugin.target(order), f"{plugin.declared.__name__}()")
    return receipt


_RECEIPT: Final[Check] = record(Receipt, external_id=word, url=maybe(text))
