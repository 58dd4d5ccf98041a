"""`dehaze` as a method: its words here, what it does in the modules beside this one."""

from __future__ import annotations

from collections.abc import Mapping

from vrestore.methods.base import Context, Method, OpenedMethod
from vrestore.methods.dehaze.options import DEFAULT_MODEL, DehazeOptions

RUN_EXAMPLES = """\
[bold]Examples[/bold]
  vrestore dehaze drive.mp4
  vrestore dehaze valley.mov --strength 50 --keep-depth --protect-sky
  vrestore dehaze stage.mkv --night --method dcp --matte haze.mp4
"""
BATCH_EXAMPLES = """\
[bold]Examples[/bold]
  vrestore batch dehaze drives/ -o clear/
  vrestore batch dehaze drives/ --strength 50 --jobs 2 --memory 8GiB
  vrestore batch dehaze inbox/ --watch --protect-sky -o clear/
"""
PLAN_EXAMPLES = """\
[bold]Examples[/bold]
  vrestore plan dehaze drive.mp4
  vrestore plan dehaze film.mkv --memory 2GiB
  vrestore plan dehaze drive.mp4 --method dcp --json
"""


def _open(context: Context, options: DehazeOptions) -> OpenedMethod:
    from vrestore.methods.dehaze.opened import open_dehaze

    return open_dehaze(context, options)


def _weights(options: DehazeOptions) -> Mapping[str, str]:
    from vrestore.models.library import hashes_of

    return hashes_of(str(options.model or DEFAULT_MODEL)) if options.has_network else {}


DEHAZE = Method(
    name="dehaze",
    summary="Clear haze, fog and smoke, without flicker.",
    more="All else in the file stays as it is: timestamps, sound, tags, bit depth.",
    options=(DehazeOptions,),
    open=_open,
    examples={"run": RUN_EXAMPLES, "batch": BATCH_EXAMPLES, "plan": PLAN_EXAMPLES},
    weights=_weights,
)
