"""Imports that would come too late.

A component has no files when it runs. What is imported inside of a function must therefore be there already, whether
the author wrote that import or the standard library has it. Everything here runs when a component is built. What
cannot be imported is left alone: the line that needs it says so when it runs.
"""

from __future__ import annotations

import ast
import importlib
import sys
from collections.abc import Iterator
from typing import Final

#: What the standard library imports on first use: `strptime`, `encode`, `decode`.
_LATE: Final = (
    "_strptime",
    "encodings.ascii",
    "encodings.cp1252",
    "encodings.idna",
    "encodings.latin_1",
    "encodings.unicode_escape",
    "encodings.utf_16",
    "encodings.utf_8_sig",
)


def preload(root: str) -> None:
    """Imports what functions import, of the modules under `root` and of packages that they brought along."""
    for name in _LATE:
        _try(name)
    done: set[str] = set()
    # What is imported here may have such imports of its own.
    while found := [name for name in sys.modules if name not in done]:
        done.update(found)
        for name in found:
            for wanted in _inside_functions(name, root):
                _try(wanted)


def _inside_functions(name: str, root: str) -> Iterator[str]:
    module = sys.modules.get(name)
    file = getattr(module, "__file__", None)
    if not isinstance(file, str) or not file.endswith(".py") or file.startswith(("/python/", "/world/", "/bundled/")):
        return
    if name.partition(".")[0] in ("hookyard", "hookyard_entry"):
        return
    try:
        with open(file, encoding="utf-8") as source:
            tree = ast.parse(source.read())
    except (OSError, SyntaxError, ValueError, RecursionError):
        return
    package = name if hasattr(module, "__path__") else name.rpartition(".")[0]
    for function in ast.walk(tree):
        if not isinstance(function, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
            continue
        for node in ast.walk(function):
            if isinstance(node, ast.Import):
                yield from (alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                base = _absolute(package, node)
                yield base
                yield from (f"{base}.{alias.name}" for alias in node.names if alias.name != "*")


def _absolute(package: str, node: ast.ImportFrom) -> str:
    parts = package.split(".") if node.level else []
    parts = parts[: len(parts) - node.level + 1]
    return ".".join([*parts, node.module] if node.module else parts)


def _try(name: str) -> None:
    if not name or name in sys.modules:
        return
    parent, _, child = name.rpartition(".")
    # `from a import b`, where `b` is no module but a name in `a`.
    if parent in sys.modules and hasattr(sys.modules[parent], child):
        return
    try:
        importlib.import_module(name)
    except Exception:
        pass
