"""What a plugin says of itself, once: who it is and what it would like to use.

It is checked where it is written, so that a mistake is a line in the author's file when the plugin is built, and not a
refusal at upload. A manifest grants nothing: what it names, a person grants.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeVar

from ._check import Wrong, expected, json_text, kind, many, one_of, text, word

_ID: Final = re.compile(r"[a-z][a-z0-9_]{0,63}")
_HOST: Final = re.compile(r"([A-Za-z0-9-]{1,63}\.)+[A-Za-z0-9-]{0,62}[A-Za-z-][A-Za-z0-9-]{0,62}(:[1-9][0-9]{0,4})?")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_TEXT_BYTES_MAX: Final = 1_000
_ENTRIES_MAX: Final = 100
_FIELDS_MAX: Final = 1_000

#: The schema of a plugin that has no settings.
NO_SETTINGS: Final[Mapping[str, Any]] = {"type": "object", "additionalProperties": False}

SecretScope = Literal["application", "account"]
SecretFormat = Literal["text", "hex", "base64", "whsec"]
Attachment = Literal["bearer", "header", "query", "basic"]
TokenRequest = Literal["form", "basic", "json"]


@dataclass(frozen=True)
class Credential:
    """What the host attaches to a `fetch` that names it. The plugin never sees its value.

    Made by `Credential.bearer`, `.header`, `.query` or `.basic`, which say where in a request it goes.
    """

    name: str
    #: Where a person finds it.
    summary: str
    attach: Attachment
    #: The header's or the query parameter's name.
    place: str = ""
    #: What stands before the value in a header: "Zoho-oauthtoken ".
    prefix: str = ""
    #: A further query parameter, which is the hex HMAC-SHA256 of the credential under a secret: (secret, parameter).
    proof: tuple[str, str] | None = None

    def __post_init__(self) -> None:
        _name(self.name, "a credential's name")
        _line(self.summary, f"the summary of credential `{self.name}`")
        one_of("bearer", "header", "query", "basic")(self.attach, f"the place of credential `{self.name}`")
        check = word if self.attach in ("header", "query") else text
        check(self.place, f"the place of credential `{self.name}`")
        text(self.prefix, f"the prefix of credential `{self.name}`")
        if self.proof is not None:
            secret, query = self.proof
            _name(secret, f"the secret in the proof of credential `{self.name}`")
            word(query, f"the parameter in the proof of credential `{self.name}`")

    @classmethod
    def bearer(cls, name: str, summary: str, *, proof: tuple[str, str] | None = None) -> Credential:
        """`Authorization: Bearer …`."""
        return cls(name, summary, "bearer", proof=proof)

    @classmethod
    def header(cls, name: str, summary: str, *, header: str, prefix: str = "") -> Credential:
        """A header of the peer's own, after a prefix that may be empty."""
        return cls(name, summary, "header", place=header, prefix=prefix)

    @classmethod
    def query(cls, name: str, summary: str, *, parameter: str, proof: tuple[str, str] | None = None) -> Credential:
        """A query parameter."""
        return cls(name, summary, "query", place=parameter, proof=proof)

    @classmethod
    def basic(cls, name: str, summary: str) -> Credential:
        """`Authorization: Basic …` of the value, which is "user:password"."""
        return cls(name, summary, "basic")


@dataclass(frozen=True)
class Secret:
    """A secret that proves a provider's requests. The plugin names it and never sees it."""

    name: str
    #: Where a person finds it.
    summary: str
    #: Whose it is: the operator's, one for all tenants, or one account's.
    scope: SecretScope = "account"
    #: How the text that a person pastes becomes key bytes.
    format: SecretFormat = "text"

    def __post_init__(self) -> None:
        _name(self.name, "a secret's name")
        _line(self.summary, f"the summary of secret `{self.name}`")
        one_of("application", "account")(self.scope, f"the scope of secret `{self.name}`")
        one_of("text", "hex", "base64", "whsec")(self.format, f"the format of secret `{self.name}`")


@dataclass(frozen=True)
class OAuth:
    """How a person connects an account."""

    authorize_url: str
    token_url: str
    scopes: Sequence[str]
    #: The credential that the access token becomes.
    credential: str
    #: Where client id and secret go, and in what shape.
    token_request: TokenRequest = "form"
    #: Fields of the token's answer that are no secrets and that the plugin wants in its settings: "instance_url".
    keeps: Sequence[str] = ()

    def __post_init__(self) -> None:
        word(self.authorize_url, "the OAuth authorize_url")
        word(self.token_url, "the OAuth token_url")
        many(word)(self.scopes, "the OAuth scopes")
        _name(self.credential, "the OAuth credential")
        one_of("form", "basic", "json")(self.token_request, "the OAuth token_request")
        many(word)(self.keeps, "the OAuth keeps")


