"""A dehazing job as a value: source, target, and what to take away."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TypedDict, get_args

from vrestore.device import parse_bytes
from vrestore.errors import UsageError
from vrestore.jobs.job import SEGMENT_SECONDS, PathLike, check_choice, check_segment, default_target
from vrestore.media.compare import Layout
from vrestore.media.demux import PROTOCOLS
from vrestore.media.encode import EncodeOptions
from vrestore.restore.dehaze_settings import AirLight, DehazeMethod, DehazeSettings

STRENGTH = 60.0
"""By default: the share of the haze's depth that is taken away, in percent."""

STEADY = 0.9


@dataclass(frozen=True, slots=True)
class DehazeJob:
    """Everything that `vrestore dehaze` can be told. `memory_bytes` None is half of what is free."""

    source: str
    target: str
    encode: EncodeOptions = field(default_factory=EncodeOptions)
    start: str | None = None
    stop: str | None = None
    rate: Fraction | None = None
    method: DehazeMethod = "cgidn"
    strength: float = STRENGTH
    color: float = 100.0
    keep_depth: bool = False
    protect_sky: bool = False
    airlight: str = "auto"
    steady: float = STEADY
    night: bool = False
    matte: str | None = None
    model: str | None = None
    device: str = "auto"
    threads: int = 0
    memory_bytes: int | None = None
    overwrite: bool = False
    strict: bool = False
    compare: str | None = None
    compare_layout: Layout = "side"
    report: str | None = None
    protocols: tuple[str, ...] = ()
    segment_seconds: float = SEGMENT_SECONDS
    resume: bool = True

    def __post_init__(self) -> None:
        check_choice("method", self.method, get_args(DehazeMethod))
        check_choice("compare layout", self.compare_layout, get_args(Layout))
        for name in self.protocols:
            check_choice("an allowed protocol", name, list(PROTOCOLS))
        check_segment(self.segment_seconds)
        _check_range("strength", self.strength, 100)
        _check_range("color", self.color, 100)
        _check_range("steady", self.steady, 1)
        if self.airlight not in get_args(AirLight) and _colour(self.airlight) is None:
            raise UsageError(f"airlight is auto, shot or a colour such as #d8dce0, got {self.airlight!r}")
        if self.model is not None and not self.has_network:
            raise UsageError(f"--model is for the method cgidn, got --method {self.method}")
        if self.threads < 0:
            raise UsageError(f"threads are 0 (automatic) or more, got {self.threads}")

    @property
    def has_network(self) -> bool:
        """Whether the method runs a network."""
        return self.method == "cgidn"

    def settings(self, device: str) -> DehazeSettings:
        """Give what the method is told."""
        return DehazeSettings(
            strength=self.strength / 100,
            color=self.color / 100,
            keep_depth=self.keep_depth,
            protect_sky=self.protect_sky,
            night=self.night,
            air_light="shot" if self.airlight == "shot" else "auto",
            air=_colour(self.airlight),
            steady=self.steady,
            device=device,
        )


class DehazeOptions(TypedDict, total=False):
    """What `vrestore.dehaze` and the command line can be told, all optional.

    target: the file to write; by default `video.dehaze.mp4` beside the source.
    strength: 0 to 100, how much of the haze's depth is taken away; 0 copies the picture bit for bit.
    color: 0 to 100, how far colours come back with contrast; 0 keeps saturation and tint as they were filmed.
    keep_depth: leave haze in the distance, so that far looks far. protect_sky: leave the sky as it is.
    airlight: the colour of the haze: `auto` follows it, `shot` takes one a shot, or `#rrggbb`.
    steady: 0 to 1, how slowly the haze may change within a shot; 0 looks at every frame by itself.
    night: the haze is lit by lamps, so its colour differs from place to place.
    matte: also write the transmission as a clip, white is clear air.
    method, model: `cgidn` or `dcp`; weights of one's own for the former.
    start, stop, rate, device, threads, memory, codec, crf, preset, encoder_options, overwrite, strict,
        compare, compare_layout, report, allow_protocols, segment, resume: see InpaintOptions.
    """

    target: PathLike | None
    strength: float
    color: float
    keep_depth: bool
    protect_sky: bool
    airlight: str
    steady: float
    night: bool
    matte: PathLike | None
    method: DehazeMethod
    model: PathLike | None
    start: str | int | None
    stop: str | int | None
    rate: Fraction | None
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
    allow_protocols: str | None
    segment: float
    resume: bool


def dehaze_job(
    source: PathLike,
    *,
    target: PathLike | None = None,
    strength: float = STRENGTH,
    color: float = 100.0,
    keep_depth: bool = False,
    protect_sky: bool = False,
    airlight: str = "auto",
    steady: float = STEADY,
    night: bool = False,
    matte: PathLike | None = None,
    method: DehazeMethod = "cgidn",
    model: PathLike | None = None,
    start: str | int | None = None,
    stop: str | int | None = None,
    rate: Fraction | None = None,
    device: str = "auto",
    threads: int = 0,
    memory: int | str | None = None,
    codec: str | None = None,
    crf: float | None = None,
    preset: str | None = None,
    encoder_options: Mapping[str, str] | None = None,
    overwrite: bool = False,
    strict: bool = False,
    compare: PathLike | None = None,
    compare_layout: Layout = "side",
    report: PathLike | None = None,
    allow_protocols: str | None = None,
    segment: float = SEGMENT_SECONDS,
    resume: bool = True,
) -> DehazeJob:
    """Give the job for these words; see DehazeOptions for what they mean."""
    return DehazeJob(
        source=str(source),
        target=str(target) if target is not None else default_target(str(source), "dehaze"),
        encode=EncodeOptions(codec=codec, crf=crf, preset=preset, extra=dict(encoder_options or {})),
        start=None if start is None else str(start),
        stop=None if stop is None else str(stop),
        rate=rate,
        method=method,
        strength=strength,
        color=color,
        keep_depth=keep_depth,
        protect_sky=protect_sky,
        airlight=airlight,
        steady=steady,
        night=night,
        matte=None if matte is None else str(matte),
        model=None if model is None else str(model),
        device=device,
        threads=threads,
        memory_bytes=parse_bytes(memory) if isinstance(memory, str) else memory,
        overwrite=overwrite,
        strict=strict,
        compare=None if compare is None else str(compare),
        compare_layout=compare_layout,
        report=None if report is None else str(report),
        protocols=tuple(allow_protocols.split(",")) if allow_protocols else (),
        segment_seconds=segment,
        resume=resume,
    )


def _check_range(what: str, got: float, most: float) -> None:
    if not 0 <= got <= most:
        raise UsageError(f"{what} is from 0 to {most:g}, got {got:g}")


def _colour(text: str) -> tuple[float, float, float] | None:
    match = re.fullmatch(r"#([0-9a-fA-F]{2})([0-9a-fA-F]{2})([0-9a-fA-F]{2})", text)
    if match is None:
        return None
    red, green, blue = (int(part, 16) / 255 for part in match.groups())
    return red, green, blue
