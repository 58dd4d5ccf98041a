"""How well masks are found and checked, on real clips with composed logos, overlays, words and dirt.

    python -m benchmarks.masks [check] [logo] [overlay] [text] [dirt] [scratches] [--data DIR] [--json PATH]

Each part prints its figures and bars; without words all parts are measured.
"""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks import masks_check, masks_dirt, masks_logo, masks_overlay, masks_scratches, masks_text
from benchmarks.parts import Part, measure_parts

PARTS: dict[str, Part] = {
    "check": masks_check.measure,
    "logo": masks_logo.measure,
    "overlay": masks_overlay.measure,
    "text": masks_text.measure,
    "dirt": masks_dirt.measure,
    "scratches": masks_scratches.measure,
}


def main(words: Sequence[str] | None = None) -> None:
    """Measure, print the bars and write JSON."""
    measure_parts("masks", PARTS, words)


if __name__ == "__main__":
    main()
