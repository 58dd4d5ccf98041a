"""The command line's parameters, made from what options say of themselves.

Typer reads a function's signature. These signatures are built: a parameter for each option, in the order of
the panels of the help, then the words that are the command line's own."""

from __future__ import annotations

import types
from collections.abc import Callable, Iterable, Mapping, Sequence
from inspect import Parameter, Signature
from typing import TYPE_CHECKING, Annotated, Any, Literal, Union, get_args, get_origin

import typer

from vrestore.detect.base import Detector
from vrestore.masks.options import MaskWords, drawn_fields
from vrestore.option_schema import WORK, WRITE, OptionField, options_of
from vrestore.run.options import RunOptions

if TYPE_CHECKING:
    from vrestore.run.job import Command

Words = Mapping[str, Any]


def parameter_of(each: OptionField, *, is_hidden: bool | None = None) -> Parameter:
    """Return the parameter of an option, under the option's own name."""
    option = each.option
    flags = option.flags or (f"--{each.name.replace('_', '-')}",)
    kind, default = cli_type(each.kind), each.default
    if is_negated(each):
        default = not default
    if kind == list[str]:
        default = []
    said = typer.Option(
        *flags,
        metavar=option.metavar,
        rich_help_panel=option.panel,
        help=option.help,
        hidden=option.is_hidden if is_hidden is None else is_hidden,
        min=option.minimum,
        show_default=option.has_default_shown,
    )
    return own(each.name, Annotated[kind, said], default)


def own(name: str, annotation: Any, default: Any) -> Parameter:  # noqa: ANN401 - a type with its words
    """Return a parameter that is the command line's own."""
    return Parameter(name, Parameter.KEYWORD_ONLY, default=default, annotation=annotation)


def positional(name: str, annotation: Any) -> Parameter:  # noqa: ANN401
    """Return an argument: a word without a flag."""
    return Parameter(name, Parameter.POSITIONAL_OR_KEYWORD, annotation=annotation)


def cli_type(kind: Any) -> Any:  # noqa: ANN401 - a type, or what stands for one
    """Return the type that a word on the command line has for a value of a type.

    What may be several is said several times, a table as `key=value`; whatever has a way of its own to be
    written, as sizes and rates have, is text.
    """
    origins = {get_origin(each) or each for each in _choices(kind)}
    if Sequence in origins or Mapping in origins:
        return list[str]
    plain = origins - {types.NoneType}
    if plain == {Literal}:
        return kind
    one = plain.pop() if len(plain) == 1 else str
    one = one if one in {bool, int, float, str} else str
    return one | None if types.NoneType in origins else one


def is_negated(each: OptionField) -> bool:
    """Tell whether the flag of a switch stands for False."""
    return each.is_switch and any(flag.startswith("--no-") for flag in each.option.flags)


def value_of(each: OptionField, word: Any) -> Any:  # noqa: ANN401 - what Typer read
    """Return the library's value for what was said on the command line."""
    if is_negated(each):
        return not word
    return each.option.parse(word) if each.option.parse is not None else word


def in_panels(fields: Iterable[OptionField]) -> list[OptionField]:
    """Return options in the order of the help: a command's own panels, what to write, how to work."""
    last = {WRITE: 1, WORK: 2}
    return sorted(fields, key=lambda each: last.get(each.option.panel, 0))


def with_signature(
    function: Callable[..., None], parameters: Sequence[Parameter], *, doc: str
) -> Callable[..., None]:
    """Set the signature of a function that takes `**words`, so that Typer reads parameters from it."""
    function.__doc__ = doc
    function.__annotations__ = {each.name: each.annotation for each in parameters}
    vars(function)["__signature__"] = Signature(list(parameters))
    return function


def _choices(kind: Any) -> tuple[Any, ...]:  # noqa: ANN401
    return get_args(kind) if get_origin(kind) in {Union, types.UnionType} else (kind,)


def fields_of(command: Command, *, for_many: bool = False) -> dict[str, OptionField]:
    """Return the options that a command has on the command line, by name."""
    found = options_of(*command.options, RunOptions)
    return {
        name: each
        for name, each in found.items()
        if not (for_many and each.option.is_of_one_video)
        and not (isinstance(command, Detector) and each.option.is_of_pictures)
    }


def library_words(command: Command, words: Mapping[str, Any]) -> dict[str, Any]:
    """Return what was said of a command's options as the library takes it."""
    found = fields_of(command)
    return {name: value_of(found[name], word) for name, word in words.items() if name in found}


def mask_words(words: Mapping[str, Any]) -> MaskWords:
    """Return what was said of masks by files and boxes; raises UsageError where it does not fit together."""
    return MaskWords(**{name: value_of(each, words[name]) for name, each in drawn_fields().items()})


def has_folder_of_files(command: Command) -> bool:
    """Tell whether a folder can have a file for each video, such as its mask."""
    return any(each.option.folder_word == "masks" for each in options_of(*command.options).values())
