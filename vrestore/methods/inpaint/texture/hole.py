"""The hole of one frame while what no frame shows is painted: planes of the window around it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import TypeVar

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from vrestore.frames import Box
from vrestore.methods.inpaint.painted import SHOWN, SMOOTH, TEXTURE, Key, Kinds
from vrestore.methods.inpaint.propagation.filled import Filled
from vrestore.methods.inpaint.propagation.origins import NOWHERE, Origins
from vrestore.methods.inpaint.texture.keys import as_key, read_keys
from vrestore.methods.inpaint.texture.matching import nearest_of
from vrestore.methods.inpaint.texture.onnx_painter.network import PaintingNetwork
from vrestore.methods.inpaint.texture.onnx_painter.painting import painted_by, surroundings_of
from vrestore.methods.inpaint.texture.pyramid import Floats, Mask, continued, resized
from vrestore.methods.inpaint.texture.synthesis import synthesize

UNSURE = 0.5
"""Confidence below which fetched pixels are no sources, nor believed beside what no frame shows."""

LEAST_UNSEEN = 0.3
"""Share of such a part that no frame shows, so that all of it is painted."""

LEAST_THICKNESS = 5.0
"""Pixels: what is thinner stays smooth, for nobody sees what is in it."""

BAND = 3.0
"""Pixels around what is read from a key in which its brightness is matched to the frame's."""

BESIDE_ROWS, BESIDE_COLUMNS, BESIDE_SHARE = 32.0, 96.0, 0.6
"""How far around what is painted sources are looked for: so many pixels, or so many of its own sizes."""

MOST_MISFIT = 3.0
"""See `Synthesis.misfit`: above it texture would be nonsense, and it stays smooth."""


S = TypeVar("S", bound=np.generic)


