"""A job as a value: one source, one target, one method and its options."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Literal, Unpack, get_args

from vrestore.device.devices import AskedPrecision, Kernels
from vrestore.errors import UsageError
from vrestore.masks.masks import MaskOptions
from vrestore.media.encode.encoder import EncodeOptions
from vrestore.media.preview.compare import Layout
from vrestore.methods.inpaint.plan import NETWORK_SCALES, Quality
from vrestore.run.options import (
    SEGMENT_SECONDS,
    PathLike,
    RunOptions,
    check_choice,
    check_run,
    fields_of_run,
)

InpaintAlgorithm = Literal["tsam", "propagate"]
DEFAULT_METHOD: InpaintAlgorithm = "propagate"
DEFAULT_MODEL = "tsam-small"


@dataclass(frozen=True, slots=True)
class InpaintJob:
    """Everything that `vrestore inpaint` can be told. `memory_bytes` None is half of what is free."""

    source: str
    target: str
    masks: MaskOptions
    encode: EncodeOptions = field(default_factory=EncodeOptions)
    start: str | None = None
    stop: str | None = None
    rate: Fraction | None = None
    method: InpaintAlgorithm = DEFAULT_METHOD
    quality: Quality = "balanced"
    model: str | None = None
    network_scale: int = 0
    precision: AskedPrecision = "auto"
    kernels: Kernels = "auto"
    device: str = "auto"
    threads: int = 0
    memory_bytes: int | None = None
    overwrite: bool = False
    strict: bool = False
    compare: str | None = None
    compare_layout: Layout = "side"
    report: str | None = None
    reveal_map: str | None = None
    protocols: tuple[str, ...] = ()
    segment_seconds: float = SEGMENT_SECONDS
    resume: bool = True

    def __post_init__(self) -> None:
        check_choice("method", self.method, get_args(InpaintAlgorithm))
        check_choice("quality", self.quality, get_args(Quality))
        check_choice("precision", self.precision, get_args(AskedPrecision))
        check_choice("kernels", self.kernels, get_args(Kernels))
        if self.network_scale not in (0, *NETWORK_SCALES):
            scales = ", ".join(map(str, NETWORK_SCALES))
            raise UsageError(f"the network's scale is 0 (automatic) or {scales}, got {self.network_scale}")
        if self.model is not None and not self.has_network:
            raise UsageError(f"a model is for the method tsam, got the method {self.method}")
        check_run(self)

    @property
    def has_network(self) -> bool:
        """Whether the method runs a network."""
        return self.method == "tsam"


class InpaintOptions(RunOptions, total=False):
    """What `vrestore.inpaint` and the command line can be told, all optional but one mask or box.

    mask: image, folder, pattern or video, or several; white is filled.
    box: `x,y,w,h[@start-stop]` in pixels or percent, or several.
    invert, grow, feather, mask_offset, mask_fit, assume_yes: see `media.masks.MaskOptions`
        (`assume_yes` takes a mask that covers nearly everything).
    method, quality: how the hole is filled, and how hard that tries. `tsam` corrects what was propagated by
        a network, `propagate` does without.
    model: weights for `tsam`, the name of a shipped or imported model or a path.
    network_scale: how many times smaller than the picture the network works, 0 is automatic.
    precision: of the network: `auto`, `fp32` or `bf16`.
    kernels: on a CUDA device: `auto`, `torch` or `cupy`, see `vrestore doctor`.
    reveal_map: also write a clip that shows which pixels were copied, blended and painted.
    All else: see RunOptions.
    """

    mask: PathLike | Sequence[PathLike]
    box: str | Sequence[str]
    invert: bool
    grow: int | None
    feather: int | None
    mask_offset: int
    mask_fit: Literal["error", "resize"]
    assume_yes: bool
    method: InpaintAlgorithm
    quality: Quality
    model: PathLike | None
    network_scale: int
    precision: AskedPrecision
    kernels: Kernels
    reveal_map: PathLike | None


def inpaint_job(
    source: PathLike,
    *,
    mask: PathLike | Sequence[PathLike] = (),
    box: str | Sequence[str] = (),
    invert: bool = False,
    grow: int | None = None,
    feather: int | None = None,
    mask_offset: int = 0,
    mask_fit: Literal["error", "resize"] = "error",
    method: InpaintAlgorithm = DEFAULT_METHOD,
    quality: Quality = "balanced",
    model: PathLike | None = None,
    network_scale: int = 0,
    precision: AskedPrecision = "auto",
    kernels: Kernels = "auto",
    assume_yes: bool = False,
    reveal_map: PathLike | None = None,
    **common: Unpack[RunOptions],
) -> InpaintJob:
    """Return the job for these words; see InpaintOptions for what they mean."""
    masks = MaskOptions(
        paths=tuple(Path(path) for path in ((mask,) if isinstance(mask, str | Path) else mask)),
        boxes=(box,) if isinstance(box, str) else tuple(box),
        invert=invert,
        grow=grow,
        feather=feather,
        offset=mask_offset,
        fit=mask_fit,
        allow_full=assume_yes,
    )
    return InpaintJob(
        masks=masks,
        method=method,
        quality=quality,
        model=None if model is None else str(model),
        network_scale=network_scale,
        precision=precision,
        kernels=kernels,
        reveal_map=None if reveal_map is None else str(reveal_map),
        **fields_of_run(source, "inpaint", **common),
    )
