"""Functions that take `**options` shown with the parameters that the options' fields say."""

from __future__ import annotations

from collections.abc import Callable, Collection
from inspect import Parameter, Signature, signature
from typing import Any, TypeVar

from vrestore.option_schema import options_of

F = TypeVar("F", bound=Callable[..., Any])


def spelled_out(
    *kinds: type, only: Collection[str] | None = None, takes_more: bool = False
) -> Callable[[F], F]:
    """Return a decorator that gives a function with `**options` the parameters of dataclasses of options.

    So `help` tells each with its type and default, its words below the function's own, and none of them
    stands in two places. With `only` these names alone are told; with `takes_more` the function takes further
    ones.
    """

    def dressed(function: F) -> F:
        kept = [each for each in signature(function).parameters.values() if each.name != "options"]
        found = {name: each for name, each in options_of(*kinds).items() if only is None or name in only}
        spelled = [
            Parameter(name, Parameter.KEYWORD_ONLY, default=each.default, annotation=each.kind)
            for name, each in found.items()
        ]
        if takes_more:
            spelled.append(Parameter("options", Parameter.VAR_KEYWORD))
        returns = signature(function).return_annotation
        vars(function)["__signature__"] = Signature([*kept, *spelled], return_annotation=returns)
        lines = [
            f"    {name}: {_sentence(each.option.more or each.option.help)}" for name, each in found.items()
        ]
        function.__doc__ = "\n".join([(function.__doc__ or "").rstrip(), "", "Options:", *lines, ""])
        return function

    return dressed


def _sentence(text: str) -> str:
    return text if text.endswith(".") else f"{text}."
