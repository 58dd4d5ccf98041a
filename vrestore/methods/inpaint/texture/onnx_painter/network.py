"""A network of the user's own that paints a hole, and the numbers in which it is spoken to.

Such files agree on a picture and a mask going in and a picture coming out, and on nothing else. LaMa
(Suvorov et al. 2022) as `lama_fp32.onnx` takes floats to 1 of 512x512 with the hole as 1, and gives floats
to 255. MI-GAN (Sargsyan et al. 2023) as `migan_pipeline_v2.onnx` takes and gives bytes of any size, with the
hole as 0. What names, types and shapes leave open is tried on a picture whose answer is known.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vrestore.errors import ModelError
from vrestore.methods.inpaint.settings import PainterSettings
from vrestore.methods.inpaint.texture.onnx_painter.ports import Ports, ports_of
from vrestore.methods.inpaint.texture.onnx_painter.session import (
    KNOWN,
    bytes_of,
    open_session,
    reason_of,
    served_device,
)

GRAY, KEPT, NEAR = 0.4, 0.05, 0.25
"""Of a gray picture in [0, 1] with a hole: its brightness, how far off what is around the hole may come back
on average, and how far off the mean of what is painted may be."""

PROBE_SIDE = 256
"""Pixels of that picture, where a network takes any size."""

Floats = NDArray[np.float32]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Convention:
    """The numbers that stand for white going in and coming out, and in the mask for the hole and the rest."""

    white_in: float
    white_out: float
    hole: float
    rest: float


@dataclass(frozen=True, slots=True)
class PaintingNetwork:
    """A network opened by ONNX Runtime; `name` is that of its file for people."""

    name: str
    session: Any
    ports: Ports
    convention: Convention

    def paint(self, picture: Floats, is_hole: Mask) -> Floats:
        """Return a picture (H, W, 3) in [0, 1] as the network gives it, of the same size.

        Raises ModelError where it fails, such as for want of memory.
        """
        made = self._ran(picture, is_hole)
        if not np.isfinite(made).all():
            raise ModelError(f"the painter {self.name!r} gave no numbers; pass another file with --painter")
        return made.clip(0, 1)

    def fills_gray(self) -> bool:
        """Tell whether gray stays gray around a black hole, and the hole becomes gray."""
        height, width = (side or PROBE_SIDE for side in self.ports.size)
        is_hole = np.zeros((height, width), np.bool_)
        is_hole[height * 3 // 8 : height * 5 // 8, width * 3 // 8 : width * 5 // 8] = True
        picture = np.repeat(np.where(is_hole, np.float32(0), np.float32(GRAY))[..., None], 3, 2)
        made = self._ran(picture, is_hole)
        is_kept = bool(np.abs(made[~is_hole] - GRAY).mean() <= KEPT)
        return is_kept and bool(abs(made[is_hole].mean() - GRAY) <= NEAR)

    def _ran(self, picture: Floats, is_hole: Mask) -> Floats:
        spoken, ports = self.convention, self.ports
        image = picture.transpose(2, 0, 1)[None] * np.float32(spoken.white_in)  # (1, 3, H, W)
        image = np.rint(image) if ports.type == np.uint8 else image
        mask = np.where(is_hole, spoken.hole, spoken.rest)[None, None]  # (1, 1, H, W)
        given = {ports.image: np.ascontiguousarray(image, ports.type), ports.mask: mask.astype(ports.type)}
        try:
            (made,) = self.session.run([ports.output], given)
        except Exception as error:  # its errors have no common base
            raise ModelError(
                f"the painter {self.name!r} failed on a picture of {image.shape[3]}x{image.shape[2]} "
                f"({reason_of(error)}); pass another file with --painter"
            ) from error
        if made.shape != image.shape:
            got, wanted = ("x".join(map(str, shape)) for shape in (made.shape, image.shape))
            raise ModelError(
                f"the painter {self.name!r} gave {got} for a picture {wanted}; "
                "pass another file with --painter"
            )
        return np.asarray(made[0].transpose(1, 2, 0), np.float32) / np.float32(spoken.white_out)


def painter_settings(file: str, *, threads: int, device: str) -> PainterSettings:
    """Return how a file paints, once it is seen to; raises what `load_network` does."""
    digest = hashlib.sha256(bytes_of(file)).hexdigest()
    settings = PainterSettings(file, digest, threads, served_device(device))
    load_network(settings)
    return settings


@lru_cache(maxsize=1)
def load_network(settings: PainterSettings) -> PaintingNetwork:
    """Load the network that settings name, and find out how it is spoken to; a run does so once.

    Raises:
        UsageError: ONNX Runtime is not installed.
        ModelError: The file is missing, another one than before, a program, or none that paints.
    """
    name, content = settings.file, bytes_of(settings.file)
    if hashlib.sha256(content).hexdigest() != settings.sha256:
        raise ModelError(f"the painter {name!r} was changed meanwhile; run again")
    session = open_session(settings, content)
    ports = ports_of(session, name)
    for convention in _conventions(ports.type):
        network = PaintingNetwork(name, session, ports, convention)
        if network.fills_gray():
            return network
    raise ModelError(
        f"the painter {name!r} takes and gives pictures, but fills no hole: gray does not come back gray, "
        f"whether white is 1 or 255, the hole black or white in the mask; pass a file such as {KNOWN}"
    )


def _conventions(type: np.dtype[Any]) -> list[Convention]:
    """Return what is tried, the usual first."""
    if type == np.uint8:
        return [Convention(255, 255, *mask) for mask in ((0, 255), (255, 0))]
    # 255 before 1: a network that takes numbers to 255 sees black in those to 1, and gives almost black.
    whites = (1, 255), (255, 255), (1, 1)
    return [Convention(*white, *mask) for mask in ((1, 0), (0, 1)) for white in whites]
