"""What a figure should be, and whether it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from rich.console import Console

from benchmarks.machine import Values
from benchmarks.tables import figures_table


@dataclass(frozen=True)
class Bar:
    """A figure, and the bound it is to reach (`at least`) or to keep (`at most`)."""

    what: str
    got: float
    rule: Literal["at least", "at most"]
    bound: float
    unit: str = ""

    @property
    def is_met(self) -> bool:
        return self.got >= self.bound if self.rule == "at least" else self.got <= self.bound

    def to_dict(self) -> Values:
        """Return the bar for programs."""
        return {
            "what": self.what,
            "got": self.got,
            "rule": self.rule,
            "bound": self.bound,
            "unit": self.unit,
            "met": self.is_met,
        }


def show_bars(bars: Sequence[Bar], console: Console) -> None:
    """Print a line for each bar, nothing where there is none."""
    if not bars:
        return
    table = figures_table("bars", "what", "got", "bar", "")
    for bar in bars:
        verdict = "[green]met" if bar.is_met else "[red]missed"
        table.add_row(bar.what, f"{bar.got:.2f}{bar.unit}", f"{bar.rule} {bar.bound:g}{bar.unit}", verdict)
    console.print(table)
