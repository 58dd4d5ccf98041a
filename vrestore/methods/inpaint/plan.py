"""What a run will do and how much memory it will need: arithmetic only.

The bytes are a model of each stage, stated here and checked against measured peaks by
`python -m benchmarks.memory`. When they exceed the bound, the plan gives up look-ahead first, then chunk
length, then passes: speed and quality go down, the frames do not.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from itertools import groupby, islice

from vrestore.device.memory import format_bytes
from vrestore.errors import OutOfMemory
from vrestore.flow.estimator import FlowName
from vrestore.frames import HoleSummary, VideoMeta
from vrestore.masks.tracks import Track, find_tracks
from vrestore.methods.inpaint.effort import EFFORTS, QUARTER_LINES, Effort, flow_scale, smaller
from vrestore.methods.inpaint.options import NETWORK_SCALES, Quality
from vrestore.methods.inpaint.painted import MOST_KEYS, MOST_PIXELS
from vrestore.methods.memory_model import BASE_BYTES, CODEC_FRAMES, QUEUED_FRAMES, frames_waiting

NETWORK_CONTEXT, NETWORK_MULTIPLE = 32, 16
"""Pixels around a hole that the network sees, and what the sides of its windows are multiples of; both of the
smaller picture, where it works on one."""

CODE_BYTES = 6
"""For each pixel of a canvas that is read from: 3 x 16 bit of color."""

PATCH_BYTES = 8
"""For each pixel of a canvas kept: 3 x 16 bit of color, hidden, rim."""

POINT_BYTES = 48
"""For each hole or rim pixel kept: position, two links with trust, past color and confidence."""

ORIGIN_BYTES = 40
"""For each hole pixel kept by the last pass: where past and future found it, and how sure."""

STEP_BYTES = 16
"""For each hole pixel kept by the last pass, with the rim's: where it lies in the frame before, if texture is
painted."""

TEXTURE_BYTES, KEY_BYTES = 450, 7
"""For each pixel of a canvas in which texture is matched, and for each pixel of a hole in a key."""

MOTION_BYTES = 16
"""For each pixel of a canvas whose motion is carried: flow both ways and what the camera leaves, in cells."""

READ_BYTES = 60
"""For each hole pixel at work while it is read once: what both sides show, and the blend."""

WORK_BYTES = 120
"""For each pixel of a canvas at work, for each thread: float colors, flow both ways, prior, pyramid."""


DEVICE_PATCH_BYTES = 7
"""For each pixel of a canvas kept on a device: 3 x 16 bit of color, gray."""

DEVICE_WORK_BYTES = 160
"""For each pixel of a canvas at work there: planes as they come, as floats and as a window, membranes."""

DEVICE_SLACK = 1.25
"""What torch's pool takes of a device, over what is asked of it."""

WINDOW_BYTES, NETWORK_BYTES, WEIGHTS_BYTES = 700, 2000, 60 * 2**20
"""For each pixel of a window that waits for the network, for each pixel the network works on, and at all."""


@dataclass(frozen=True, slots=True)
class Plan:
    """The numbers a run is made with. `frames_held` are those between decoder and encoder.

    `network_scale` says how many times smaller than the picture the network works, 0 without a network.
    `device_memory_bytes` may be used of a CUDA device, 0 without one; `fills_on_device` says whether holes
    are filled there: where that, with the network, takes more than allowed, they are filled on the CPU.
    """

    quality: Quality
    passes: int
    flow: FlowName
    flow_scale: int
    chunk: int
    look_ahead: int
    margin: int
    network_scale: int
    network_pixels: int
    threads: int
    track_count: int
    canvas_pixels: int
    hole_pixels: int
    carried_frames: int
    origin_frames: int
    texture_side: int
    frames_held: int
    memory_bytes: int
    expected_bytes: int
    device_memory_bytes: int = 0
    device_expected_bytes: int = 0
    fills_on_device: bool = False

    def lines(self) -> list[str]:
        """Return the plan as a person reads it."""
        megapixels = self.canvas_pixels / 1e6
        network = "no network"
        if self.network_scale:
            size = "full size" if self.network_scale == 1 else f"1/{self.network_scale} of the size"
            network = f"network at {size}, {self.network_pixels / 1e6:.2f} megapixels a frame"
        return [
            f"quality {self.quality}: {self.passes} pass(es) of {self.flow} flow at 1/{1 << self.flow_scale} "
            f"of the size, {self.threads} thread(s)",
            f"windows of {self.chunk} frames, {self.look_ahead} frames of look-ahead, "
            f"{self.frames_held} frames held",
            f"{self.track_count} crop(s) at full resolution with a margin of {self.margin} pixels, "
            f"at most {megapixels:.2f} megapixels a frame",
            network,
            *self._device_lines(),
            f"memory {format_bytes(self.expected_bytes)} expected, {format_bytes(self.memory_bytes)} allowed",
        ]

    def _device_lines(self) -> list[str]:
        if not self.device_memory_bytes:
            return []
        allowed = f"{format_bytes(self.device_memory_bytes)} of it allowed"
        if self.fills_on_device:
            return [f"on the device: memory {format_bytes(self.device_expected_bytes)} expected, {allowed}"]
        return [f"holes are filled on the CPU: the device's memory is too small for them, {allowed}"]

    def to_dict(self) -> dict[str, object]:
        """Return the plan for programs."""
        return asdict(self)


