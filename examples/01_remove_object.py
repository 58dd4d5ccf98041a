"""Remove a moving thing that a mask video marks: python examples/01_remove_object.py [FOLDER]."""

import sys
from pathlib import Path

from small_clip import draw

import vrestore

folder = Path(sys.argv[1] if len(sys.argv) > 1 else "out")
video, mask = draw(folder)

report = vrestore.inpaint(
    video,
    mask=mask,
    target=folder / "without_ball.mp4",
    grow=3,
    compare=folder / "compare.mp4",
    overwrite=True,
)

print(report.target)
print(report.details.line())
