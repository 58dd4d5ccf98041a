"""`mask text`: its words here, what it does in the modules beside this one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from vrestore.detect.base import Detector, View
from vrestore.detect.text.options import TextOptions

if TYPE_CHECKING:
    from vrestore.frames import Frame, MaskArray

RUN_EXAMPLES = """\
[bold]Examples[/bold]
  vrestore mask text film.mkv -o words.mkv
  vrestore mask text film.mkv --boxes -o words.mkv
  vrestore mask text film.mkv --start 1:00 --stop 2:00 -o look.mkv
"""
BATCH_EXAMPLES = """\
[bold]Examples[/bold]
  vrestore batch mask text films/ -o masks/
  vrestore batch mask text films/ --boxes --jobs 2
  vrestore batch mask text inbox/ --watch
"""
PLAN_EXAMPLES = """\
[bold]Examples[/bold]
  vrestore plan mask text film.mkv
  vrestore plan mask text film.mkv --json
  vrestore plan mask text film.mkv --stop 2:00
"""


def _find(view: View, frames: Iterator[Frame], options: TextOptions) -> Iterator[MaskArray]:
    from vrestore.detect.text.find import find_text

    return find_text(view, frames, options)


TEXT = Detector(
    "text",
    "Find burnt-in words, such as subtitles and captions, stroke by stroke.",
    (TextOptions,),
    _find,
    more="Words that move with the scene, such as those of a shop sign, are left alone.",
    examples={"run": RUN_EXAMPLES, "batch": BATCH_EXAMPLES, "plan": PLAN_EXAMPLES},
)