def make_plan(
    meta: VideoMeta,
    summaries: Sequence[HoleSummary | None],
    *,
    quality: Quality,
    threads: int,
    memory_bytes: int,
    network_scale: int | None = None,
    has_texture: bool = False,
    plates: int = 0,
    device_memory_bytes: int = 0,
) -> Plan:
    """Fit the effort of a quality setting into a memory bound.

    `device_memory_bytes` of a CUDA device say where the work is done and do not change the effort, so that
    frames are the same with any. With `network_scale` 0 the network works on pictures as small as its windows
    ask for, with one of `NETWORK_SCALES` on just those; None is no network. With `has_texture` what
    no frame shows may be painted with it; so many `plates` are held.

    Raises OutOfMemory when even the smallest plan does not fit.
    """
    effort = EFFORTS[quality]
    if meta.height >= QUARTER_LINES and effort.passes > 1:
        effort = replace(effort, passes=effort.passes - 1)
    if not has_texture:
        effort = replace(effort, texture_side=0)
    extent = _extent(summaries, effort.margin, meta.height, meta.width)
    scale = 0 if network_scale is None else network_scale or _scale_for(extent, effort.network_pixels)
    plan = _planned(meta, effort, quality, threads, memory_bytes, extent, scale, plates)
    while plan.expected_bytes > memory_bytes:
        less = smaller(effort)
        if less is None:
            raise OutOfMemory(
                f"at least {format_bytes(plan.expected_bytes)} are needed for {meta.width}x{meta.height} "
                f"with this mask, {format_bytes(memory_bytes)} are allowed; pass --memory with more, "
                "a smaller mask, or fewer --threads"
            )
        effort = less
        plan = _planned(meta, effort, quality, threads, memory_bytes, extent, scale, plates)
    return _on_device(plan, extent, device_memory_bytes)


def network_scale_for(
    summaries: Sequence[HoleSummary | None], *, quality: Quality, height: int, width: int
) -> int:
    """Return how many times smaller than the picture the network works, if nothing else is asked for."""
    effort = EFFORTS[quality]
    return _scale_for(_extent(summaries, effort.margin, height, width), effort.network_pixels)


def window_size(track: Track, *, scale: int) -> tuple[int, int]:
    """Return height and width of what the network sees of a track: its largest hole and what is around it."""
    holes = [*track.holes.values(), *([track.tail] if track.tail is not None else [])]
    return (
        _window_side(max(hole.height for hole in holes), track.height, scale),
        _window_side(max(hole.width for hole in holes), track.width, scale),
    )


def _planned(
    meta: VideoMeta,
    effort: Effort,
    quality: Quality,
    threads: int,
    memory_bytes: int,
    extent: _Extent,
    scale: int,
    plates: int,
) -> Plan:
    ahead = 2 * threads
    carried = min(effort.carried_frames, effort.look_ahead)
    # Twice as many are held while motion is carried, and links on both sides of them are under way.
    moving = 2 * carried + ahead + 1 if carried else 0
    window = effort.passes * (effort.chunk + effort.look_ahead + ahead + 1) + moving
    origins = 0 if scale else min(effort.origin_frames, effort.look_ahead)
    canvas = extent.canvas
    per_patch = canvas * PATCH_BYTES + extent.hole * POINT_BYTES
    work = canvas * WORK_BYTES * (threads + 1) + ahead * canvas + moving * canvas * MOTION_BYTES
    work += _reading_bytes(extent, origins, window=effort.chunk + effort.look_ahead)
    if effort.texture_side:
        work += (effort.chunk + effort.look_ahead) * extent.hole * STEP_BYTES
        work += min(canvas, MOST_PIXELS) * TEXTURE_BYTES + MOST_KEYS * extent.hole * KEY_BYTES
    work += plates * meta.height * meta.width * CODE_BYTES
    seen = extent.window_pixels(scale) if scale else 0
    if scale:
        work += WEIGHTS_BYTES + seen * WINDOW_BYTES + seen // scale**2 * NETWORK_BYTES
    frames = (window + CODEC_FRAMES + QUEUED_FRAMES + frames_waiting(meta)) * meta.frame_bytes
    return Plan(
        quality=quality,
        passes=effort.passes,
        flow=effort.flow,
        flow_scale=flow_scale(meta.height),
        chunk=effort.chunk,
        look_ahead=effort.look_ahead,
        margin=effort.margin,
        network_scale=scale,
        network_pixels=seen // max(1, scale) ** 2,
        threads=threads,
        track_count=extent.tracks,
        canvas_pixels=canvas,
        hole_pixels=extent.hole,
        carried_frames=carried,
        origin_frames=origins,
        texture_side=effort.texture_side,
        frames_held=window,
        memory_bytes=memory_bytes,
        expected_bytes=BASE_BYTES + frames + window * per_patch + work,
    )


