"""What `mask text` can be told."""

from __future__ import annotations

from dataclasses import dataclass

from vrestore.option_schema import FILL, option


@dataclass(frozen=True, slots=True, kw_only=True)
class TextOptions:
    """What `text` can be told."""

    boxes: bool = option(
        False,
        "Mark whole boxes, and print them as --box.",
        more="Mark the box around each line instead of its strokes, and print it as a `--box` option.",
        panel=FILL,
        flags=("--boxes",),
    )
    scene_text: bool = option(
        False,
        "Also words that belong to the scene.",
        more="Also mark words that move with the scene, and those that stand longer than any subtitle.",
        panel=FILL,
        flags=("--scene-text",),
    )
