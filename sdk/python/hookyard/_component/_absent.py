"""What is not there in a component, refused with a sentence that says what there is instead.

Without this a sleep would not sleep, and a socket would end the component without a word. Only what an author is
likely to reach for is here; the rest fails in the words of the standard library.
"""

from __future__ import annotations

import sys
import time
from typing import Any, NoReturn


def refuse_sleep() -> None:
    """Before the author's modules are imported, for they may take `sleep` out of `time`."""
    setattr(time, "sleep", _no_sleep)


def refuse_network() -> None:
    """After the author's modules are imported: only where one of them brought sockets along."""
    socket: Any = sys.modules.get("socket")
    if socket is not None:
        socket.getaddrinfo = socket.create_connection = _no_network
        socket.socket.connect = socket.socket.connect_ex = _no_network


def _no_sleep(*_: object) -> NoReturn:
    raise RuntimeError("time.sleep() cannot wait here: use hookyard.sleep()")


def _no_network(*_: object, **__: object) -> NoReturn:
    raise RuntimeError("a plugin has no network: use hookyard.fetch()")
