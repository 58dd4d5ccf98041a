"""Methods, detectors and estimators that other packages bring along.

A package names a module under the entry point group `vrestore.plugins`; the module registers what it has when
it is imported. While a plugin is written, the environment variable VRESTORE_PLUGINS names such modules, or
files of Python, separated as in PATH: worker processes inherit it.
"""

from __future__ import annotations

import os
import sys
from functools import cache
from hashlib import sha256
from importlib import import_module
from importlib.metadata import entry_points
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

from vrestore.errors import UsageError

GROUP = "vrestore.plugins"
VARIABLE = "VRESTORE_PLUGINS"


def load_plugins() -> None:
    """Import every plugin that is installed or named in the environment, each once in a process.

    Raises UsageError for one that cannot be imported: what it would have brought would be missed later.
    """
    for point in _installed():
        _import(point)
    for name in filter(None, os.environ.get(VARIABLE, "").split(os.pathsep)):
        _import(name)


@cache
def _installed() -> tuple[str, ...]:
    return tuple(sorted(point.value for point in entry_points(group=GROUP)))


@cache
def _import(name: str) -> None:
    try:
        if name.endswith(".py"):
            _import_file(Path(name))
        else:
            import_module(name)
    except Exception as error:
        raise UsageError(f"the plugin {name!r} cannot be loaded ({type(error).__name__}: {error})") from error


def _import_file(path: Path) -> None:
    # The name is the file's own, so that two files of one name are two modules.
    name = f"vrestore_plugin_{sha256(str(path.resolve()).encode()).hexdigest()[:12]}"
    spec = spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ImportError("it is no file of Python")
    module = module_from_spec(spec)
    sys.modules[name] = module  # dataclasses look their module up there
    spec.loader.exec_module(module)
