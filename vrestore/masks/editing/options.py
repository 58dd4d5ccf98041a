"""What `mask edit` can be told."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from vrestore.errors import UsageError
from vrestore.option_schema import check_choices, option

Combine = Literal["union", "intersection", "difference"]

PANEL = "What to do, in this order"

_SIZE = re.compile(r"(\d{1,5})x(\d{1,5})", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class EditOptions:
    """What is done to masks, in the order of the fields; lengths are pixels, times are frames."""

    resize: str | None = option(None, "To WIDTHxHEIGHT.", panel=PANEL, metavar="WxH")
    combine: Combine = option(
        "union",
        "union, intersection, or difference: first less others.",
        panel=PANEL,
        metavar="HOW",
        has_default_shown=True,
    )
    invert: bool = option(False, "Mark what is not marked.", panel=PANEL, flags=("--invert",))
    fill_holes: bool = option(False, "Mark what is marked all around.", panel=PANEL, flags=("--fill-holes",))
    shrink: int = option(0, "Narrow by so many pixels.", panel=PANEL, metavar="PX", minimum=0)
    keep: int = option(0, "Keep only the N largest parts of a frame.", panel=PANEL, metavar="N", minimum=0)
    grow: int = option(0, "Widen by so many pixels.", panel=PANEL, metavar="PX", minimum=0)
    smooth: int = option(
        0, "Mark what most of N frames around do; N is odd.", panel=PANEL, metavar="N", minimum=0
    )
    shift: int = option(0, "Show each mask N frames later; negative is earlier.", panel=PANEL, metavar="N")

    def __post_init__(self) -> None:
        check_choices(self, combine="combine")
        for name in ("shrink", "keep", "grow", "smooth"):
            if getattr(self, name) < 0:
                raise UsageError(f"{name} is 0 or more, got {getattr(self, name)}")
        if self.smooth and self.smooth % 2 == 0:
            raise UsageError(f"smooth is an odd number of frames, such as 3 or 5, got {self.smooth}")
        if self.resize is not None and not _SIZE.fullmatch(self.resize):
            raise UsageError(f"resize is a size such as 1280x720, got {self.resize!r}")

    @property
    def size(self) -> tuple[int, int] | None:
        """Height and width that masks are brought to, None for those that they have."""
        found = None if self.resize is None else _SIZE.fullmatch(self.resize)
        return None if found is None else (int(found[2]), int(found[1]))
