"""Words of a job in plain types, as manifests and workers hold them, checked against what they mean."""

from __future__ import annotations

import types
from collections.abc import Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal, TypeAlias, Union, get_args, get_origin, get_type_hints

from vrestore.errors import UsageError

Plain: TypeAlias = str | int | float | bool | list["Plain"] | dict[str, "Plain"] | None
Words: TypeAlias = Mapping[str, Plain]


def plain(values: Mapping[str, Any]) -> dict[str, Plain]:
    """Return what Python was told in the types of a manifest; None is what was not said."""
    return {name: _plain(value) for name, value in values.items() if value is not None}


def _plain(value: Any) -> Plain:  # noqa: ANN401 - whatever an option takes
    if isinstance(value, Path | Fraction):
        return str(value)
    if isinstance(value, Mapping):
        return {str(name): _plain(item) for name, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_plain(item) for item in value]
    kept: Plain = value
    return kept


def check_words(words: Words, meaning: type, *, where: str) -> dict[str, Any]:
    """Return the words as keyword arguments for the function that a TypedDict describes.

    A Fraction is written as a string, such as `24000/1001`. Raises UsageError for words that are not
    known and values that are not of their type; `where` begins the message.
    """
    kinds = get_type_hints(meaning)
    for name, value in words.items():
        if name not in kinds:
            raise UsageError(f"{where}: there is no option {name!r}; known are {', '.join(sorted(kinds))}")
        if not _fits(value, kinds[name]):
            raise UsageError(f"{where}: {name} is {_said(kinds[name])}, got {value!r}")
    return {name: _read(name, value, kinds[name], where=where) for name, value in words.items()}


def _fits(value: object, kind: Any) -> bool:  # noqa: ANN401 - a type, or what stands for one
    origin, inner = get_origin(kind), get_args(kind)
    if origin in {Union, types.UnionType}:
        return any(_fits(value, one) for one in inner)
    if origin is Literal:
        return value in inner
    if origin is Sequence:
        return isinstance(value, list) and all(_fits(item, inner[0]) for item in value)
    if origin is Mapping:
        return isinstance(value, dict) and all(_fits(item, inner[1]) for item in value.values())
    if kind in {Path, Fraction}:
        return isinstance(value, str)
    if kind is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    if kind is int:
        return isinstance(value, int) and not isinstance(value, bool)
    return isinstance(value, kind)


def _read(name: str, value: Plain, kind: Any, *, where: str) -> Any:  # noqa: ANN401
    if Fraction not in get_args(kind) or value is None:
        return value
    try:
        rate = Fraction(str(value))
    except (ValueError, ZeroDivisionError) as error:
        raise UsageError(f"{where}: {name} is a number such as 25 or 24000/1001, got {value!r}") from error
    if rate <= 0:
        raise UsageError(f"{where}: {name} is more than 0, got {value!r}")
    return rate


def _said(kind: Any) -> str:  # noqa: ANN401
    """Name a type as a person would."""
    origin, inner = get_origin(kind), get_args(kind)
    if origin in {Union, types.UnionType}:
        return " or ".join(dict.fromkeys(_said(one) for one in inner if one is not types.NoneType))
    if origin is Literal:
        return " or ".join(map(repr, inner))
    if origin is Sequence:
        return f"a list of {_said(inner[0])}"
    if origin is Mapping:
        return "a table"
    named = {str: "a string", Path: "a string", Fraction: "a string", bool: "true or false"}
    return named.get(kind, "a whole number" if kind is int else "a number")
