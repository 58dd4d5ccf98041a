"""Dehazing opened on a video: its plan made, its weights found, its matte opened."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Self

from vrestore.device.devices import Precision, network_precision
from vrestore.errors import InputError
from vrestore.frames import Frame, MaskedFrame, VideoMeta
from vrestore.media.preview.display import ClipWriter
from vrestore.methods.base import Context, Summary, Values
from vrestore.methods.dehaze.options import DEFAULT_MODEL, DehazeOptions
from vrestore.methods.dehaze.plan import DehazePlan, make_dehaze_plan
from vrestore.methods.dehaze.report import DehazeReport, HazeSeen
from vrestore.methods.dehaze.settings import DehazeSettings, DehazeStats, HazeState
from vrestore.methods.frame_by_frame import NoMasks
from vrestore.methods.segmenter import Segments
from vrestore.models.library import Weights, find_weights
from vrestore.protocols import FrameTransform, MaskSource

if TYPE_CHECKING:
    from vrestore.methods.dehaze.estimators.estimate import Estimator, HazeEstimate
    from vrestore.methods.sharding import Shard

NOT_DISPLAYED = {8: "linear light"}
"""Transfer characteristics of H.273 under which the law of haze, taken at values as displayed, is wrong."""


@dataclass(frozen=True, slots=True)
class OpenedDehaze:
    """An OpenedMethod; no `weights` where no network works."""

    context: Context
    options: DehazeOptions
    plan: DehazePlan
    weights: Weights | None
    matte: ClipWriter | None

    @property
    def algorithm(self) -> str:
        """Return the name of what estimates haze."""
        return self.options.method

    @property
    def masks(self) -> MaskSource:
        return NoMasks()

    @property
    def numbers(self) -> Mapping[str, int]:
        return {}

    @property
    def carried(self) -> type[HazeState]:
        return HazeState

    @property
    def stats(self) -> type[DehazeStats]:
        return DehazeStats

    @property
    def warnings(self) -> list[str]:
        return []

    @property
    def frames_with_holes(self) -> int | None:
        return None

    def replanned(self, numbers: Mapping[str, int]) -> Self:
        """Return the same with other numbers in its plan."""
        return replace(self, plan=replace(self.plan, **dict[str, Any](numbers)))

    def settings(self) -> Values:
        """Return which network works, and in what arithmetic."""
        if self.weights is None:
            return {}
        weights = {"model": self.weights.name, "sha256": self.weights.sha256()}
        return {"network": weights | {"precision": self._precision()}}

    def lines(self) -> list[str]:
        """Say nothing: the plan tells all."""
        return []

    def transform(
        self,
        stats: DehazeStats,
        segments: Segments[HazeState, DehazeStats] | None,
        shard: Shard | None = None,  # noqa: ARG002 - haze is steadied over a whole video
    ) -> FrameTransform:
        """Return what clears all frames."""
        from vrestore.methods.dehaze.stage import dehaze

        meta, estimate, settings = self.context.meta, self._estimator(), self._settings()

        def cleared(items: Iterator[MaskedFrame]) -> Iterator[Frame]:
            return dehaze(
                items,
                estimate=estimate,
                format=meta.pixel_format,
                color=meta.color,
                settings=settings,
                tally=stats,
                observe=self._matte(),
                segments=segments,
            )

        return cleared

    def summarize(self, stats: DehazeStats) -> Summary:
        """Say what haze was seen."""
        warnings = []
        if stats.cpu_fallback_frames:
            warnings.append(
                f"{self.context.device} had too little memory for all that {stats.cpu_fallback_frames} "
                "frames need; the rest of it was done by the CPU"
            )
        haze = HazeSeen(stats.mean_transmission, stats.airs, stats.mean_belief)
        return Summary(
            stats.frames if self.options.strength else 0, stats.scenes, DehazeReport(haze), warnings
        )

    def _settings(self) -> DehazeSettings:
        options = self.options
        return DehazeSettings(
            strength=options.strength / 100,
            color=options.color / 100,
            keep_depth=options.keep_depth,
            protect_sky=options.protect_sky,
            night=options.night,
            is_hazy=options.haze == "yes",
            air_light="shot" if options.airlight == "shot" else "auto",
            air=options.air,
            steady=options.steady,
            device=self.context.device,
            kernels=self.context.kernels,
        )

    def _estimator(self) -> Estimator:
        if self.weights is None:
            from vrestore.methods.dehaze.estimators.dark_channel import estimate_dark

            return estimate_dark
        from vrestore.methods.dehaze.estimators.network import EVERY, network_estimator
        from vrestore.models.weights import load_model

        return network_estimator(
            load_model(self.weights.path),
            precision=self._precision(),
            # Where every frame is to be looked at by itself, so does the network.
            every=EVERY if self.options.steady else 1,
        )

    def _precision(self) -> Precision:
        asked, device = self.options.precision, self.context.device
        if asked != "auto":
            return asked
        return "fp32" if device == "cpu" else network_precision(device)

    def _matte(self) -> Callable[[HazeEstimate], None] | None:
        """Return what draws the transmission, None where it is not wanted."""
        matte, meta = self.matte, self.context.meta
        if matte is None:
            return None
        from vrestore.media.rotation import turned
        from vrestore.methods.dehaze.render import matte_of

        def draw(haze: HazeEstimate) -> None:
            picture = matte_of(haze, height=meta.height, width=meta.width)
            matte.write(turned(picture, rotation=meta.rotation), haze.look.frame.pts)

        return draw


def open_dehaze(context: Context, options: DehazeOptions) -> OpenedDehaze:
    """Make the plan, find the weights, open the matte; the quick checks first."""
    meta = context.meta
    _check_transfer(meta)
    from vrestore.methods.dehaze.thumbnail import working_size

    plan = make_dehaze_plan(
        meta,
        method=options.method,
        working_size=working_size(meta.height, meta.width),
        threads=context.threads,
        memory_bytes=context.memory_bytes,
    )
    weights = find_weights(str(options.model or DEFAULT_MODEL)) if options.has_network else None
    matte = None
    if options.matte is not None:
        matte = context.open_clip("matte", "--matte", str(options.matte))
    return OpenedDehaze(context, options, plan, weights, matte)


def _check_transfer(meta: VideoMeta) -> None:
    name = NOT_DISPLAYED.get(meta.color.transfer)
    if name is not None:
        raise InputError(
            f"{meta.source!r} is coded in {name}, where haze does not follow the law that takes it away; "
            "convert it to BT.709 first, for example with ffmpeg -vf zscale=t=linear,tonemap,zscale=t=bt709"
        )
