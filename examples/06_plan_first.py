"""Ask what a run would do and need, then hold it to a bound: python examples/06_plan_first.py [FOLDER]."""

import sys
from pathlib import Path

from small_clip import draw

import vrestore

folder = Path(sys.argv[1] if len(sys.argv) > 1 else "out")
video, mask = draw(folder)

planned = vrestore.plan_inpaint(video, mask=mask, target=folder / "planned.mp4", overwrite=True)
print(*planned.lines(), sep="\n")

report = vrestore.inpaint(
    video,
    mask=mask,
    target=planned.target,
    memory="1GiB",
    report=folder / "report.json",
    overwrite=True,
)
print(*report.summary_lines(), sep="\n")