@dataclass(frozen=True)
class Manifest:
    """A manifest of whichever world: what a world does not have is empty."""

    id: str
    name: str
    version: str
    summary: str
    settings_schema: str
    #: A provider's event types, a flow's triggers.
    event_types: Sequence[str] = ()
    hosts: Sequence[str] = ()
    credentials: Sequence[Credential] = ()
    secrets: Sequence[Secret] = ()
    oauth: OAuth | None = None
    fields: Sequence[str] = ()
    polls: bool = False
    imports: bool = False
    unsigned: bool = False


def checked(
    *,
    id: str,
    name: str,
    version: str,
    summary: str,
    settings: Mapping[str, Any] | None,
    event_types: Iterable[str] = (),
    hosts: Iterable[str] = (),
    credentials: Iterable[Credential] = (),
    secrets: Iterable[Secret] = (),
    oauth: OAuth | None = None,
    fields: Iterable[str] = (),
    polls: bool = False,
    imports: bool = False,
    unsigned: bool = False,
) -> Manifest:
    """The manifest, or the first thing that is wrong with it."""
    manifest = Manifest(
        id=_name(id, "the id"),
        name=_line(name, "the name"),
        version=_line(version, "the version"),
        summary=_line(summary, "the summary"),
        settings_schema=_schema(settings),
        event_types=_entries(event_types, word, "the event types", _ENTRIES_MAX),
        hosts=_entries(hosts, _host, "hosts", _ENTRIES_MAX),
        credentials=_entries(credentials, _instance(Credential), "credentials", _ENTRIES_MAX),
        secrets=_entries(secrets, _instance(Secret), "secrets", _ENTRIES_MAX),
        oauth=oauth if oauth is None else _instance(OAuth)(oauth, "oauth"),
        fields=_entries(fields, word, "fields", _FIELDS_MAX),
        polls=polls,
        imports=imports,
        unsigned=unsigned,
    )
    declared = _unique("credential", [credential.name for credential in manifest.credentials])
    known = _unique("secret", [secret.name for secret in manifest.secrets])
    for credential in manifest.credentials:
        if credential.proof is not None and credential.proof[0] not in known:
            raise Wrong(
                f"credential `{credential.name}` is proved by secret `{credential.proof[0]}`, which is not declared"
            )
    if oauth is not None and oauth.credential not in declared:
        raise Wrong(f"OAuth is to fill credential `{oauth.credential}`, which is not declared")
    return manifest


_T = TypeVar("_T")


def _entries(values: Iterable[_T], check: Any, what: str, most: int) -> tuple[_T, ...]:
    entries = many(check)(values, what)
    if len(entries) > most:
        raise Wrong(f"{what} has more than {most} entries")
    return tuple(entries)


def _instance(cls: type[_T]) -> Any:
    def check(value: object, path: str) -> _T:
        if not isinstance(value, cls):
            raise expected(value, path, f"a {cls.__name__}")
        return value

    return check


def _name(value: str, what: str) -> str:
    if not _ID.fullmatch(text(value, what)):
        raise Wrong(f'{what} is "{value[:80]}": use 1 to 64 lowercase letters, digits and underscores, a letter first')
    return value


def _line(value: str, what: str) -> str:
    if len(text(value, what).encode()) > _TEXT_BYTES_MAX or _CONTROL.search(value):
        raise Wrong(f"{what} is longer than {_TEXT_BYTES_MAX} bytes, or more than one line")
    return value


def _host(value: str, path: str) -> str:
    if not _HOST.fullmatch(text(value, path)):
        raise Wrong(f'{path} is "{value[:80]}": write a host name such as "api.example.com", without scheme or path')
    return value


def _schema(settings: Mapping[str, Any] | None) -> str:
    if settings is None:
        settings = NO_SETTINGS
    if not isinstance(settings, Mapping):
        raise Wrong(f"settings is {kind(settings)}, and a JSON Schema as a dict was expected")
    return json_text(dict(settings), "settings")


def _unique(what: str, names: list[str]) -> set[str]:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise Wrong(f"{what} `{name}` is declared twice")
        seen.add(name)
    return seen
