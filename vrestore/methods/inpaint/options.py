"""What `inpaint` can be told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from vrestore.device.devices import AskedPrecision
from vrestore.errors import UsageError
from vrestore.option_schema import WRITE, PathLike, as_paths, as_text, check_choices, option

Algorithm = Literal["tsam", "propagate"]
Quality = Literal["draft", "balanced", "best"]
Paint = Literal["texture", "smooth"]
AskedGrain = Literal["auto", "off"]

DEFAULT_MODEL = "tsam-small"

NETWORK_SCALES = (1, 2, 4, 8)
"""How many times smaller than the picture the network may work."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InpaintOptions:
    """What `inpaint` can be told beside what every command can and what says what to fill."""

    reveal_map: PathLike | None = option(
        None,
        "Also a clip of where colors come from.",
        more="Also write a clip that shows which pixels were copied, blended and painted.",
        panel=WRITE,
        metavar="FILE",
        file="written",
    )
    patch_only: bool = option(
        False,
        "Only what is filled, with alpha.",
        more="Write only what is filled, with straight alpha, to be laid over the source: as ProRes 4444 in "
        ".mov, FFV1 in .mkv, or as PNG.",
        panel=WRITE,
        flags=("--patch-only",),
        is_of_pictures=True,
    )
    method: Algorithm = option(
        "propagate",
        "propagate (default) or tsam, a network.",
        more="`tsam` corrects what was propagated by a network, `propagate` does without.",
        metavar="NAME",
    )
    quality: Quality = option("balanced", "draft, balanced (default) or best.", metavar="NAME")
    paint: Paint = option(
        "texture",
        "Unseen: texture (default) or smooth.",
        more="How `propagate` paints what no frame shows: `texture` puts it together from patches of its "
        "surroundings where these fit, `smooth` continues colors from the rim.",
        metavar="NAME",
    )
    grain: AskedGrain = option(
        "auto",
        "Noise of what is filled: auto or off.",
        more="`auto` gives what is filled the noise of what lies around it, none where that has none; with "
        "the quality `draft` it does not.",
        metavar="NAME",
    )
    painter: PathLike | None = option(
        None,
        "A network of your own for that (ONNX).",
        more="An `.onnx` file of your own, such as LaMa or MI-GAN, that paints what no frame shows in place "
        "of texture from patches; needs the extra `onnx`.",
        metavar="FILE",
        setting="painter.file",
        file="read",
    )
    plate: PathLike | Sequence[PathLike] = option(
        (),
        "Clean picture of a frame, or several.",
        more="A picture of the clean background as a frame shows it, or several.",
        metavar="IMAGE",
        file="read",
    )
    plate_out: PathLike | None = option(
        None,
        "Also a folder of frames to retouch.",
        more="Also write the frames in which something is invented first, restored, as pictures into a "
        "folder: retouched, they are plates. A picture that is there stays.",
        panel=WRITE,
        metavar="DIR",
        file="written",
    )
    plate_at: str | Sequence[str] = option(
        (),
        "The number of that frame.",
        more="The numbers of the frames that the plates are of, the first is 0, in the same order.",
        metavar="FRAME",
    )
    model: PathLike | None = option(
        None,
        "Weights: a model's name or file.",
        more="Weights for `tsam`: the name of a shipped or imported model, or a path.",
        metavar="NAME",
    )
    network_scale: int = option(
        0,
        "Network at 1/N: 1, 2, 4, 8; 0 chooses.",
        more="How many times smaller than the picture the network works, 0 is automatic.",
        metavar="N",
        is_hidden=True,  # of use to who measures networks
    )
    precision: AskedPrecision = option(
        "auto", "Of the network: auto, fp32, bf16.", metavar="NAME", is_hidden=True
    )

    def __post_init__(self) -> None:
        for name in ("reveal_map", "painter", "plate_out", "model"):
            object.__setattr__(self, name, as_text(getattr(self, name)))
        check_choices(
            self, method="method", quality="quality", precision="precision", paint="paint", grain="grain"
        )
        object.__setattr__(self, "plate", as_paths(self.plate))
        object.__setattr__(self, "plate_at", as_paths(self.plate_at))
        names, frames = as_paths(self.plate), self.plate_frames
        if len(names) != len(frames):
            raise UsageError(f"each --plate has its --plate-at, got {len(names)} and {len(frames)}")
        if len(set(frames)) < len(frames):
            raise UsageError(f"one plate for a frame, got frames {', '.join(map(str, frames))}")
        if self.network_scale not in (0, *NETWORK_SCALES):
            scales = ", ".join(map(str, NETWORK_SCALES))
            raise UsageError(f"the network's scale is 0 (automatic) or {scales}, got {self.network_scale}")
        if self.model is not None and not self.has_network:
            raise UsageError(f"a model is for the method tsam, got the method {self.method}")
        if self.painter is not None and self.has_network:
            raise UsageError(f"a painter is for the method propagate, got the method {self.method}")
        if self.painter is not None and not self.has_texture:
            raise UsageError(f"a painter paints texture, got --paint {self.paint}; leave one of them out")

    @property
    def plate_frames(self) -> tuple[int, ...]:
        """The numbers of the frames that the plates are of."""
        return tuple(_number(word) for word in as_paths(self.plate_at))

    @property
    def has_texture(self) -> bool:
        """Whether what no frame shows is painted with texture, where that fits."""
        return not self.has_network and self.paint != "smooth"

    @property
    def has_grain(self) -> bool:
        """Whether what is filled is given the grain of what lies around it."""
        return self.grain == "auto" and self.quality != "draft"

    @property
    def has_network(self) -> bool:
        """Whether a network corrects what was propagated."""
        return self.method == "tsam"


def _number(word: str) -> int:
    if not word.isdecimal():
        raise UsageError(f"a plate is at a frame's number, the first is 0, got {word!r}")
    return int(word)
