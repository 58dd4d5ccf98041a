"""`mask logo`: its words here, what it does in the modules beside this one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from vrestore.detect.base import Detector, View

if TYPE_CHECKING:
    from vrestore.frames import Frame, MaskArray

RUN_EXAMPLES = """\
[bold]Examples[/bold]
  vrestore mask logo show.mp4 -o logo.png
  vrestore mask logo match.mkv -o logo.mkv
  vrestore mask logo show.mp4 --start 1:00 --stop 5:00 -o logo.png
"""
BATCH_EXAMPLES = """\
[bold]Examples[/bold]
  vrestore batch mask logo shows/ -o masks/
  vrestore batch mask logo shows/ --include "2024/*" --jobs 2
  vrestore batch mask logo inbox/ --watch
"""
PLAN_EXAMPLES = """\
[bold]Examples[/bold]
  vrestore plan mask logo show.mp4
  vrestore plan mask logo show.mp4 --json
  vrestore plan mask logo show.mp4 --stop 5:00
"""


def _find(view: View, frames: Iterator[Frame]) -> Iterator[MaskArray]:
    from vrestore.detect.logo.find import find_logos

    return find_logos(view, frames)


LOGO = Detector(
    "logo",
    "Find logos and other overlays that stay in their place while the picture moves.",
    (),
    _find,
    more="A camera that stands still all the time tells nothing of them.",
    examples={"run": RUN_EXAMPLES, "batch": BATCH_EXAMPLES, "plan": PLAN_EXAMPLES},
)
