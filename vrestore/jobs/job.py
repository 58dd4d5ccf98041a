"""A job as a value: one source, one target, one method and its options."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Literal, TypedDict, get_args

from vrestore.device import parse_bytes
from vrestore.errors import UsageError
from vrestore.media.compare import Layout
from vrestore.media.demux import PROTOCOLS
from vrestore.media.encode import EncodeOptions
from vrestore.media.masks import MaskOptions
from vrestore.plan import NETWORK_SCALES, Quality

InpaintMethod = Literal["tsam", "propagate"]
Precision = Literal["auto", "fp32", "bf16"]
DEFAULT_METHOD: InpaintMethod = "propagate"
DEFAULT_MODEL = "tsam-small"
PathLike = str | Path

SEGMENT_SECONDS = 60.0
"""Of the video, at most, are done again after a run was stopped."""


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
    method: InpaintMethod = DEFAULT_METHOD
    quality: Quality = "balanced"
    model: str | None = None
    network_scale: int = 0
    precision: Precision = "auto"
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
        check_choice("method", self.method, get_args(InpaintMethod))
        check_choice("quality", self.quality, get_args(Quality))
        check_choice("precision", self.precision, get_args(Precision))
        if self.network_scale not in (0, *NETWORK_SCALES):
            scales = ", ".join(map(str, NETWORK_SCALES))
            raise UsageError(f"the network's scale is 0 (automatic) or {scales}, got {self.network_scale}")
        if self.model is not None and not self.has_network:
            raise UsageError(f"a model is for the method tsam, got the method {self.method}")
        check_choice("compare layout", self.compare_layout, get_args(Layout))
        for name in self.protocols:
            check_choice("an allowed protocol", name, list(PROTOCOLS))
        check_segment(self.segment_seconds)
        if self.threads < 0:
            raise UsageError(f"threads are 0 (automatic) or more, got {self.threads}")

    @property
    def has_network(self) -> bool:
        """Whether the method runs a network."""
        return self.method == "tsam"


class InpaintOptions(TypedDict, total=False):
    """What `vrestore.inpaint` and the command line can be told, all optional but one mask or box.

    mask: image, folder, pattern or video, or several; white is filled.
    box: `x,y,w,h[@start-stop]` in pixels or percent, or several.
    target: the file to write; by default `video.inpaint.mp4` beside the source.
    invert, grow, feather, mask_offset, mask_fit, assume_yes: see `media.masks.MaskOptions`
        (`assume_yes` takes a mask that covers nearly everything).
    start, stop: frame number or time; only this part is restored and written.
    rate: frames a second of an image sequence.
    method, quality: how the hole is filled, and how hard that tries. `tsam` corrects what was propagated by
        a network, `propagate` does without.
    model: weights for `tsam`, the name of a shipped or imported model or a path.
    network_scale: how many times smaller than the picture the network works, 0 is automatic.
    precision: of the network: `auto`, `fp32` or `bf16`.
    device, threads, memory: `auto` or `cpu`; 0 threads are all cores; bytes or `4GiB`, by default half of
        what is free.
    codec, crf, preset, encoder_options: see `media.encode.EncodeOptions`.
    overwrite: replace a target that exists. strict: refuse any loss instead of reporting it.
    compare, compare_layout: also write a clip of before and after.
    report: also write the report as JSON.
    reveal_map: also write a clip that shows which pixels were copied, blended and painted.
    allow_protocols: `file`, `http`, `https`, `crypto`, or several with commas: the source may be a playlist,
        and what that names is opened by these. Without it nothing but the source itself is opened.
    segment: seconds after which at the latest what is done is kept, so that the same call goes on there when
        it was stopped; 0 keeps nothing. Shorter videos, pipes, playlists and images are done at once.
    resume: go on where an earlier run was stopped; False starts afresh.
    """

    mask: PathLike | Sequence[PathLike]
    box: str | Sequence[str]
    target: PathLike | None
    invert: bool
    grow: int | None
    feather: int | None
    mask_offset: int
    mask_fit: Literal["error", "resize"]
    assume_yes: bool
    start: str | int | None
    stop: str | int | None
    rate: Fraction | None
    method: InpaintMethod
    quality: Quality
    model: PathLike | None
    network_scale: int
    precision: Precision
    device: str
    threads: int
    memory: int | str | None
    codec: str | None
    crf: float | None
    preset: str | None
    encoder_options: Mapping[str, str] | None
    overwrite: bool
    strict: bool
    compare: PathLike | None
    compare_layout: Layout
    report: PathLike | None
    reveal_map: PathLike | None
    allow_protocols: str | None
    segment: float
    resume: bool


def inpaint_job(
    source: PathLike,
    *,
    mask: PathLike | Sequence[PathLike] = (),
    box: str | Sequence[str] = (),
    target: PathLike | None = None,
    invert: bool = False,
    grow: int | None = None,
    feather: int | None = None,
    mask_offset: int = 0,
    mask_fit: Literal["error", "resize"] = "error",
    start: str | int | None = None,
    stop: str | int | None = None,
    method: InpaintMethod = DEFAULT_METHOD,
    quality: Quality = "balanced",
    model: PathLike | None = None,
    network_scale: int = 0,
    precision: Precision = "auto",
    device: str = "auto",
    threads: int = 0,
    memory: int | str | None = None,
    codec: str | None = None,
    crf: float | None = None,
    preset: str | None = None,
    encoder_options: Mapping[str, str] | None = None,
    overwrite: bool = False,
    strict: bool = False,
    assume_yes: bool = False,
    rate: Fraction | None = None,
    compare: PathLike | None = None,
    compare_layout: Layout = "side",
    report: PathLike | None = None,
    reveal_map: PathLike | None = None,
    allow_protocols: str | None = None,
    segment: float = SEGMENT_SECONDS,
    resume: bool = True,
) -> InpaintJob:
    """Give the job for these words; see InpaintOptions for what they mean."""
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
        source=str(source),
        target=str(target) if target is not None else default_target(str(source), "inpaint"),
        masks=masks,
        encode=EncodeOptions(codec=codec, crf=crf, preset=preset, extra=dict(encoder_options or {})),
        start=None if start is None else str(start),
        stop=None if stop is None else str(stop),
        rate=rate,
        method=method,
        quality=quality,
        model=None if model is None else str(model),
        network_scale=network_scale,
        precision=precision,
        device=device,
        threads=threads,
        memory_bytes=parse_bytes(memory) if isinstance(memory, str) else memory,
        overwrite=overwrite,
        strict=strict,
        compare=None if compare is None else str(compare),
        compare_layout=compare_layout,
        report=None if report is None else str(report),
        reveal_map=None if reveal_map is None else str(reveal_map),
        protocols=tuple(allow_protocols.split(",")) if allow_protocols else (),
        segment_seconds=segment,
        resume=resume,
    )


def default_target(source: str, method: str) -> str:
    """Give `video.inpaint.mp4` beside `video.mp4`; a folder or pattern of images gives a folder."""
    if source == "-":
        return "-"
    path = Path(source)
    if path.is_dir():
        return f"{_beside(path, method)}/"
    if "%" in path.name:
        return f"{_beside(path.parent, method)}/"
    return str(path.with_name(f"{path.stem}.{method}{path.suffix}"))


def _beside(folder: Path, method: str) -> Path:
    named = folder.resolve() if folder.name in {"", ".."} else folder
    return named.parent / f"{named.name}.{method}"


def check_choice(what: str, got: str, allowed: Sequence[str]) -> None:
    """Refuse a word that is not among those allowed; raises UsageError."""
    if got not in allowed:
        raise UsageError(f"{what} is one of {', '.join(allowed)}, got {got!r}")


def check_segment(seconds: float) -> None:
    """Refuse what is no length of a segment; raises UsageError."""
    if not 0 <= seconds < math.inf:
        raise UsageError(f"a segment is 0 s (none) or longer, got {seconds:g}")
