"""`mask dirt`: its words here, what it does in the modules beside this one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from vrestore.detect.base import Detector, View
from vrestore.detect.dirt.options import DirtOptions

if TYPE_CHECKING:
    from vrestore.frames import Frame, MaskArray

RUN_EXAMPLES = """\
[bold]Examples[/bold]
  vrestore mask dirt film.mkv -o dirt.mkv
  vrestore mask dirt film.mkv --sensitivity 70 -o dirt.mkv
  vrestore mask dirt film.mkv --start 1:00 --stop 1:10 -o look.mkv
"""
BATCH_EXAMPLES = """\
[bold]Examples[/bold]
  vrestore batch mask dirt reels/ -o masks/
  vrestore batch mask dirt reels/ --sensitivity 70 --jobs 2
  vrestore batch mask dirt inbox/ --watch
"""
PLAN_EXAMPLES = """\
[bold]Examples[/bold]
  vrestore plan mask dirt film.mkv
  vrestore plan mask dirt film.mkv --json
  vrestore plan mask dirt film.mkv --stop 1:10
"""


def _find(view: View, frames: Iterator[Frame], options: DirtOptions) -> Iterator[MaskArray]:
    from vrestore.detect.dirt.find import find_dirt

    return find_dirt(view, frames, options)


DIRT = Detector(
    "dirt",
    "Find dust, specks and hairs of film: what is in one frame and in neither neighbor.",
    (DirtOptions,),
    _find,
    examples={"run": RUN_EXAMPLES, "batch": BATCH_EXAMPLES, "plan": PLAN_EXAMPLES},
)
