"""Inpainting opened on a video: its masks read, its plan made, its network found."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from vrestore.device.memory import format_bytes
from vrestore.errors import InputError, UsageError
from vrestore.frames import Frame, MaskedFrame
from vrestore.masks.masks import Masks, open_masks
from vrestore.masks.options import MaskWords, mask_options
from vrestore.media.preview.display import ClipWriter
from vrestore.media.preview.key_frames import KeyFrames
from vrestore.media.preview.provenance_map import RevealMap
from vrestore.methods.base import Context, Summary, Values
from vrestore.methods.inpaint.effort import EFFORTS
from vrestore.methods.inpaint.network.choice import Networks, find_networks, networks_again
from vrestore.methods.inpaint.options import InpaintOptions
from vrestore.methods.inpaint.overlay.model import Overlay
from vrestore.methods.inpaint.overlay.restore import restorer_for
from vrestore.methods.inpaint.overlay.trim import load_trimmed
from vrestore.methods.inpaint.patches.plates import Plate, check_plate, read_plates
from vrestore.methods.inpaint.plan import Plan, make_plan
from vrestore.methods.inpaint.report import InpaintReport
from vrestore.methods.inpaint.settings import InpaintStats, Settings, SpanState
from vrestore.methods.leftovers.second_look import second_look
from vrestore.methods.segmenter import Segments
from vrestore.option_schema import as_paths
from vrestore.progress import ProgressEvent
from vrestore.protocols import FrameTransform, MaskSource

if TYPE_CHECKING:
    from vrestore.methods.inpaint.propagation.filled import Filled
    from vrestore.methods.sharding import Met, Shard

_NUMBERS = (
    "passes",
    "chunk",
    "look_ahead",
    "carried_frames",
    "origin_frames",
    "texture_side",
    "frames_held",
    "expected_bytes",
)
"""Of a plan, what the memory decides."""


@dataclass(frozen=True, slots=True)
class OpenedInpaint:
    """An OpenedMethod; `shape` says by how many pixels the masks are grown and feathered.

    `doubts` are what looks wrong about the masks; by `seen_again` the result is looked at. What shines
    through an `overlay` is restored.
    """

    context: Context
    options: InpaintOptions
    masks: MaskSource
    plan: Plan
    networks: Networks
    reveal: ClipWriter | None
    keys: KeyFrames | None
    shape: Mapping[str, int]
    plates: tuple[Plate, ...] = ()
    doubts: tuple[str, ...] = ()
    seen_again: Masks | None = None
    overlay: Overlay | None = None

    @property
    def algorithm(self) -> str:
        """Return the method's name for what fills holes."""
        return self.options.method

    @property
    def numbers(self) -> Mapping[str, int]:
        return {name: getattr(self.plan, name) for name in _NUMBERS}

    @property
    def carried(self) -> type[SpanState]:
        return SpanState

    @property
    def stats(self) -> type[InpaintStats]:
        return InpaintStats

    @property
    def warnings(self) -> list[str]:
        return list(self.doubts)

    @property
    def frames_with_holes(self) -> int | None:
        return sum(summary is not None for summary in self.masks.summaries)

    def replanned(self, numbers: Mapping[str, int]) -> Self:
        """Return the same with other numbers in its plan."""
        return replace(self, plan=replace(self.plan, **dict[str, Any](numbers)))

    def settings(self) -> Values:
        """Return how far the masks are grown and feathered, and which networks work."""
        return {"masks": dict(self.shape), **self.networks.settings()}

    def lines(self) -> list[str]:
        """Say which networks work."""
        return self.networks.lines()

    def transform(
        self,
        stats: InpaintStats,
        segments: Segments[SpanState, InpaintStats] | None,
        shard: Shard | None = None,
    ) -> FrameTransform:
        """Return what fills the holes of all frames, or of those of a shard."""
        from vrestore.methods.inpaint.stage import inpaint

        meta, settings = self.context.meta, self._settings()
        reveal = None if self.reveal is None else RevealMap(self.reveal, meta)

        def holes_filled(items: Iterator[MaskedFrame]) -> Iterator[Frame]:
            return inpaint(
                items,
                summaries=self.masks.summaries,
                height=meta.height,
                width=meta.width,
                format=meta.pixel_format,
                color=meta.color,
                settings=settings,
                tally=stats,
                observe=partial(_noted, reveal, self.keys) if reveal or self.keys else None,
                segments=segments,
                part=shard,
                plates={plate.frame - self.context.first_index: plate for plate in self.plates},
            )

        fill = holes_filled if self.overlay is None else restorer_for(self.overlay, meta, stats, holes_filled)

        def filled(items: Iterator[MaskedFrame]) -> Iterator[Frame]:
            frames = fill(items)
            start = 0 if segments is None else segments.start
            first, stop = (0, None) if shard is None else (shard.first, shard.stop)
            if self.keys is not None:
                frames = self.keys.saved(frames, first=first, start=start, stop=stop)
            if reveal is not None:
                frames = reveal.drawn(frames, first=first, start=start, stop=stop)
            return frames

        return filled

    def summarize(self, stats: InpaintStats) -> Summary:
        """Say where the hidden pixels' colors came from."""
        left = None if self.seen_again is None else second_look(self.context, self.seen_again)
        details = InpaintReport.counted(stats, has_overlay=self.overlay is not None, leftovers=left)
        said = [] if left is None else left.lines(grown=self.shape["grow"])
        return Summary(stats.repaired_frames, stats.scenes, details, [*said, *self._shortages(stats)])

    def survey(self, items: Iterator[MaskedFrame], length: int) -> Iterator[Met]:
        """Yield the frames of the video with the borders between them, nothing restored."""
        from vrestore.methods.inpaint.span_tracker import SpanTracker, survey
        from vrestore.methods.shots import mark_cuts

        meta = self.context.meta
        tracker = SpanTracker(
            self.masks.summaries, margin=self.plan.margin, height=meta.height, width=meta.width
        )
        return survey(mark_cuts(items, format=meta.pixel_format), tracker, length=length)

    def described(self) -> Values:
        """Return what `reopened_inpaint` needs, in plain values."""
        return {"plan": self.plan.to_dict(), "networks": self.networks.described()}

    def _settings(self) -> Settings:
        plan = self.plan
        return Settings(
            passes=plan.passes,
            preset=plan.flow,
            scale=plan.flow_scale,
            chunk=plan.chunk,
            look_ahead=plan.look_ahead,
            margin=plan.margin,
            sharpness=EFFORTS[plan.quality].sharpness,
            carried_frames=plan.carried_frames,
            origin_frames=plan.origin_frames,
            texture_side=plan.texture_side,
            # What shines through an overlay has its own noise.
            has_grain=self.options.has_grain and self.overlay is None,
            threads=plan.threads,
            network=self.networks.refiner,
            painter=self.networks.painter,
            device=self.context.device if plan.fills_on_device else "cpu",
            kernels=self.context.kernels,
        )

    def _shortages(self, stats: InpaintStats) -> list[str]:
        """Say what the device had too little memory for."""
        device, said = self.context.device, []
        if self.plan.device_memory_bytes and not self.plan.fills_on_device:
            allowed = format_bytes(self.plan.device_memory_bytes)
            said.append(
                f"holes were filled on the CPU: {allowed} of {device} are too little; pass --memory with more"
            )
        if stats.cpu_fallback_frames:
            said.append(
                f"{device} ran out of memory; "
                f"holes of {stats.cpu_fallback_frames} frames were filled on the CPU instead"
            )
        if stats.network_cpu_frames:
            said.append(
                f"{device} had too little memory for the network; "
                f"{stats.network_cpu_frames} frames of its windows "
                "were worked on by the CPU instead; --network-scale with more needs less"
            )
        return said


