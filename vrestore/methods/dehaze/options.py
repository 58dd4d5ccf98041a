"""A dehazing job as a value: source, target, and what to take away."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Unpack, get_args

from vrestore.device.devices import AskedPrecision, Kernels
from vrestore.errors import UsageError
from vrestore.media.encode.encoder import EncodeOptions
from vrestore.media.preview.compare import Layout
from vrestore.methods.dehaze.settings import AirLight, DehazeAlgorithm, DehazeSettings
from vrestore.run.options import (
    SEGMENT_SECONDS,
    PathLike,
    RunOptions,
    check_choice,
    check_run,
    fields_of_run,
)

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
    method: DehazeAlgorithm = "cgidn"
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
    kernels: Kernels = "auto"
    precision: AskedPrecision = "auto"
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
        check_choice("method", self.method, get_args(DehazeAlgorithm))
        check_choice("kernels", self.kernels, get_args(Kernels))
        check_choice("precision", self.precision, get_args(AskedPrecision))
        check_run(self)
        _check_range("strength", self.strength, 100)
        _check_range("color", self.color, 100)
        _check_range("steady", self.steady, 1)
        if self.airlight not in get_args(AirLight) and _color(self.airlight) is None:
            raise UsageError(f"airlight is auto, shot or a color such as #d8dce0, got {self.airlight!r}")
        if self.model is not None and not self.has_network:
            raise UsageError(f"--model is for the method cgidn, got --method {self.method}")

    @property
    def has_network(self) -> bool:
        """Whether the method runs a network."""
        return self.method == "cgidn"

    def settings(self, device: str) -> DehazeSettings:
        """Return what the method is told."""
        return DehazeSettings(
            strength=self.strength / 100,
            color=self.color / 100,
            keep_depth=self.keep_depth,
            protect_sky=self.protect_sky,
            night=self.night,
            air_light="shot" if self.airlight == "shot" else "auto",
            air=_color(self.airlight),
            steady=self.steady,
            device=device,
            kernels=self.kernels,
        )


class DehazeOptions(RunOptions, total=False):
    """What `vrestore.dehaze` and the command line can be told, all optional.

    strength: 0 to 100, how much of the haze's depth is taken away; 0 copies the picture bit for bit.
    color: 0 to 100, how far colors come back with contrast; 0 keeps saturation and tint as they were filmed.
    keep_depth: leave haze in the distance, so that far looks far. protect_sky: leave the sky as it is.
    airlight: the color of the haze: `auto` follows it, `shot` takes one a shot, or `#rrggbb`.
    steady: 0 to 1, how slowly the haze may change within a shot; 0 looks at every frame by itself.
    night: the haze is lit by lamps, so its color differs from place to place.
    matte: also write the transmission as a clip, white is clear air.
    method, model: `cgidn` or `dcp`; weights of one's own for the former.
    kernels: on a CUDA device: `auto`, `torch` or `cupy`, see `vrestore doctor`.
    precision: of the network: `auto`, `fp32` or `bf16`; `auto` is fp32 on the CPU.
    All else: see RunOptions.
    """

    strength: float
    color: float
    keep_depth: bool
    protect_sky: bool
    airlight: str
    steady: float
    night: bool
    matte: PathLike | None
    method: DehazeAlgorithm
    model: PathLike | None
    kernels: Kernels
    precision: AskedPrecision


def dehaze_job(
    source: PathLike,
    *,
    strength: float = STRENGTH,
    color: float = 100.0,
    keep_depth: bool = False,
    protect_sky: bool = False,
    airlight: str = "auto",
    steady: float = STEADY,
    night: bool = False,
    matte: PathLike | None = None,
    method: DehazeAlgorithm = "cgidn",
    model: PathLike | None = None,
    kernels: Kernels = "auto",
    precision: AskedPrecision = "auto",
    **common: Unpack[RunOptions],
) -> DehazeJob:
    """Return the job for these words; see DehazeOptions for what they mean."""
    return DehazeJob(
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
        kernels=kernels,
        precision=precision,
        **fields_of_run(source, "dehaze", **common),
    )


def _check_range(what: str, got: float, most: float) -> None:
    if not 0 <= got <= most:
        raise UsageError(f"{what} is from 0 to {most:g}, got {got:g}")


def _color(text: str) -> tuple[float, float, float] | None:
    match = re.fullmatch(r"#([0-9a-fA-F]{2})([0-9a-fA-F]{2})([0-9a-fA-F]{2})", text)
    if match is None:
        return None
    red, green, blue = (int(part, 16) / 255 for part in match.groups())
    return red, green, blue
