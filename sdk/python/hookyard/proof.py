"""Saying what would prove a request authentic.

A plugin sees no secret and compares nothing. It names the secret, lists what was signed, and decodes the signatures
that came along; the host computes and compares, on the raw bytes, in constant time. Everything here fails closed:
what cannot be decoded is no signature, and a proof without signatures is refused with a 401.

    signature = proof.hex_header(request, "X-Hub-Signature-256", "sha256=")
    return Reception(proof.hmac("app_secret", signature), events)
"""

from __future__ import annotations

import base64 as _base64
import binascii
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal, TypeAlias

from . import _check
from ._host import DigestName
from ._http import Request


@dataclass(frozen=True)
class Body:
    """In a list of what was signed: the request's raw body."""


@dataclass(frozen=True)
class SecretPart:
    """In a list of what was signed: the named secret's own bytes."""

    name: str


#: The request's raw body.
BODY: Final = Body()

#: What was signed, in order. Text and bytes stand for themselves.
Part: TypeAlias = Body | SecretPart | str | bytes
Signatures: TypeAlias = bytes | Iterable[bytes] | None
Algorithm = Literal["ed25519", "ecdsa-p256-sha256"]

_LENGTHS: Final = {"sha1": 20, "sha256": 32, "sha512": 64}


@dataclass(frozen=True)
class Hmac:
    """A keyed hash under the named secret."""

    secret: str
    digest: DigestName
    signed: tuple[Part, ...]
    signatures: tuple[bytes, ...]
    signed_at: datetime | None


@dataclass(frozen=True)
class Hash:
    """A plain digest over bytes that include a secret."""

    digest: DigestName
    signed: tuple[Part, ...]
    hashes: tuple[bytes, ...]


@dataclass(frozen=True)
class PublicKey:
    """A signature under the provider's private key."""

    key: str
    algorithm: Algorithm
    signed: tuple[Part, ...]
    signatures: tuple[bytes, ...]
    signed_at: datetime | None


@dataclass(frozen=True)
class Token:
    """The request carries the secret itself."""

    secret: str
    candidate: str


@dataclass(frozen=True)
class Handshake:
    """Nothing is claimed: only a reply may come of it, and no event."""


@dataclass(frozen=True)
class Unsigned:
    """Events that nothing proves: hints, where the manifest says `unsigned` and the account's owner agreed."""


HANDSHAKE: Final = Handshake()
UNSIGNED: Final = Unsigned()

Proof: TypeAlias = Hmac | Hash | PublicKey | Token | Handshake | Unsigned


def hmac(
    secret: str,
    signatures: Signatures,
    *,
    signed: Sequence[Part] = (BODY,),
    digest: DigestName = "sha256",
    signed_at: datetime | None = None,
) -> Hmac:
    """A keyed hash under the named secret. Any one of the signatures may match; one of the wrong length is none.

    Where the scheme signs a time, give it as `signed_at`: the host refuses it outside the tolerance, either way.
    """
    offered = _offered(signatures, _length(digest))
    return Hmac(_check.word(secret, "the secret"), digest, _parts(signed), offered, _at(signed_at))


def hash(hashes: Signatures, *, signed: Sequence[Part], digest: DigestName = "sha256") -> Hash:
    """A plain digest over bytes that include a secret: name it in `signed` by `secret(…)`."""
    return Hash(digest, _parts(signed), _offered(hashes, _length(digest)))


def public_key(
    key: str,
    signatures: Signatures,
    *,
    algorithm: Algorithm,
    signed: Sequence[Part] = (BODY,),
    signed_at: datetime | None = None,
) -> PublicKey:
    """A signature under the provider's private key; the secret named `key` holds its public one."""
    _check.one_of("ed25519", "ecdsa-p256-sha256")(algorithm, "the algorithm")
    offered = _offered(signatures, None)
    return PublicKey(_check.word(key, "the key"), algorithm, _parts(signed), offered, _at(signed_at))


def token(secret: str, candidate: str | None) -> Token:
    """The request carries the named secret itself. None, where it carries nothing, matches no secret."""
    return Token(
        _check.word(secret, "the secret"), "" if candidate is None else _check.text(candidate, "the candidate")
    )


def secret(name: str) -> SecretPart:
    """In a list of what was signed: the named secret's own bytes."""
    return SecretPart(_check.word(name, "the secret"))


def header(request: Request, name: str) -> str | None:
    """The header's value, where all headers of this name agree; None where there is none or where two disagree."""
    values = set(request.headers.all(name))
    return values.pop() if len(values) == 1 else None


def hex_header(request: Request, name: str, prefix: str = "") -> bytes | None:
    """The signature in a header like `X-Hub-Signature-256: sha256=<hex>`; the prefix's case matters."""
    value = header(request, name)
    return hex(value[len(prefix) :]) if value is not None and value.startswith(prefix) else None


def base64_header(request: Request, name: str, prefix: str = "") -> bytes | None:
    """The signature in a header like `X-Shopify-Hmac-Sha256: <base64>`; the prefix's case matters."""
    value = header(request, name)
    return base64(value[len(prefix) :]) if value is not None and value.startswith(prefix) else None


def hex(text: str) -> bytes | None:
    """Lower-case hex, the whole of it."""
    return bytes.fromhex(text) if re.fullmatch(r"(?:[0-9a-f]{2})+", text) else None


def base64(text: str) -> bytes | None:
    """Standard base64 with its padding, the whole of it."""
    try:
        decoded = _base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
    # There is one way to write it: what decodes and is written otherwise was tampered with.
    return decoded if decoded and _base64.b64encode(decoded).decode() == text else None


def list_values(text: str, key: str, separator: str = ",") -> list[str]:
    """The values of one key in a list like `t=1614265330,v1=ab,v1=cd`, in order; blanks around a pair are ignored."""
    pairs = (pair.strip().partition("=") for pair in text.split(separator))
    return [value for name, equals, value in pairs if equals and name == key]


def list_value(text: str, key: str, separator: str = ",") -> str | None:
    """The one value of a key in such a list; None where it is missing or there twice."""
    values = list_values(text, key, separator)
    return values[0] if len(values) == 1 else None


def _offered(signatures: Signatures, length: int | None) -> tuple[bytes, ...]:
    if signatures is None:
        return ()
    listed: Iterable[object] = [signatures] if isinstance(signatures, (bytes, bytearray)) else signatures
    # What could not be decoded is None, and no signature.
    offered = [_check.binary(one, "a signature") for one in listed if one is not None]
    return tuple(one for one in offered if length is None or len(one) == length)


def _length(digest: str) -> int:
    return _LENGTHS[_check.one_of(*_LENGTHS)(digest, "the digest")]


def _parts(signed: Sequence[Part]) -> tuple[Part, ...]:
    def check(part: object, path: str) -> object:
        if isinstance(part, (Body, SecretPart)):
            return part
        if isinstance(part, str):
            return _check.text(part, path)
        if isinstance(part, (bytes, bytearray)):
            return bytes(part)
        raise _check.expected(part, path, "proof.BODY, text, bytes or proof.secret(…)")

    return tuple(_check.many(check)(signed, "signed"))


def _at(instant: datetime | None) -> datetime | None:
    return None if instant is None else _check.instant(instant, "signed_at")