def open_inpaint(context: Context, words: MaskWords, options: InpaintOptions) -> OpenedInpaint:
    """Read the masks, then open the method; the quick checks first.

    Raises UsageError where something is still to be found: the run does that before, in one process.
    """
    if words.is_overlay_to_measure:
        raise UsageError("--overlay is measured by one process; pass one --device and no --executor")
    if words.auto:
        raise UsageError("--auto finds masks by one process; pass one --device and no --executor")
    if words.dirt:
        raise UsageError(
            "--dirt is found by one process; run vrestore mask dirt first, and pass its result as --mask"
        )
    context.progress(ProgressEvent("stage", "masks"))
    masks = context.closing.enter_context(
        open_masks(
            mask_options(words),
            context.meta,
            first_frame=context.first_index,
            is_trimmed=context.is_trimmed,
            start_pts=context.first_pts,
        )
    )
    opened = opened_with_masks(context, masks, options)
    for plate in opened.plates:
        _check_plate(context, masks, plate)
    shape = {"grow": masks.grow, "feather": masks.feather}
    # A box is seen to be right at once, a draft is there to be quick, an overlay was found on the picture.
    is_checked = bool(words.mask) and options.quality != "draft" and words.overlay is None
    opened = replace(opened, shape=shape)
    if is_checked:
        opened = replace(opened, doubts=_doubts(context, masks), seen_again=masks)
    if words.overlay is None:
        return opened
    trimmed, overlay = load_trimmed(Path(words.overlay), masks, context.meta)
    return replace(opened, masks=trimmed, overlay=overlay)


