"""How a batch is worked on, as people say it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from vrestore.option_schema import FILL, WRITE, PathLike, as_paths, as_text, option
from vrestore.parallel.words import ExecutorName


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchWords:
    """What every batch can be told, of a folder or a list of jobs."""

    jobs: int = option(
        1,
        "At a time (1); they share the memory.",
        more="How many at a time, at least one for each `device`; `memory` is for all of them together.",
        affects="placement",
        flags=("--jobs", "-j"),
        metavar="N",
    )
    tries: int = option(
        2,
        "Failures until set aside, 2 by default.",
        more="How often a job may fail before it is set aside.",
        affects="placement",
        metavar="N",
    )
    redo: bool = option(
        False,
        "Also what is done or set aside.",
        affects="placement",
        flags=("--redo",),
    )
    executor: ExecutorName = option(
        "local",
        "local (default) or ray, a cluster.",
        more="`ray` works on a Ray cluster.",
        affects="placement",
        metavar="NAME",
    )
    address: str | None = option(
        None,
        "Of the cluster: host:port, or auto.",
        more="Of the cluster: `host:port`, or `auto`; by default one of this machine alone is made for it.",
        affects="placement",
        metavar="WHERE",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class FolderWords:
    """What the batch of a folder can be told."""

    masks: PathLike | None = option(
        None,
        "clip.png, clip/ or clip.mask.mkv for each.",
        more="A folder with a mask for each video, by its name: `clip.png`, `clip/` or `clip.mask.mkv`.",
        panel=FILL,
        metavar="FOLDER",
    )
    include: Sequence[str] = option(
        (),
        "Only these, such as *.mov.",
        more="Patterns such as `*.mov` for the paths within the folder; only these are taken.",
        panel=FILL,
        metavar="GLOB",
    )
    exclude: Sequence[str] = option(
        (), "But not these.", more="Patterns of what is not taken.", panel=FILL, metavar="GLOB"
    )
    output: PathLike | None = option(
        None,
        "By default FOLDER.COMMAND beside it.",
        more="Where results go, in the same sub-folders; by default `FOLDER.COMMAND` beside it.",
        panel=WRITE,
        flags=("--output", "-o"),
        metavar="FOLDER",
    )
    name: str | None = option(
        None,
        "Such as {stem}.clean.mkv.",
        more="Of each target; `{stem}`, `{suffix}` and `{name}` stand for those of the source. By default "
        "the source's own, `{stem}.mov` with `patch_only`, and `{stem}.mask.mkv` for a detector's masks.",
        panel=WRITE,
        metavar="NAME",
    )
    watch: bool = option(
        False,
        "Go on with new files until stopped.",
        more="Go on for ever with videos that come, until interrupted.",
        flags=("--watch",),
    )

    def __post_init__(self) -> None:
        for name in ("masks", "output"):
            object.__setattr__(self, name, as_text(getattr(self, name)))
        for name in ("include", "exclude"):
            object.__setattr__(self, name, as_paths(getattr(self, name)))
