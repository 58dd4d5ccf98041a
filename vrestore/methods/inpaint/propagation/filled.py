"""What propagation is given of a hole, and what it gives."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from vrestore.methods.inpaint.patches.patch import Patch
from vrestore.methods.inpaint.propagation.correspondence import FetchMap
from vrestore.methods.inpaint.propagation.origins import Origins, Sides


@dataclass(frozen=True, slots=True)
class Filled:
    """A patch whose hole has colors.

    `colors` (3, n) in [0, 1], or luma (1, n) where only that was asked for, and `confidence` (n) in [0, 1]
    are those of the hidden pixels in the order of `patch.points`; confidence 0 was painted, not fetched.
    `is_blended` (n) tells where past and future both had a say, `agreement` (n) in [0, 1] how alike these
    were: 0 also where only one had. `sides` are the past and the future it was blended from, if origins are
    asked for; once its colors are read from their origins, `age` (n) tells how many frames after this one
    these are, below 0 before it, and is 0 where the blend stayed. `step` is how it was fetched from the
    patch before, None at the first of a run and where that is not asked for.
    Once what no frame shows is painted, `is_texture` (n) tells where with texture, and `is_key` whether some
    of it was painted for the first time in this frame.
    """

    patch: Patch
    colors: Tensor
    confidence: Tensor
    is_blended: Tensor
    agreement: Tensor
    sides: Sides | None = None
    age: Tensor | None = None
    step: FetchMap | None = None
    is_texture: Tensor | None = None
    is_key: bool = False


@dataclass(frozen=True, slots=True)
class Known:
    """Colors (3, n), or luma (1, n), and confidence (n) of a patch's hidden pixels, and their origins."""

    colors: Tensor
    confidence: Tensor
    origins: Origins | None = None
