"""Remove a logo that stands still, told as a box: python examples/02_logo_by_box.py [FOLDER]."""

import sys
from pathlib import Path

from small_clip import LOGO, draw

import vrestore

folder = Path(sys.argv[1] if len(sys.argv) > 1 else "out")
video, _ = draw(folder)

box = ",".join(map(str, LOGO))  # x,y,w,h; a negative x counts from the right edge, 10% is of the width
report = vrestore.inpaint(video, box=box, target=folder / "without_logo.mp4", overwrite=True)

print(f"{box}: {report.repaired_frames} of {report.frames} frames repaired")
