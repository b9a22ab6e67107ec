"""The world of destinations, as the toolchain wants it: a class whose methods are the world's exports."""

from __future__ import annotations

from wit_world.exports import destination as world

from .. import _destination
from .._check import json_value
from .._failure import AuthorName
from .._registry import Plugin
from . import convert


def exported(plugin: Plugin, author_name: AuthorName) -> type:
    """The class for this plugin."""
    manifest = _manifest(plugin)

    class Destination:
        def describe(self) -> world.DestinationManifest:
            return manifest

        def push(self, order: world.PushOrder) -> world.Receipt:
            receipt: world.Receipt = convert.answered(lambda: _push(plugin, order), author_name)
            return receipt

    return Destination


def _push(plugin: Plugin, order: world.PushOrder) -> world.Receipt:
    previous = order.previous
    receipt = _destination.push(
        plugin,
        _destination.Order(
            lead_id=order.lead_id,
            lead=convert.lead(order.lead),
            mapping=json_value(order.mapping, "the mapping"),
            settings=convert.settings(order.settings),
            previous=None if previous is None else _destination.Receipt(previous.external_id, previous.url),
        ),
    )
    return world.Receipt(receipt.external_id, receipt.url)


def _manifest(plugin: Plugin) -> world.DestinationManifest:
    manifest = plugin.manifest
    return world.DestinationManifest(
        id=manifest.id,
        name=manifest.name,
        version=manifest.version,
        summary=manifest.summary,
        credentials=[convert.credential_spec(one) for one in manifest.credentials],
        hosts=list(manifest.hosts),
        oauth=convert.oauth_spec(manifest.oauth),
        fields=list(manifest.fields),
        settings_schema=manifest.settings_schema,
    )
