"""The world of flows: a tenant's automation.

A flow reads as straight-line code. At each effect whose reply is not known yet the host ends the instance, performs
the effect, and runs the flow again from the start with the reply at hand; so a flow must be a function of its
arguments and of the replies. What it returns is carried out in one transaction, or not at all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias, TypeVar

from . import _registry
from ._check import Wrong, json_text, kind, many, maybe, text, word
from ._event import Event
from ._lead import Lead
from ._manifest import Credential, checked


@dataclass(frozen=True)
class Emit:
    """A new event, delivered to subscriptions and flows like any other. In a transform: the body."""

    event_type: str
    data: Any = None

    def __post_init__(self) -> None:
        word(self.event_type, "the event type")
        json_text(self.data, "data")


@dataclass(frozen=True)
class UpdateLead:
    """Changes to the triggering event's lead, by field. None empties a field."""

    changes: Mapping[str, str | None]

    def __post_init__(self) -> None:
        for field, value in self.changes.items():
            word(field, "a field's name")
            maybe(text)(value, field)


@dataclass(frozen=True)
class PushLead:
    """A push of the triggering event's lead to a destination, by its name or its id."""

    destination: str

    def __post_init__(self) -> None:
        word(self.destination, "the destination")


@dataclass(frozen=True)
class Drop:
    """The end of the triggering event: no delivery, no push. In stage `before` only."""

    reason: str

    def __post_init__(self) -> None:
        word(self.reason, "the reason")


Action: TypeAlias = Emit | UpdateLead | PushLead | Drop

#: What Python cannot write in a keyword, by what the host calls it.
_FIELDS: Final = {
    "first_name": "first-name",
    "last_name": "last-name",
    "full_name": "full-name",
    "phone_number": "phone-number",
}


def emit(event_type: str, data: Any = None) -> Emit:
    """A new event. `data` is anything that JSON can hold."""
    return Emit(event_type, {} if data is None else data)


def update_lead(changes: Mapping[str, str | None] | None = None, /, **fields: str | None) -> UpdateLead:
    """Sets fields of the triggering lead; None empties one. The host cleans the values.

    `update_lead(email="joe@example.com", company=None)`. Custom fields whose names are no Python names go into a dict:
    `update_lead({"How big is your team?": "5"})`.
    """
    if changes is not None and not isinstance(changes, Mapping):
        raise Wrong(f"update_lead() takes a dict or keywords, and not {kind(changes)}")
    merged = {**(changes or {}), **fields}
    return UpdateLead({_FIELDS.get(field, field): value for field, value in merged.items()})


def push_lead(destination: str) -> PushLead:
    """Pushes the triggering lead to a destination, by its name or its id."""
    return PushLead(destination)


def drop(reason: str) -> Drop:
    """Ends the triggering event here: no delivery, no push. In stage `before` only. The reason is a sentence."""
    return Drop(reason)


Run: TypeAlias = Callable[[Event, Lead | None, dict[str, Any]], Iterable[Action] | Action | None]
_F = TypeVar("_F", bound=Callable[..., Any])


def flow(
    *,
    id: str,
    name: str,
    version: str,
    summary: str,
    triggers: Sequence[str],
    hosts: Sequence[str] = (),
    credentials: Sequence[Credential] = (),
    settings: Mapping[str, Any] | None = None,
) -> Callable[[_F], _F]:
    """Makes a function the plugin: `run(event, lead, settings)`, which returns a list of actions.

    `triggers` are the event types that start it: "leadgen", "deal.*", "*". `hosts` are those that it fetches from.
    `settings` is a JSON Schema. The function stays a plain function.
    """
    manifest = checked(
        id=id,
        name=name,
        version=version,
        summary=summary,
        event_types=many(word)(triggers, "triggers"),
        hosts=hosts,
        credentials=credentials,
        settings=settings,
    )

    def declare(function: _F) -> _F:
        _registry.callable_with(function, "event, lead, settings", "a flow")
        _registry.add(_registry.Plugin("flow", manifest, function, function))
        return function

    return declare


def run(plugin: _registry.Plugin, event: Event, lead: Lead | None, settings: dict[str, Any]) -> list[Action]:
    """Calls a flow, and looks at what it returns."""
    returned = plugin.target(event, lead, settings)
    name = f"{plugin.declared.__name__}()"
    if returned is None:
        return []
    if isinstance(returned, Action):
        return [returned]
    if isinstance(returned, (str, bytes, Mapping)) or not isinstance(returned, Iterable):
        raise Wrong(f"{name} returned {kind(returned)}, and a list of actions was expected: {_ACTIONS}")
    actions = []
    # A generator runs here, its effects included.
    for index, action in enumerate(returned):
        if not isinstance(action, Action):
            raise Wrong(f"{name} returned {kind(action)} at [{index}], and an action was expected: {_ACTIONS}")
        if isinstance(action, Emit):
            # Again, for the data may have changed since it was made.
            json_text(action.data, f"{name}[{index}].data")
        actions.append(action)
    return actions


_ACTIONS: Final = "emit(), update_lead(), push_lead() or drop()"
