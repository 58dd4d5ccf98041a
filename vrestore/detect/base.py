"""What a detector is: a value from which its commands and its runs are made, as a method is.

A detector looks at the frames of a video and says of each what of it is meant: a logo, words, dirt, an
object."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from vrestore.methods.base import no_weights

if TYPE_CHECKING:
    from vrestore.frames import MaskArray, VideoMeta
    from vrestore.progress import Progress


@dataclass(frozen=True, slots=True)
class View:
    """What a run tells a detector of itself and of the video; `threads` are at least 1.

    `say` takes lines about what was found, for the end of the run and its report.
    """

    meta: VideoMeta
    device: str
    threads: int
    memory_bytes: int
    progress: Progress
    say: Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Detector:
    """A row of the registry; everything that a user sees of a detector is made from it.

    Args:
        name: of its commands: `vrestore mask NAME`, `vrestore batch mask NAME`, `vrestore plan mask NAME`.
        summary: first line of its help.
        options: dataclasses of options, see `option_schema`.
        find: is called with a View, the frames, and a value of each of these; yields a mask for each frame,
        bool
            (H, W) of the decoded picture, True is what is meant. It may hold frames back, in bounded number.
        more: further lines of its help.
        examples: of the commands `run`, `batch` and `plan`, for the end of their help.
        weights: returns the hashes of the weights that a job uses, by name.
    """

    name: str
    summary: str
    options: tuple[type, ...]
    find: Callable[..., Iterator[MaskArray]]
    more: str = ""
    examples: Mapping[str, str] = field(default_factory=dict)
    weights: Callable[..., Mapping[str, str]] = no_weights
