"""What an option is: one field of a dataclass says its type, its default, its words, and what it affects.

    @dataclass(frozen=True, slots=True, kw_only=True)
    class NegativeOptions:
        strength: float = option(1.0, "How far the picture is inverted, 0 to 1.", metavar="N")

Everything else is derived from the fields: the flags of the command line, the parameters of the library's
functions, what a list of jobs may say, what makes two jobs the same, and what a report calls the settings.
"""

from __future__ import annotations

import types
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import MISSING, Field, dataclass, field, fields
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any, Literal, TypeAlias, Union, get_args, get_origin, get_type_hints

from vrestore.errors import UsageError

PathLike = str | Path

Plain: TypeAlias = str | int | float | bool | list["Plain"] | dict[str, "Plain"] | None
Words: TypeAlias = Mapping[str, Plain]

Affects = Literal["output", "placement"]
"""What an option has an effect on: on what is written, or only on where and how it is worked on."""

FILL, WRITE, WORK = "What to fill", "What to write", "How to work"
"""Headings of the help, in the order in which they stand there; a method's own ones come first."""


@dataclass(frozen=True, slots=True)
class Option:
    """All that is known of an option but its name, type and default, which are those of its field.

    Args:
        help: for the command line, short.
        more: for Python's help, where `help` says too little.
        affects: see Affects. The keys of batches and the check of resuming count what affects the output.
        panel: heading of the help under which it stands.
        flags: on the command line; `--name-of-the-field` if there are none. A `--no-...` flag stands for
        False. metavar: of its value in the help. setting: what a report calls it, with dots for tables within
        tables; the name if empty. file: whether it names a file that is read, which counts by its content, or
        a further one to write. folder_word: a batch's word for a folder that has such a file for each video,
        such as `masks`. words: what may stand in place of a file. is_of_one_video: it says nothing for many
        videos. is_of_pictures: it says nothing where a mask is written instead of a restored picture.
        is_hidden: left out of the help. has_default_shown: the help names the default. parse: makes the value
        out of the command line's word.
    """

    help: str
    more: str = ""
    affects: Affects = "output"
    panel: str = WORK
    flags: tuple[str, ...] = ()
    metavar: str | None = None
    setting: str = ""
    file: Literal["read", "written"] | None = None
    folder_word: str = ""
    words: tuple[str, ...] = ()
    is_of_one_video: bool = False
    is_of_pictures: bool = False
    is_hidden: bool = False
    has_default_shown: bool = False
    minimum: int | None = None
    parse: Callable[[Any], Any] | None = None


_KEY = "option"


def option(default: Any, help: str, **more: Any) -> Any:  # noqa: ANN401 - a field of any type
    """Return the field of an option; `more` are further arguments of `Option`."""
    if isinstance(default, dict):
        return field(default_factory=dict, metadata={_KEY: Option(help, **more)})
    return field(default=default, metadata={_KEY: Option(help, **more)})


@dataclass(frozen=True, slots=True)
class OptionField:
    """An option with its name, type and default."""

    name: str
    kind: Any
    default: Any
    option: Option

    @property
    def is_switch(self) -> bool:
        """Whether it is said by a flag alone."""
        return self.kind is bool


def options_of(*kinds: type) -> dict[str, OptionField]:
    """Return the options that dataclasses have, by name, in the order of their fields.

    Raises TypeError where two of them have an option of the same name.
    """
    found: dict[str, OptionField] = {}
    for kind in kinds:
        for each in _options(kind):
            if each.name in found:
                raise TypeError(f"the option {each.name!r} stands in two places")
            found[each.name] = each
    return found


@cache
def _options(kind: Any) -> tuple[OptionField, ...]:  # noqa: ANN401 - mypy takes a type for unhashable
    hints = get_type_hints(kind)
    return tuple(
        OptionField(each.name, hints[each.name], _default_of(each), each.metadata[_KEY])
        for each in fields(kind)
    )


def _default_of(field: Field[Any]) -> Any:  # noqa: ANN401
    return field.default_factory() if field.default_factory is not MISSING else field.default


def names_that(affects: Affects, *kinds: type) -> list[str]:
    """Return the names of the options that have an effect on the output, or on placement only."""
    return [name for name, each in options_of(*kinds).items() if each.option.affects == affects]


