"""`inpaint` as a method: its words here, what it does in the modules beside this one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from vrestore.masks.options import MaskWords
from vrestore.methods.base import Context, Kinds, Method, OpenedMethod, Sharding, Values
from vrestore.methods.inpaint.options import DEFAULT_MODEL, InpaintOptions

if TYPE_CHECKING:
    from vrestore.frames import MaskedFrame
    from vrestore.methods.inpaint.opened import OpenedInpaint
    from vrestore.methods.sharding import Met
    from vrestore.protocols import MaskSource

RUN_EXAMPLES = """\
[bold]Examples[/bold]
  vrestore inpaint street.mp4 --mask car/ -o clean.mp4
  vrestore inpaint show.mp4 --overlay auto -o clean.mp4
  vrestore inpaint talk.mp4 -b "5%,85%,90%,12%@1:02-1:09" -c ffv1 -o talk.mkv
"""
BATCH_EXAMPLES = """\
[bold]Examples[/bold]
  vrestore batch inpaint clips/ --masks masks/ -o clean/
  vrestore batch inpaint clips/ --masks masks/ --include "2024/*" --jobs 2
  vrestore batch inpaint inbox/ --box=-40,20,160,90 --watch -o clean/
"""
PLAN_EXAMPLES = """\
[bold]Examples[/bold]
  vrestore plan inpaint street.mp4 --mask car/
  vrestore plan inpaint film.mkv --box "5%,5%,20%,10%" --memory 2GiB
  vrestore plan inpaint street.mp4 --mask car/ --quality best --json
"""


def _open(context: Context, masks: MaskWords, options: InpaintOptions) -> OpenedMethod:
    from vrestore.methods.inpaint.opened import open_inpaint

    return open_inpaint(context, masks, options)


def _weights(_masks: MaskWords, options: InpaintOptions) -> Mapping[str, str]:
    from vrestore.models.library import hashes_of

    return hashes_of(str(options.model or DEFAULT_MODEL)) if options.has_network else {}


def _is_patch_only(_masks: MaskWords, options: InpaintOptions) -> bool:
    return options.patch_only


def _survey(opened: OpenedInpaint, items: Iterator[MaskedFrame], length: int) -> Iterator[Met]:
    return opened.survey(items, length)


def _describe(opened: OpenedInpaint) -> Values:
    return opened.described()


def _reopen(
    context: Context, masks: MaskSource, words: Mapping[str, Any], _: MaskWords, options: InpaintOptions
) -> OpenedMethod:
    from vrestore.methods.inpaint.opened import reopened_inpaint

    return reopened_inpaint(context, masks, words, options)


def _kinds() -> Kinds:
    from vrestore.methods.inpaint.settings import InpaintStats, SpanState

    return Kinds(SpanState, InpaintStats)


INPAINT = Method(
    name="inpaint",
    summary="Fill what a mask or box covers from the rest of the video; all else stays.",
    more="SOURCE is a video, a folder or pattern of images, or - for y4m.",
    options=(MaskWords, InpaintOptions),
    open=_open,
    examples={"run": RUN_EXAMPLES, "batch": BATCH_EXAMPLES, "plan": PLAN_EXAMPLES},
    weights=_weights,
    is_patch_only=_is_patch_only,
    sharding=Sharding(_survey, _describe, _reopen, _kinds),
    warm_up="vrestore.methods.inpaint.stage",
)
