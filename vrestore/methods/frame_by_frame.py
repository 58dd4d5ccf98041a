"""Methods that change every frame by itself: no mask, no network, nothing carried from one to the next."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Self

from vrestore.errors import OutOfMemory
from vrestore.methods.base import Context, Method, Summary, Values

if TYPE_CHECKING:
    from vrestore.frames import Frame, Hole, HoleSummary, MaskedFrame, VideoMeta
    from vrestore.methods.segmenter import Packable, Segments
    from vrestore.methods.sharding import Shard
    from vrestore.protocols import FrameTransform, MaskSource


@dataclass(frozen=True, slots=True)
class NoMasks:
    """There are no holes."""

    summaries: tuple[HoleSummary | None, ...] = ()

    def hole(self, frame: Frame) -> Hole | None:  # noqa: ARG002 - a MaskSource
        """Return None."""
        return None


@dataclass(frozen=True, slots=True)
class FramePlan:
    """What a run needs that holds no frames of its own."""

    threads: int
    frames_held: int
    memory_bytes: int
    expected_bytes: int

    def lines(self) -> list[str]:
        """Return the plan as a person reads it."""
        from vrestore.device.memory import format_bytes

        return [
            f"every frame by itself, {self.frames_held} frames held",
            f"memory {format_bytes(self.expected_bytes)} expected, {format_bytes(self.memory_bytes)} allowed",
        ]

    def to_dict(self) -> Values:
        """Return the plan for programs."""
        return asdict(self)


@dataclass(slots=True)
class FrameCount:
    """How many frames were changed."""

    frames: int = 0


@dataclass(frozen=True, slots=True)
class Nothing:
    """Nothing is carried over a border."""

    def packed(self) -> Mapping[str, Any]:
        """Return no arrays."""
        return {}

    @classmethod
    def unpacked(cls, arrays: Mapping[str, Any]) -> Self:  # noqa: ARG003 - there are none
        """Return nothing again."""
        return cls()


@dataclass(frozen=True, slots=True)
class CountReport:
    """How many frames were changed, as a method's report."""

    frames: int

    def line(self) -> str:
        """Return it as a person reads it."""
        return f"{self.frames} frames changed"

    def to_dict(self) -> Values:
        """Return no keys beside those of the run."""
        return {}


@dataclass(frozen=True, slots=True)
class _Opened:
    algorithm: str
    plan: FramePlan
    change: Callable[[Frame], Frame]

    @property
    def masks(self) -> MaskSource:
        return NoMasks()

    @property
    def numbers(self) -> Mapping[str, int]:
        return {}

    @property
    def carried(self) -> type[Packable]:
        return Nothing

    @property
    def stats(self) -> type[FrameCount]:
        return FrameCount

    @property
    def warnings(self) -> list[str]:
        return []

    @property
    def frames_with_holes(self) -> int | None:
        return None

    def replanned(self, numbers: Mapping[str, int]) -> Self:  # noqa: ARG002 - there are none
        return self

    def settings(self) -> Values:
        return {}

    def lines(self) -> list[str]:
        return []

    def transform(
        self,
        stats: FrameCount,
        segments: Segments[Any, Any] | None,
        shard: Shard | None = None,  # noqa: ARG002 - never of a part
    ) -> FrameTransform:
        def changed(items: Iterator[MaskedFrame]) -> Iterator[Frame]:
            for index, item in enumerate(items):
                if segments is not None and index < segments.start:
                    yield item.frame
                    continue
                if segments is not None and index > segments.start and segments.is_due(index):
                    segments.cut(index, None, stats)
                stats.frames += 1
                yield self.change(item.frame)

        return changed

    def summarize(self, stats: FrameCount) -> Summary:
        return Summary(stats.frames, 1, CountReport(stats.frames))


def frame_by_frame(
    name: str,
    summary: str,
    change: Callable[..., Callable[[Frame], Frame]],
    *,
    options: type,
    more: str = "",
    examples: Mapping[str, str] | None = None,
) -> Method:
    """Return a method that changes frames one by one.

    `change` is called with the video's VideoMeta and a value of `options`, and returns what makes a frame out
    of a frame: of the same size, layout and times."""

    def opened(context: Context, values: Any) -> _Opened:  # noqa: ANN401 - of the type `options`
        plan = plan_frames(context.meta, threads=context.threads, memory_bytes=context.memory_bytes)
        return _Opened(name, plan, change(context.meta, values))

    return Method(name, summary, (options,), opened, more=more, examples=examples or {})


def plan_frames(meta: VideoMeta, *, threads: int, memory_bytes: int) -> FramePlan:
    """State what a run needs that looks at one frame after the other; raises OutOfMemory for less."""
    from vrestore.device.memory import format_bytes
    from vrestore.methods.memory_model import BASE_BYTES, CODEC_FRAMES, QUEUED_FRAMES, frames_waiting

    held = 1
    expected = BASE_BYTES + (held + CODEC_FRAMES + QUEUED_FRAMES + frames_waiting(meta)) * meta.frame_bytes
    if expected > memory_bytes:
        raise OutOfMemory(
            f"at least {format_bytes(expected)} are needed for {meta.width}x{meta.height}, "
            f"{format_bytes(memory_bytes)} are allowed; pass --memory with more"
        )
    return FramePlan(threads, held, memory_bytes, expected)