def files_of(use: Literal["read", "written"], *kinds: type) -> list[str]:
    """Return the names of the options that name files to read, or further files to write."""
    return [name for name, each in options_of(*kinds).items() if each.option.file == use]


def files_read(values: object) -> list[str]:
    """Return the files that a dataclass of options names to be read, but not words in their place."""
    known = options_of(type(values))
    named = {name: as_paths(getattr(values, name) or ()) for name in files_of("read", type(values))}
    return [path for name, paths in named.items() for path in paths if path not in known[name].option.words]


def words_for_files(values: Mapping[str, Any], *kinds: type) -> dict[str, str]:
    """Return the options among these values that hold a word in place of a file."""
    words = {name: each.option.words for name, each in options_of(*kinds).items()}
    return {name: value for name, value in values.items() if value in words.get(name, ())}


def settings_of(values: object) -> dict[str, Any]:
    """Return the options that a dataclass holds as a report calls them, in plain types.

    Where the dataclass has an attribute of the report's name, that is what is told: `memory_bytes` of
    `memory`.
    """
    settings: dict[str, Any] = {}
    for name, each in options_of(type(values)).items():
        *tables, key = (each.option.setting or name).split(".")
        table = settings
        for word in tables:
            table = table.setdefault(word, {})
        table[key] = as_plain(getattr(values, key if hasattr(values, key) else name))
    return settings


def made_from(words: Mapping[str, Any], *kinds: type) -> list[Any]:
    """Return a value of each dataclass, with the words that are its own.

    Raises TypeError, as a call does, for a word that none of them knows.
    """
    known = options_of(*kinds)
    unknown = [name for name in words if name not in known]
    if unknown:
        raise TypeError(f"there is no option {unknown[0]!r}; known are {', '.join(sorted(known))}")
    return [
        kind(**{name: value for name, value in words.items() if name in options_of(kind)}) for kind in kinds
    ]


def check_choice(what: str, got: str, allowed: Sequence[str]) -> None:
    """Refuse a word that is not among those allowed; raises UsageError."""
    if got not in allowed:
        raise UsageError(f"{what} is one of {', '.join(allowed)}, got {got!r}")


def check_range(what: str, got: float, most: float) -> None:
    """Refuse a number that is not from 0 to a largest one; raises UsageError."""
    if not 0 <= got <= most:
        raise UsageError(f"{what} is from 0 to {most:g}, got {got:g}")


def check_choices(values: object, **names: str) -> None:
    """Refuse words that the types of fields do not allow; `names` are those that people read."""
    kinds = options_of(type(values))
    for name, said in names.items():
        check_choice(said, getattr(values, name), get_args(kinds[name].kind))


def as_text(value: object) -> str | None:
    """Return a path or time as it is written; None stays None."""
    return None if value is None else str(value)


def as_paths(value: PathLike | Sequence[PathLike]) -> tuple[str, ...]:
    """Return one path or several as a row of texts."""
    return tuple(map(str, (value,) if isinstance(value, str | Path) else value))


def plain(values: Mapping[str, Any]) -> dict[str, Plain]:
    """Return what Python was told in the types of a list of jobs; None is what was not said."""
    return {name: as_plain(value) for name, value in values.items() if value is not None}


def as_plain(value: Any) -> Plain:  # noqa: ANN401 - whatever an option takes
    """Return a value in the types that JSON and lists of jobs hold."""
    if isinstance(value, Path | Fraction):
        return str(value)
    if isinstance(value, Mapping):
        return {str(name): as_plain(item) for name, item in value.items()}
    if isinstance(value, Iterable) and not isinstance(value, str):
        return [as_plain(item) for item in value]
    kept: Plain = value
    return kept


def check_words(words: Words, *meanings: type, where: str) -> dict[str, Any]:
    """Return the words of a list of jobs as keyword arguments for dataclasses of options.

    A Fraction is written as a string, such as `24000/1001`. Raises UsageError for words that are not
    known and values that are not of their type; `where` begins the message.
    """
    kinds = {name: each.kind for name, each in options_of(*meanings).items()}
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
