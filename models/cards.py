"""Model cards: what a weights file is, how it was made, and how good it is."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from vrestore.errors import ModelError
from vrestore.files import commit, part_beside, writing


@dataclass(frozen=True)
class Data:
    """Something the weights were trained on."""

    name: str
    licence: str


@dataclass(frozen=True)
class Measurement:
    """A figure, and how to have it again."""

    what: str
    """What was measured: `hole PSNR, still holes, mean of nine clips`."""
    value: str
    """What came out, with its unit: `23.1 dB`."""
    command: str


@dataclass(frozen=True)
class Card:
    """What is known of a weights file; it lies as NAME.json beside NAME.safetensors."""

    name: str
    version: str
    architecture: str
    """A key of `vrestore.models.weights.ARCHITECTURES`."""
    summary: str
    """What the network does, one sentence."""
    licence: str
    """The licence of the weights."""
    data: tuple[Data, ...]
    command: str
    """The command that made them."""
    seed: int | None
    """None where it is not known."""
    steps: int | None
    """None where it is not known."""
    machine: str
    quality: tuple[Measurement, ...]
    """Empty while nothing was measured."""
    sha256: str = ""
    """The hash of the weights file; filled in when that is written."""

    def __post_init__(self) -> None:
        # A card comes out of JSON, where anything may stand; types are hints to Python and check nothing.
        for name, value in vars(self).items():
            if name in {"seed", "steps"} and not isinstance(value, (int, type(None))):
                raise ValueError(f"{name} is {value!r}, not a whole number or null")
            if name not in {"seed", "steps", "data", "quality"} and not isinstance(value, str):
                raise ValueError(f"{name} is {value!r}, not text")
        if re.fullmatch(r"([0-9a-f]{64})?", self.sha256) is None:
            raise ValueError(f"sha256 is {self.sha256!r}, not 64 hexadecimal digits")

    def lines(self) -> Iterator[str]:
        """Yield the card as a person reads it, in Markdown."""
        yield f"# {self.name} {self.version}"
        yield ""
        yield self.summary
        yield ""
        yield f"* architecture: {self.architecture}"
        yield f"* licence: {self.licence}"
        yield from (f"* trained on: {data.name} ({data.licence})" for data in self.data)
        yield f"* made by: `{self.command}`"
        yield f"* seed: {_or_not_known(self.seed)}, steps: {_or_not_known(self.steps)}"
        yield f"* machine: {self.machine}"
        yield f"* sha256: {self.sha256}"
        yield ""
        if not self.quality:
            yield "Its quality was not measured."
            return
        yield "| what | measured | command |"
        yield "| --- | --- | --- |"
        yield from (f"| {found.what} | {found.value} | `{found.command}` |" for found in self.quality)


def read_card(path: Path) -> Card:
    """Read a card; raises ModelError when it is damaged, lacks something or has what no card has."""
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
        # A key that is too much or too little is a TypeError of the constructor, and so is a wrong type.
        return Card(
            **facts | {"data": _each(Data, facts["data"]), "quality": _each(Measurement, facts["quality"])}
        )
    except (OSError, KeyError, RecursionError, TypeError, ValueError) as error:
        reason = f"{type(error).__name__}: {error}"
        raise ModelError(
            f"the card {str(path)!r} is damaged ({reason}); install or import it again"
        ) from error


def write_card(card: Card, path: Path) -> None:
    """Write a card, whole or not at all; raises TargetError."""
    with written_whole(path) as part:
        part.write_text(json.dumps(asdict(card), indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


@contextmanager
def written_whole(path: Path) -> Iterator[Path]:
    """Yield a hidden name to write to; the file gets its own name when nothing was raised, else it goes.

    What the system says against writing becomes TargetError.
    """
    part = part_beside(path)
    try:
        with writing(str(path)):
            yield part
        commit(part, path)
    finally:
        part.unlink(missing_ok=True)


def _each(kind: type[Any], facts: list[Mapping[str, str]]) -> tuple[Any, ...]:
    return tuple(kind(**fact) for fact in facts)


def _or_not_known(value: int | None) -> str:
    return "not known" if value is None else f"{value:,}"
