"""What a flow remembers between runs.

Reads are effects, except of what this run wrote itself. Writes take hold only when the run ends well, and only if
nobody changed meanwhile what it read. For flows: the other worlds remember nothing.
"""

from __future__ import annotations

from typing import Any

from . import _host
from ._check import binary, json_text, json_value, text


def get(key: str) -> bytes | None:
    """What stands under the key, this run's own writes included."""
    return _host.current("state.get()").state_get(text(key, "the key"))


def get_text(key: str) -> str | None:
    """What stands under the key, as text."""
    value = get(key)
    return None if value is None else value.decode()


def get_json(key: str, default: Any = None) -> Any:
    """What stands under the key, as JSON; `default` where there is nothing."""
    value = get(key)
    return default if value is None else json_value(value, f"the state under `{key}`")


def set(key: str, value: bytes | str) -> None:
    """Remembers a value."""
    text(key, "the key")
    data = text(value, "the value").encode() if isinstance(value, str) else binary(value, "the value")
    _host.current("state.set()").state_set(key, data)


def set_json(key: str, value: Any) -> None:
    """Remembers a value, as JSON."""
    set(key, json_text(value, "the value"))


def delete(key: str) -> None:
    """Forgets what stands under the key."""
    _host.current("state.delete()").state_delete(text(key, "the key"))
