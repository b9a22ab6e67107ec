"""Which plugins the imported modules declare.

A component has exactly one; the process of a unit test may have many. Decorators write here, and the component's entry
and `hookyard.testing` read. Knows nothing of what a plugin does.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from ._manifest import Manifest

World = Literal["flow", "provider", "destination"]


@dataclass(frozen=True)
class Plugin:
    """A declared plugin: what the author decorated, and what that claims to be."""

    world: World
    manifest: Manifest
    #: The author's function, or class.
    declared: Any
    #: What is called: the function itself, or an instance of the class.
    target: Any

    @property
    def file(self) -> str:
        """The file that declares it."""
        return inspect.getfile(self.declared)


_plugins: list[Plugin] = []


def add(plugin: Plugin) -> None:
    """Takes note of a plugin."""
    _plugins.append(plugin)


def sole(world: World, entry: str) -> Plugin:
    """The one plugin of a component. `entry` is the author's file, for the sentence of a refusal."""
    if not _plugins:
        raise TypeError(f"{entry} declares no plugin: decorate {_decorated(world)} with @{world}(…)")
    if len(_plugins) > 1:
        declared = ", ".join(plugin.declared.__qualname__ for plugin in _plugins)
        raise TypeError(f"{entry} declares {len(_plugins)} plugins ({declared}), and a component is one")
    plugin = _plugins[0]
    if plugin.world != world:
        raise TypeError(f'{entry} declares a {plugin.world}, and hookyard.toml says world = "{world}"')
    return plugin


def of(declared: Any, world: World) -> Plugin:
    """The plugin that a decorated function or class is."""
    for plugin in _plugins:
        if plugin.declared is declared and plugin.world == world:
            return plugin
    raise TypeError(f"{getattr(declared, '__qualname__', declared)} is not decorated with @{world}(…)")


def callable_with(function: Callable[..., Any], arguments: str, what: str) -> None:
    """Refuses a function that cannot be called with so many arguments. `arguments` are named for the sentence."""
    if inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function):
        raise TypeError(f"{what} is async, and need not be: fetch() and sleep() wait by themselves")
    try:
        inspect.signature(function).bind(*arguments.split(", "))
    except TypeError:
        raise TypeError(f"{what} is called as {function.__name__}({arguments}), and does not take that") from None


def _decorated(world: World) -> str:
    return "a class" if world == "provider" else "a function"
