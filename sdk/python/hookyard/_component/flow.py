"""The world of flows, as the toolchain wants it: a class whose methods are the world's exports."""

from __future__ import annotations

from typing import NoReturn

from wit_world.exports import flow as world

from .. import _flow
from .._check import json_text
from .._failure import AuthorName
from .._registry import Plugin
from . import convert


def exported(plugin: Plugin, author_name: AuthorName) -> type:
    """The class for this plugin."""
    manifest = _manifest(plugin)

    class Flow:
        def describe(self) -> world.FlowManifest:
            return manifest

        def run(self, trigger: world.Trigger, settings: str) -> list[world.Action]:
            return list(convert.answered(lambda: _run(plugin, trigger, settings), author_name))

    return Flow


def _run(plugin: Plugin, trigger: world.Trigger, settings: str) -> list[world.Action]:
    lead = None if trigger.lead is None else convert.lead(trigger.lead)
    actions = _flow.run(plugin, convert.event(trigger.event), lead, convert.settings(settings))
    return [_action(action) for action in actions]


def _action(action: _flow.Action) -> world.Action:
    match action:
        case _flow.Emit(event_type, data):
            return world.Action_Emit(world.NewEvent(event_type, json_text(data, "data")))
        case _flow.UpdateLead(changes):
            return world.Action_UpdateLead([world.Change(field, value) for field, value in changes.items()])
        case _flow.PushLead(destination):
            return world.Action_PushLead(world.Push(destination))
        case _flow.Drop(reason):
            return world.Action_Drop(reason)
    _unreachable(action)


def _manifest(plugin: Plugin) -> world.FlowManifest:
    manifest = plugin.manifest
    return world.FlowManifest(
        id=manifest.id,
        name=manifest.name,
        version=manifest.version,
        summary=manifest.summary,
        triggers=list(manifest.event_types),
        hosts=list(manifest.hosts),
        credentials=[convert.credential_spec(one) for one in manifest.credentials],
        settings_schema=manifest.settings_schema,
    )


def _unreachable(action: object) -> NoReturn:
    raise TypeError(f"{type(action).__name__} was checked, and is not known")
