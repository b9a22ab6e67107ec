"""What an author returns, looked at before it leaves.

A value of the wrong kind would end the component without a word. Here it is refused with a sentence that names the
field: "run()[0].data.at is a set, which JSON cannot hold". A checker takes a value and the path of it, and gives the
value back. Nothing here knows which records there are.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final, TypeAlias

#: A checker: the value and where it stands, to the value. Raises `Wrong`.
Check: TypeAlias = Callable[[Any, str], Any]

#: How deep JSON may nest; the host reads 128.
DEPTH_MAX: Final = 100


class Wrong(TypeError):
    """A value is not what was expected. The text names its place and says what would do."""


def expected(value: object, path: str, what: str) -> Wrong:
    """The sentence of a refusal. It names the value's kind and never the value, which may be a person's."""
    return Wrong(f"{path} is {kind(value)}, and {what} was expected")


def kind(value: object) -> str:
    """What a value is, for a sentence: "None", or "an int"."""
    if value is None:
        return "None"
    name = type(value).__name__
    return f"{'an' if name[0] in 'aeiouAEIOU' else 'a'} {name}"


def text(value: Any, path: str) -> str:
    """Text that can be written as UTF-8."""
    if not isinstance(value, str):
        raise expected(value, path, "text")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise Wrong(f"{path} holds half of a surrogate pair, which is no text") from None
    return value


def word(value: Any, path: str) -> str:
    """Text that is not blank."""
    if not text(value, path).strip():
        raise Wrong(f"{path} is blank")
    return str(value)


def flag(value: Any, path: str) -> bool:
    """True or False, and nothing that is merely true."""
    if not isinstance(value, bool):
        raise expected(value, path, "True or False")
    return value


def binary(value: Any, path: str) -> bytes:
    """Bytes."""
    if not isinstance(value, (bytes, bytearray, memoryview)):
        raise expected(value, path, "bytes")
    return bytes(value)


def whole(bits: int) -> Check:
    """A whole number of so many bits, from zero."""

    def check(value: Any, path: str) -> int:
        if isinstance(value, bool) or not isinstance(value, int):
            raise expected(value, path, "a whole number")
        if not 0 <= value < 2**bits:
            raise Wrong(f"{path} is {value}, and a whole number from 0 to {2**bits - 1} was expected")
        return value

    return check


def instant(value: Any, path: str) -> datetime:
    """A datetime with a time zone, not before 1970."""
    if not isinstance(value, datetime):
        raise expected(value, path, "a datetime")
    if value.tzinfo is None or value.utcoffset() is None:
        raise Wrong(f"{path} is a datetime without a time zone: use datetime(…, tzinfo=timezone.utc)")
    if value.timestamp() < 0:
        raise Wrong(f"{path} is before 1970")
    return value


def anything(value: Any, path: str) -> Any:
    """Anything that JSON can hold."""
    _json(value, path, 0)
    return value


def one_of(*choices: str) -> Check:
    """One of these words."""

    def check(value: Any, path: str) -> str:
        if value not in choices:
            listed = " or ".join(f'"{choice}"' for choice in choices)
            said = f'"{value}"' if isinstance(value, str) else kind(value)
            raise Wrong(f"{path} is {said}, and {listed} was expected")
        return str(value)

    return check


def maybe(check: Check) -> Check:
    """None, or what the checker takes."""

    def checked(value: Any, path: str) -> Any:
        return None if value is None else check(value, path)

    return checked


def many(check: Check) -> Check:
    """A list of what the checker takes. Any iterable will do, but text and bytes."""

    def checked(value: Any, path: str) -> list[Any]:
        if isinstance(value, (str, bytes, bytearray, Mapping)) or not isinstance(value, Iterable):
            raise expected(value, path, "a list")
        return [check(one, f"{path}[{index}]") for index, one in enumerate(value)]

    return checked


def record(cls: type[Any], **fields: Check) -> Check:
    """An object of this class, with each of these fields checked. Gives a copy: the original stays as it was."""

    def checked(value: Any, path: str) -> Any:
        if not isinstance(value, cls):
            raise expected(value, path, f"a {cls.__name__}")
        return cls(**{name: check(getattr(value, name), f"{path}.{name}") for name, check in fields.items()})

    return checked


def json_text(value: Any, path: str) -> str:
    """The value's JSON text. A datetime becomes RFC 3339; a dataclass's fields are the author's to lay out."""
    _json(value, path, 0)
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=_written)


def json_value(given: str | bytes, what: str) -> Any:
    """The value of JSON text. `what` opens the sentence of a refusal, which never quotes the text."""
    try:
        return json.loads(given)
    except json.JSONDecodeError as error:
        reason = f"{error.msg} at line {error.lineno} column {error.colno}"
    except UnicodeDecodeError:
        reason = "it is no UTF-8 text"
    except RecursionError:
        reason = "it is nested too deep"
    raise ValueError(f"{what} is not JSON: {reason}")


def _json(value: Any, path: str, depth: int) -> None:
    if value is None or isinstance(value, (bool, int)):
        return
    if isinstance(value, str):
        text(value, path)
    elif isinstance(value, float):
        if not math.isfinite(value):
            raise Wrong(f"{path} is {value}, which JSON cannot hold")
    elif isinstance(value, datetime):
        instant(value, path)
    elif depth == DEPTH_MAX:
        raise Wrong(f"{path} is nested deeper than {DEPTH_MAX} levels, or holds itself")
    elif isinstance(value, dict):
        for key, one in value.items():
            if not isinstance(key, str):
                raise Wrong(f"{path} has {kind(key)} as a key, and JSON has only text there")
            _json(one, f"{path}.{text(key, f'a key of {path}')}", depth + 1)
    elif isinstance(value, (list, tuple)):
        for index, one in enumerate(value):
            _json(one, f"{path}[{index}]", depth + 1)
    else:
        raise Wrong(f"{path} is {kind(value)}, which JSON cannot hold")


def _written(value: object) -> str:
    if isinstance(value, datetime):
        at = value - (value.utcoffset() or timedelta())
        return at.replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"
    raise TypeError(kind(value))
