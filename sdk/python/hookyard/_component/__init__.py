"""What a component is made of beside the author's code. Imported only where one is built, never by an author.

`hookyard plugin build` writes an entry of two lines that calls `load`. That happens once, when the component is built:
what is imported then is frozen into the component, and there are no files afterwards. So `load` imports all that a run
may come to need, checks that the author's module declares one plugin of the right world, and says in the author's terms
what is wrong where something is.
"""

from __future__ import annotations

import gc
import importlib
import os
import re
import sys
import traceback
from typing import Final

from .. import _host, _registry
from ._absent import refuse_network, refuse_sleep
from ._preload import preload

#: Around what went wrong, for the command line to find in what the toolchain prints.
_BEGIN: Final = "<<<hookyard"
_END: Final = "hookyard>>>"

#: Before the name of an exception of ours.
_PRIVATE: Final = re.compile(r"(?m)^hookyard\._\w+\.(?=\w+:)")

#: The files of this package, as tracebacks name them.
_SDK: Final = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def load(world: _registry.World, entry: str) -> type:
    """The class that the component exports. `entry` is the author's file, as it stands in `hookyard.toml`."""
    refuse_sleep()
    # No folder of compiled files beside the author's.
    sys.dont_write_bytecode = True
    try:
        folder, _, file = entry.rpartition("/")
        module = importlib.import_module(file.removesuffix(".py"))
        root = os.path.dirname(os.path.abspath(str(module.__file__)))
        plugin = _registry.sole(world, entry)
    except BaseException as error:
        sys.stderr.write(f"{_BEGIN}\n{_explained(error, entry)}\n{_END}\n")
        # Whatever it was, SystemExit included: the build has failed.
        raise ImportError("the plugin could not be imported") from None
    preload(root)
    refuse_network()
    prefix = f"{folder}/" if folder else ""
    component = importlib.import_module(f".{world}", __package__)
    exported: type = component.exported(plugin, lambda name: _author_name(name, root, prefix))
    _host.install(importlib.import_module(".host", __package__).WorldHost())
    # What is in the snapshot lives as long as the component: a collection in a run need not look at it.
    gc.collect()
    gc.freeze()
    return exported


def _author_name(file: str, root: str, prefix: str) -> str | None:
    return prefix + file[len(root) + 1 :] if file.startswith(f"{root}/") else None


def _explained(error: BaseException, entry: str) -> str:
    """The traceback without the frames of the SDK and of the import machinery, in the author's names of files."""
    if isinstance(error, _host.NoHost):
        error.__cause__ = error.__context__ = None
    explained = traceback.TracebackException.from_exception(error)
    folder, slash, _ = entry.rpartition("/")
    seen: traceback.TracebackException | None = explained
    while seen is not None:
        kept = [frame for frame in seen.stack if not frame.filename.startswith((_SDK, "<frozen importlib", "/python/"))]
        for frame in kept:
            frame.filename = _shown(frame.filename, folder + slash)
        seen.stack = traceback.StackSummary.from_list(kept)
        if getattr(seen, "filename", None):
            seen.filename = _shown(str(seen.filename), folder + slash)
        seen = seen.__cause__ or seen.__context__
    lines = _PRIVATE.sub("", "".join(explained.format()).rstrip())
    # Where no line of the author's is to blame, the sentence alone.
    without_lines = not explained.stack and not isinstance(error, SyntaxError)
    return lines.splitlines()[-1] if without_lines else lines


def _shown(file: str, prefix: str) -> str:
    # The toolchain mounts the folders of its search path as /0, /1, …; the author's comes first.
    return prefix + file[3:] if file.startswith("/0/") else file