def _check_plate(context: Context, masks: Masks, plate: Plate) -> None:
    """Refuse a plate that is of another frame, or lies beside it; raises UsageError."""
    index = plate.frame - context.first_index
    summaries = masks.summaries
    is_there = index >= 0 and (index < len(summaries) or masks.goes_on)
    known = summaries[min(index, len(summaries) - 1)] if is_there else None
    hole = None if known is None else masks.drawn(plate.frame)
    if hole is None or not hole.any():
        raise UsageError(
            f"plate {plate.name!r} is for frame {plate.frame}, which has no hole; give one that has"
        )
    if context.source != "-" and not context.meta.numbers.is_made:
        check_plate(plate, context.source, context.meta, hole)


def _doubts(context: Context, masks: Masks) -> tuple[str, ...]:
    """Check the masks, and tell at once what looks wrong."""
    from vrestore.methods.inpaint.stage import begin_loading
    from vrestore.methods.mask_check.check import check_masks

    # The check takes about as long as loading torch, and leaves a core to it.
    begin_loading()
    try:
        found = check_masks(context.source, context.meta, masks)
    except InputError as error:  # such as a playlist, which is opened by what only the run was told
        texts: tuple[str, ...] = (f"the mask is not checked against the picture: {error}",)
    else:
        texts = tuple(each.text for each in found.findings)
    for text in texts:
        context.progress(ProgressEvent("warning", text=text))
    return texts


def opened_with_masks(context: Context, masks: MaskSource, options: InpaintOptions) -> OpenedInpaint:
    """Make the plan and find the networks for masks that are read already."""
    plan = make_plan(
        context.meta,
        masks.summaries,
        quality=options.quality,
        threads=context.threads,
        memory_bytes=context.memory_bytes,
        network_scale=options.network_scale if options.has_network else None,
        has_texture=options.has_texture,
        plates=len(options.plate_frames),
        device_memory_bytes=context.device_memory_bytes,
    )
    return _opened(context, masks, options, plan, find_networks(context, options, plan))


def reopened_inpaint(
    context: Context, masks: MaskSource, words: Mapping[str, Any], options: InpaintOptions
) -> OpenedInpaint:
    """Return the method as a worker needs it for a part; `words` are those of `OpenedInpaint.described`."""
    networks = networks_again(words["networks"], device=context.device)
    return _opened(context, masks, options, Plan(**words["plan"]), networks)


def _opened(
    context: Context, masks: MaskSource, options: InpaintOptions, plan: Plan, networks: Networks
) -> OpenedInpaint:
    """Read the plates and open what else is written."""
    plates = read_plates(as_paths(options.plate), options.plate_frames, context.meta)
    reveal, keys = _reveal(context, options), _keys(context, options)
    return OpenedInpaint(context, options, masks, plan, networks, reveal, keys, {}, plates)


def _reveal(context: Context, options: InpaintOptions) -> ClipWriter | None:
    """Open the clip that shows where colors come from, if one is asked for."""
    if options.reveal_map is None:
        return None
    return context.open_clip("reveal", "--reveal-map", str(options.reveal_map))


def _keys(context: Context, options: InpaintOptions) -> KeyFrames | None:
    """Open the folder for frames to be retouched, if one is asked for."""
    if options.plate_out is None:
        return None
    return KeyFrames(Path(options.plate_out), context.meta, first=context.first_index)


def _noted(reveal: RevealMap | None, keys: KeyFrames | None, filled: Filled) -> None:
    patch = filled.patch
    if keys is not None and filled.is_key:
        keys.want(patch.index)
    if reveal is None:
        return
    fetched, blended = filled.confidence.cpu() > 0, filled.is_blended.cpu()
    age, texture = (None if each is None else each.cpu().numpy() for each in (filled.age, filled.is_texture))
    reveal.note(patch.box, patch.hidden, fetched.numpy(), blended.numpy(), age, texture)
