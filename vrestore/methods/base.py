"""What a method is: a value from which its commands, its library call and its runs are made.

`open` looks at one video, with what the run tells it in a Context, and returns the method opened on it: what
it plans, what it needs of one segment for the next, and the transform that frames pass through.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, Self

if TYPE_CHECKING:
    from vrestore.device.devices import Kernels
    from vrestore.frames import MaskedFrame, VideoMeta
    from vrestore.media.preview.display import ClipWriter
    from vrestore.methods.segmenter import Packable, Segments
    from vrestore.methods.sharding import Met, Shard
    from vrestore.progress import Progress
    from vrestore.protocols import FrameTransform, MaskSource

Values = dict[str, Any]
"""Plain values by name, as JSON holds them."""


@dataclass(frozen=True, slots=True)
class Context:
    """What a run tells a method of itself and of the video.

    `threads` are at least 1. `device_memory_bytes` may be used of a CUDA device, 0 without one. The frames
    that come begin with the source's frame `first_index` at `first_pts`; `is_trimmed` if they end before the
    source does. `open_clip` opens a further clip to write, for its label and the option that asked for it.
    """

    source: str
    target: str
    meta: VideoMeta
    device: str
    kernels: Kernels
    threads: int
    memory_bytes: int
    device_memory_bytes: int
    first_index: int
    first_pts: int | None
    is_trimmed: bool
    open_clip: Callable[[str, str, str], ClipWriter]
    progress: Progress
    closing: ExitStack


class MethodPlan(Protocol):
    """The numbers a run is made with; a dataclass, since its fields are what reports tell."""

    @property
    def memory_bytes(self) -> int:
        """How many are allowed."""
        ...

    @property
    def expected_bytes(self) -> int:
        """How many the run is expected to need."""
        ...

    def lines(self) -> list[str]:
        """Return the plan as a person reads it."""
        ...

    def to_dict(self) -> Values:
        """Return the plan for programs."""
        ...


class MethodReport(Protocol):
    """What a method found out while it worked."""

    def line(self) -> str:
        """Return it as a person reads it."""
        ...

    def to_dict(self) -> Values:
        """Return it for programs: keys that stand beside those of the run's own report."""
        ...


@dataclass(frozen=True, slots=True)
class Summary:
    """What became of the frames: how many were changed, in how many scenes, and what there is to say."""

    repaired_frames: int
    scenes: int
    details: MethodReport
    warnings: list[str] = field(default_factory=list)


class OpenedMethod(Protocol):
    """A method opened on a video; nothing is done yet.

    `algorithm` is which of its ways it goes. `numbers` are those of the plan that the memory decides and the
    result depends on: a run that goes on takes them from the run before. `carried` is the type of what a
    segment needs of the one before, `stats` the type of what is counted.
    """

    @property
    def algorithm(self) -> str: ...
    @property
    def plan(self) -> MethodPlan: ...
    @property
    def masks(self) -> MaskSource: ...
    @property
    def numbers(self) -> Mapping[str, int]: ...
    @property
    def carried(self) -> type[Packable]: ...
    @property
    def stats(self) -> type[Any]: ...
    @property
    def warnings(self) -> list[str]:
        """What looks wrong before anything is done, in lines for people."""
        ...

    @property
    def frames_with_holes(self) -> int | None:
        """How many have a hole, None where the method needs none."""
        ...

    def replanned(self, numbers: Mapping[str, int]) -> Self:
        """Return the same with other numbers in its plan."""
        ...

    def settings(self) -> Values:
        """Return what was made of the options and affects the result, such as the hash of weights."""
        ...

    def lines(self) -> list[str]:
        """Say what will be done, beside the plan."""
        ...

    def transform(
        self,
        stats: Any,  # noqa: ANN401 - of the type `stats`
        segments: Segments[Any, Any] | None,
        shard: Shard | None = None,
    ) -> FrameTransform:
        """Return what frames pass through: all of the video, or those of a shard.

        What is counted goes into `stats`; with `segments` the video is cut, and frames before their start
        pass.
        """
        ...

    def summarize(self, stats: Any) -> Summary:  # noqa: ANN401 - of the type `stats`
        """Say what became of the frames that were counted."""
        ...


@dataclass(frozen=True, slots=True)
class Kinds:
    """The types of what a segment needs of the one before, and of what is counted."""

    carried: type[Packable]
    stats: type[Any]


@dataclass(frozen=True, slots=True)
class Sharding:
    """How one video is worked on by several workers: parts between cuts that need nothing of each other.

    Args:
        survey: finds the cuts, `length` frames apart or more, without restoring anything.
        describe: says in plain values what a worker must know of the opened method.
        reopen: opens the method again in a worker, from that, with the masks of the part.
        kinds: returns the types of what a segment needs of the one before, and of what is counted.
    """

    survey: Callable[[Any, Iterator[MaskedFrame], int], Iterator[Met]]
    describe: Callable[[Any], Values]
    reopen: Callable[..., OpenedMethod]
    kinds: Callable[[], Kinds]


def no_weights(*_options: object) -> Mapping[str, str]:
    """Return nothing: no network works."""
    return {}


def whole_picture(*_options: object) -> bool:
    """Say that the whole picture is written, not only what was changed."""
    return False


@dataclass(frozen=True, slots=True)
class Method:
    """A row of the registry; everything that a user sees of a method is made from it.

    Args:
        name: of its commands: `vrestore NAME`, `vrestore batch NAME`, `vrestore plan NAME`.
        summary: first line of its help, and of the library function's.
        options: dataclasses of options, see `option_schema`; together their names must be unique.
        open: is called with a Context and a value of each of these.
        more: further lines of its help.
        examples: of the commands `run`, `batch` and `plan`, for the end of their help.
        weights: returns the hashes of the weights that a job uses, by name.
        is_patch_only: tells whether what a job changes in its holes is written alone, with alpha.
        is_resumable: whether it cuts a video into segments from which a later run goes on.
        sharding: how several workers share a video, None where they cannot.
        warm_up: a module that takes long to import, loaded beside the opening of files.
    """

    name: str
    summary: str
    options: tuple[type, ...]
    open: Callable[..., OpenedMethod]
    more: str = ""
    examples: Mapping[str, str] = field(default_factory=dict)
    weights: Callable[..., Mapping[str, str]] = no_weights
    is_patch_only: Callable[..., bool] = whole_picture
    is_resumable: bool = True
    sharding: Sharding | None = None
    warm_up: str = ""
