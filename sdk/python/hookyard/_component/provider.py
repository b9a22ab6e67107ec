"""The world of providers, as the toolchain wants it: a class whose methods are the world's exports."""

from __future__ import annotations

from typing import NoReturn

from componentize_py_types import Err
from wit_world.exports import provider as world
from wit_world.imports import secrets, types

from .. import _provider, proof
from .._check import json_text
from .._failure import AuthorName, Malformed, Permanent, sentence
from .._instant import from_ms, to_ms
from .._registry import Plugin
from . import convert


def exported(plugin: Plugin, author_name: AuthorName) -> type:
    """The class for this plugin."""
    manifest = _manifest(plugin)

    class Provider:
        def describe(self) -> world.Manifest:
            return manifest

        def receive(self, request: types.HttpRequest) -> world.Reception:
            try:
                return _reception(_provider.receive(plugin, convert.request(request)))
            except MemoryError:
                raise
            except BaseException as error:
                convert.report(error, author_name)
                malformed = error.reason if isinstance(error, Malformed) else sentence(error, author_name)
            raise Err(malformed)

        def normalize(self, event: types.Inbound, settings: str) -> list[world.Normalized]:
            return list(convert.answered(lambda: _normalize(plugin, event, settings), author_name))

        def list_page(self, query: world.PageQuery, settings: str) -> world.Page:
            page: world.Page = convert.answered(lambda: _list_page(plugin, query, settings), author_name)
            return page

    return Provider


def _reception(one: _provider.Reception) -> world.Reception:
    return world.Reception(
        proof=_proof(one.proof),
        reply=None if one.reply is None else convert.to_response(one.reply),
        events=[convert.to_inbound(event) for event in one.events],
    )


def _normalize(plugin: Plugin, event: types.Inbound, settings: str) -> list[world.Normalized]:
    normalized = _provider.normalize(plugin, convert.inbound(event), convert.settings(settings))
    return [
        world.Normalized(
            event_type=one.event_type,
            lead=None if one.lead is None else convert.to_lead(one.lead),
            data=json_text(one.data, "data"),
        )
        for one in normalized
    ]


def _list_page(plugin: Plugin, query: world.PageQuery, settings: str) -> world.Page:
    asked = _provider.PageQuery(
        account_key=query.account_key,
        form_id=query.form_id,
        since=None if query.since is None else from_ms(query.since),
        cursor=query.cursor,
        limit=query.limit,
    )
    page = _provider.list_page(plugin, asked, convert.settings(settings))
    if page is None:
        raise Permanent("this provider does not list history")
    return world.Page([convert.to_inbound(item) for item in page.items], page.next, page.total)


def _proof(one: proof.Proof) -> world.Proof:
    match one:
        case proof.Hmac():
            return world.Proof_Hmac(
                world.HmacProof(
                    secret=one.secret,
                    digest=secrets.Digest[one.digest.upper()],
                    signed=_parts(one.signed),
                    signatures=list(one.signatures),
                    signed_at=None if one.signed_at is None else to_ms(one.signed_at),
                )
            )
        case proof.Hash():
            digest = secrets.Digest[one.digest.upper()]
            return world.Proof_Hash(world.HashProof(digest, _parts(one.signed), list(one.hashes)))
        case proof.PublicKey():
            return world.Proof_PublicKey(
                world.PublicKeyProof(
                    algorithm=world.KeyAlgorithm[one.algorithm.upper().replace("-", "_")],
                    key=one.key,
                    signed=_parts(one.signed),
                    signatures=list(one.signatures),
                    signed_at=None if one.signed_at is None else to_ms(one.signed_at),
                )
            )
        case proof.Token():
            return world.Proof_Token(world.TokenProof(one.secret, one.candidate))
        case proof.Handshake():
            return world.Proof_Handshake()
        case proof.Unsigned():
            return world.Proof_Unsigned()
    _unreachable(one)


def _parts(signed: tuple[proof.Part, ...]) -> list[world.SignedPart]:
    return [_part(part) for part in signed]


def _part(part: proof.Part) -> world.SignedPart:
    match part:
        case proof.Body():
            return world.SignedPart_Body()
        case proof.SecretPart(name):
            return world.SignedPart_Secret(name)
        case str():
            return world.SignedPart_Text(part)
        case bytes():
            return world.SignedPart_Bytes(part)
    _unreachable(part)


def _manifest(plugin: Plugin) -> world.Manifest:
    manifest = plugin.manifest
    return world.Manifest(
        id=manifest.id,
        name=manifest.name,
        version=manifest.version,
        summary=manifest.summary,
        event_types=list(manifest.event_types),
        secrets=[convert.secret_spec(one) for one in manifest.secrets],
        credentials=[convert.credential_spec(one) for one in manifest.credentials],
        hosts=list(manifest.hosts),
        oauth=convert.oauth_spec(manifest.oauth),
        polls=manifest.polls,
        imports=manifest.imports,
        unsigned=manifest.unsigned,
        settings_schema=manifest.settings_schema,
    )


def _unreachable(value: object) -> NoReturn:
    raise TypeError(f"{type(value).__name__} was checked, and is not known")
