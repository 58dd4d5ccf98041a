"""What is kept of painting from frame to frame and over the borders of segments, as plain arrays."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import astuple, dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from vrestore.frames import Box

SMOOTH, SHOWN, TEXTURE = 0, 1, 2
"""What a pixel of a key is: painted smoothly, which later frames do for themselves, shown by some frame, or
painted with texture."""

LOST = -2
"""In place of a key: a frame shows it, but its motion was lost. Texture would be another in each frame, so it
stays smooth."""

MOST_KEYS = 8
"""Keys that are kept of a hole; where there are more the oldest goes on as what the newest shows of it."""

MOST_PIXELS = 400_000
"""Of a picture in which texture is matched; in larger ones it is copied as a smaller one was matched."""

Kinds = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Key:
    """The filled picture of a `box` of a frame, `codes` (3, h, w), and what each of its pixels is, (h, w)."""

    box: Box
    codes: NDArray[np.uint16]
    kinds: Kinds


@dataclass(frozen=True, slots=True)
class Painted:
    """What is known of the painting of a hole: its keys by frame, and where in them its hidden pixels lie.

    `frames` (n) are the numbers of keys, LOST, or -1 for none; `offsets` (2, n), x before y, are added to a
    pixel's place in its own frame to have its place in that one.
    """

    keys: Mapping[int, Key]
    frames: NDArray[np.int32]
    offsets: NDArray[np.float32]

    def packed(self) -> dict[str, NDArray[Any]]:
        """Return it as arrays by name."""
        rows = [[number, *astuple(key.box)] for number, key in self.keys.items()]
        arrays: dict[str, NDArray[Any]] = {"frames": self.frames, "offsets": self.offsets}
        arrays["keys"] = np.array(rows, np.int64).reshape(-1, 5)
        arrays |= {f"codes{number}": key.codes for number, key in self.keys.items()}
        return arrays | {f"kinds{number}": key.kinds for number, key in self.keys.items()}

    @classmethod
    def unpacked(cls, arrays: Mapping[str, NDArray[Any]]) -> Self:
        """Return what was packed."""
        keys = {
            number: Key(Box(*box), arrays[f"codes{number}"], arrays[f"kinds{number}"])
            for number, *box in arrays["keys"].tolist()
        }
        return cls(keys, arrays["frames"], arrays["offsets"])