class OpenHole:
    """The window of a filled hole, and which of its pixels no frame shows.

    Distances are in pixels of a picture of 240 lines; `grain` pixels stand for one of them.
    """

    def __init__(self, filled: Filled, places: Origins, grain: float) -> None:
        patch = filled.patch
        self._patch, self._grain = patch, grain
        self._window = patch.hole
        self._index = patch.places_in(self._window).cpu().numpy()
        self.picture = _pixels(patch.filled(filled.colors, self._window))
        self._is_hidden = self._spread(np.ones(patch.hidden_count, np.bool_), np.False_)
        self._confidence = self._spread(filled.confidence.cpu().numpy(), np.float32(1))
        self._frames = self._spread(places.frame.cpu().numpy(), np.int32(NOWHERE))
        self._dx, self._dy = (self._spread(each, np.float32(0)) for each in places.offset.cpu().numpy())
        self._is_open = self._opened(filled.age)
        self.kinds: Kinds = np.where(self._is_open, SMOOTH, SHOWN).astype(np.uint8)

    @property
    def places(self) -> Origins:
        """Where in the keys the hidden pixels lie, on the CPU."""
        offset = np.stack([plane.reshape(-1)[self._index] for plane in (self._dx, self._dy)])
        return Origins(torch.from_numpy(self._frames.reshape(-1)[self._index]), torch.from_numpy(offset))

    @property
    def colors(self) -> Floats:
        """The colors of the hidden pixels, (3, n)."""
        return np.ascontiguousarray(self.picture.reshape(-1, 3)[self._index].T)

    @property
    def is_texture(self) -> Mask:
        """Which hidden pixels (n) are painted with texture."""
        texture: Mask = self.kinds.reshape(-1)[self._index] == TEXTURE
        return texture

    @property
    def keys_in_use(self) -> list[int]:
        """The numbers of the keys that its pixels lie in."""
        found: list[int] = np.unique(self._frames[self._frames >= 0]).tolist()
        return found

    def read(self, keys: Mapping[int, Key]) -> None:
        """Read what is open from the keys, as bright as what is around it."""
        wanted = self._is_open & (self._frames >= 0)
        if not wanted.any():
            return
        colors, kinds = self._read_at(keys, wanted, np.flatnonzero(wanted))
        is_read = np.zeros_like(wanted)
        is_read[wanted] = kinds != SMOOTH
        if not is_read.any():
            return
        # Around it the key shows what the frame shows, but for the light.
        band = self._grown(is_read, BAND) & ~is_read & (self.kinds != SMOOTH)
        around, around_kinds = self._read_at(keys, band, nearest_of(is_read)[band])
        difference = np.zeros((*band.shape, 4), np.float32)
        is_there = (around_kinds != SMOOTH)[:, None]
        difference[band] = np.concatenate([(self.picture[band] - around) * is_there, is_there], 1)
        light = self._light(difference, is_read)
        chosen = kinds != SMOOTH
        self.picture[is_read] = (colors[chosen] + light[is_read]).clip(0, 1)
        self.kinds[wanted] = kinds

    def extended(self, *, side: int, network: PaintingNetwork | None = None) -> Key | None:
        """Paint what no key shows and is large enough; returns a key of it, which its pixels lie in from now.

        `side` is that of the patches; a `network` paints instead of them. None where there is nothing to be
        painted. What does not fit stays smooth in the key, so that it is not tried again.
        """
        is_new = self._is_open & (self._frames == NOWHERE)
        parts = list(self._parts(is_new))
        if not parts:
            return None
        for part in parts:
            self._paint(part, side, network)
        # What is open and was too thin to be painted may be part of something larger later.
        is_placed = self._is_hidden & ~is_new
        for part in parts:
            is_placed |= part
        is_placed &= self._frames == NOWHERE
        self._frames[is_placed] = self._patch.index
        self._dx[is_placed] = self._dy[is_placed] = 0
        return as_key(self._box, self.picture, self.kinds.copy())

    def replace(self, old: int) -> None:
        """Let what lay in the key of frame `old` lie in that of this frame."""
        is_old = self._frames == old
        self._frames[is_old] = self._patch.index
        self._dx[is_old] = self._dy[is_old] = 0

    def _opened(self, age: torch.Tensor | None) -> Mask:
        """Return what no frame shows, and what is connected to it and neither sure nor read once."""
        unseen = self._is_hidden & (self._confidence == 0)
        is_read = self._spread(
            np.zeros(len(self._index), np.bool_) if age is None else age.cpu().numpy() != 0, np.False_
        )
        doubtful = unseen | (self._is_hidden & (self._confidence < UNSURE) & ~is_read)
        _, labels = cv2.connectedComponents(doubtful.view(np.uint8), connectivity=4)
        sizes, without = (
            np.bincount(labels[mask], minlength=labels.max() + 1) for mask in (doubtful, unseen)
        )
        is_part = without >= LEAST_UNSEEN * sizes
        is_part[0] = False
        opened: Mask = unseen | is_part[labels]
        return opened

    @cached_property
    def _box(self) -> Box:
        """The window in the frame."""
        box, window = self._patch.box, self._window
        return Box(box.x + window.x, box.y + window.y, window.width, window.height)

    def _light(self, difference: Floats, is_read: Mask) -> Floats:
        """Return what the picture is brighter by than its key, (h, w, 3), where it is read.

        `difference` (h, w, 4) has what is known of it, and 1, around there, else 0. It is smooth: cells do.
        """
        cell = max(1, round(2 * self._grain))
        height, width = (-(-size // cell) for size in is_read.shape)
        below, beside = height * cell - is_read.shape[0], width * cell - is_read.shape[1]
        planes = np.pad(np.dstack([difference, is_read]), ((0, below), (0, beside), (0, 0)), "edge")
        cells = resized(planes.astype(np.float32), height, width, cv2.INTER_AREA)
        is_inner = (cells[..., 4] > 0) & (cells[..., 3] == 0)
        smooth = np.asarray(cv2.GaussianBlur(cells, (0, 0), BAND * self._grain / cell), np.float32)
        offset = np.asarray(smooth[..., :3] / np.maximum(smooth[..., 3:4], 1e-6), np.float32)
        offset = continued(offset, is_inner)
        whole = resized(offset, height * cell, width * cell, cv2.INTER_LINEAR)
        return whole[: is_read.shape[0], : is_read.shape[1]]

    def _read_at(self, keys: Mapping[int, Key], where: Mask, like: NDArray[np.int64]) -> tuple[Floats, Kinds]:
        """Read keys for the pixels `where` it is asked, with the offsets of others at flat places `like`."""
        rows, columns = np.nonzero(where)
        frames, dx, dy = (plane.reshape(-1)[like] for plane in (self._frames, self._dx, self._dy))
        x, y = columns + np.float32(self._box.x) + dx, rows + np.float32(self._box.y) + dy
        return read_keys(keys, frames, x.astype(np.float32), y.astype(np.float32))

    def _parts(self, is_new: Mask) -> Iterator[Mask]:
        """Yield the connected parts that are thick enough to be painted."""
        inside = cv2.distanceTransform(np.pad(is_new, 1).view(np.uint8), cv2.DIST_L2, 5)[1:-1, 1:-1]
        if inside.max() < LEAST_THICKNESS * self._grain / 2:
            return
        _, labels = cv2.connectedComponents(is_new.view(np.uint8), connectivity=8)
        thick = np.unique(labels[inside >= LEAST_THICKNESS * self._grain / 2])
        for label in thick[thick > 0].tolist():
            yield labels == label

    def _paint(self, part: Mask, side: int, network: PaintingNetwork | None) -> None:
        patch, window = self._patch, self._window
        x, y, width, height = cv2.boundingRect(part.view(np.uint8))
        box = Box(window.x + x, window.y + y, width, height)
        crop = self._beside(box) if network is None else surroundings_of(box, patch.whole)
        picture = _pixels(patch.filled(torch.from_numpy(self.colors).to(patch.device), crop))
        is_source = np.ones((crop.height, crop.width), np.bool_)
        is_part = np.zeros_like(is_source)
        common = window.intersection(crop) or window
        here, there = common.relative_to(window), common.relative_to(crop)
        is_known = ((self._confidence >= UNSURE) & ~self._is_open) | (self.kinds == TEXTURE)
        is_source[there.rows, there.columns] = is_known[here.rows, here.columns]
        is_part[there.rows, there.columns] = part[here.rows, here.columns]
        if network is None:
            made = _textured(picture, is_part, is_source, side=side, seed=patch.index)
        else:
            made = painted_by(network, picture, is_source)
        if made is None:
            return
        painted = made[there.rows, there.columns]
        inside = self.picture[here.rows, here.columns]
        chosen = is_part[there.rows, there.columns]
        inside[chosen] = painted[chosen]
        self.kinds[part] = TEXTURE

    def _beside(self, box: Box) -> Box:
        """Return the box of the patch in which sources are looked for to paint another one."""
        across = round(max(BESIDE_COLUMNS * self._grain, BESIDE_SHARE * box.width))
        down = round(max(BESIDE_ROWS * self._grain, BESIDE_SHARE * box.height))
        crop = Box(box.x - across, box.y - down, box.width + 2 * across, box.height + 2 * down)
        return crop.intersection(self._patch.whole) or self._patch.whole

    def _spread(self, values: NDArray[S], rest: S) -> NDArray[S]:
        """Return values (n) of the hidden pixels as a plane of the window, with `rest` beside them."""
        plane = np.full(self._window.area, rest, values.dtype)
        plane[self._index] = values
        return plane.reshape(self._window.height, self._window.width)

    def _grown(self, mask: Mask, pixels: float) -> Mask:
        size = 2 * round(pixels * self._grain) + 1
        kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))
        return cv2.dilate(mask.view(np.uint8), kernel) > 0


def _textured(picture: Floats, is_part: Mask, is_source: Mask, *, side: int, seed: int) -> Floats | None:
    """Return a picture with a part of it painted from patches, None where they do not fit."""
    made = synthesize(picture, is_part, is_source, side=side, seed=seed)
    return None if made is None or made.misfit > MOST_MISFIT else made.picture


def _pixels(planes: torch.Tensor) -> Floats:
    """Return planes (3, h, w) as a picture (h, w, 3) of its own on the CPU."""
    return np.ascontiguousarray(planes.cpu().numpy().transpose(1, 2, 0))