def _reading_bytes(extent: _Extent, frames: int, *, window: int) -> int:
    """Return what it takes to read pixels once out of so many frames of the past; of 0 frames nothing."""
    if not frames:
        return 0
    # Frames of the past stay as patches; those of the last window carry origins.
    kept = frames * extent.canvas * CODE_BYTES
    return kept + extent.hole * (READ_BYTES + window * ORIGIN_BYTES)


def _on_device(plan: Plan, extent: _Extent, allowed: int) -> Plan:
    """Say what of the plan is done on a device with so many bytes, if any."""
    if not allowed:
        return plan
    per_patch = extent.canvas * DEVICE_PATCH_BYTES + extent.hole * POINT_BYTES
    expected = plan.frames_held * per_patch + extent.canvas * DEVICE_WORK_BYTES
    expected += _reading_bytes(extent, plan.origin_frames, window=plan.chunk + plan.look_ahead)
    if plan.network_scale:
        seen = extent.window_pixels(plan.network_scale)
        expected += WEIGHTS_BYTES + seen * WINDOW_BYTES + plan.network_pixels * NETWORK_BYTES
    expected = int(expected * DEVICE_SLACK)
    return replace(
        plan,
        device_memory_bytes=allowed,
        device_expected_bytes=expected,
        fills_on_device=expected <= allowed,
    )


@dataclass(frozen=True, slots=True)
class _Extent:
    """How much a mask asks for, at most: tracks of a run, pixels of a frame's canvases and of its hole.

    `largest` are the tracks whose windows are largest, those of one run.
    """

    tracks: int
    canvas: int
    hole: int
    largest: tuple[Track, ...]

    def window_pixels(self, scale: int) -> int:
        """Return the pixels of all windows of a frame, in the picture's own size."""
        return _pixels(self.largest, scale)


def _scale_for(extent: _Extent, max_pixels: int) -> int:
    """Return how many times smaller the network must work so that no window has more pixels than it may."""
    for scale in NETWORK_SCALES:
        if all(_pixels([track], scale) // scale**2 <= max_pixels for track in extent.largest):
            return scale
    return NETWORK_SCALES[-1]


def _pixels(tracks: Sequence[Track], scale: int) -> int:
    sizes = (window_size(track, scale=scale) for track in tracks)
    return sum(height * width for height, width in sizes)


def _window_side(hole: int, picture: int, scale: int) -> int:
    step = NETWORK_MULTIPLE * scale
    return -(-min(hole + 2 * NETWORK_CONTEXT * scale, picture) // step) * step


def _extent(summaries: Sequence[HoleSummary | None], margin: int, height: int, width: int) -> _Extent:
    max_tracks, canvas, hole = 0, 0, 0
    largest: tuple[Track, ...] = ()
    for has_hole, run in groupby(summaries, key=lambda summary: summary is not None):
        if not has_hole:
            continue
        parts = [parts for parts, same in groupby(s.parts for s in run if s) for _ in islice(same, 3)]
        tracks = find_tracks(parts, first=0, is_open=False, margin=margin, height=height, width=width)
        max_tracks = max(max_tracks, len(tracks))
        largest = max(largest, tuple(tracks), key=lambda these: _pixels(these, 1))
        for index in range(len(parts)):
            areas = (track.canvas(index).area for track in tracks if track.hole(index) is not None)
            canvas = max(canvas, sum(areas))
    for summary in summaries:
        hole = max(hole, summary.pixel_count if summary else 0)
    return _Extent(max_tracks, canvas, hole, largest)
