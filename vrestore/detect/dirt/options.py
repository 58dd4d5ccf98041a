"""What `mask dirt` can be told."""

from __future__ import annotations

from dataclasses import dataclass

from vrestore.option_schema import FILL, check_range, option


@dataclass(frozen=True, slots=True, kw_only=True)
class DirtOptions:
    """What `dirt` can be told."""

    sensitivity: float = option(
        60.0,
        "0 (marks nothing) to 100 (all that flickers), 60 by default.",
        panel=FILL,
        metavar="N",
    )

    scratches: bool = option(
        False,
        "Also vertical scratches, which stay for many frames.",
        panel=FILL,
        flags=("--scratches",),
    )

    def __post_init__(self) -> None:
        check_range("sensitivity", self.sensitivity, 100)
