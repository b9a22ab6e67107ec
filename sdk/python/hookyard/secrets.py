"""Secrets are named, used, and never shown. For providers that have to answer a challenge.

Beware of the oracle: where the challenge is signed with the key that signs events, answer only what cannot be an
event's signed bytes; a challenge of the exact shape that the provider documents, and nothing longer.
"""

from __future__ import annotations

from . import _host
from ._check import binary, one_of, text
from ._host import DigestName


class SecretError(Exception):
    """The named secret is not there, or the plugin may not use it."""


def hmac(name: str, message: bytes | str, digest: DigestName = "sha256") -> bytes:
    """The keyed hash of a message under the named secret."""
    one_of("sha1", "sha256", "sha512")(digest, "digest")
    data = text(message, "the message").encode() if isinstance(message, str) else binary(message, "the message")
    return _host.current("secrets.hmac()").hmac(text(name, "the name"), digest, data)
