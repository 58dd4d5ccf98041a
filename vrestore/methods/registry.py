"""The methods that there are: the two of this package, and those that plugins bring."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from vrestore.errors import UsageError
from vrestore.methods.base import Method
from vrestore.methods.dehaze.method import DEHAZE
from vrestore.methods.inpaint.method import INPAINT
from vrestore.plugins import load_plugins

_METHODS: dict[str, Method] = {method.name: method for method in (INPAINT, DEHAZE)}


def register(method: Method) -> Method:
    """Add a method; raises ValueError for a name that another one has."""
    known = _METHODS.setdefault(method.name, method)
    if known is not method:
        raise ValueError(f"there is a method {method.name!r} already")
    return method


def methods() -> Mapping[str, Method]:
    """Return all methods by name, those of plugins too."""
    load_plugins()
    return MappingProxyType(_METHODS)


def method_named(name: str) -> Method:
    """Return a method; raises UsageError for a name that none has."""
    found = methods().get(name)
    if found is None:
        raise UsageError(f"there is no method {name!r}; known are {', '.join(methods())}")
    return found
