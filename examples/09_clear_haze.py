"""Clear haze from a clip, and see how thick it was: python examples/09_clear_haze.py [FOLDER]."""

import sys
from pathlib import Path

from haze_clip import add_haze
from small_clip import draw

import vrestore

folder = Path(sys.argv[1] if len(sys.argv) > 1 else "out")
video, _ = draw(folder)
add_haze(video, folder / "hazy.mp4")

report = vrestore.dehaze(
    folder / "hazy.mp4", strength=90, target=folder / "cleared.mp4", matte=folder / "haze.mp4", overwrite=True
)
print(f"{report.repaired_frames} frames cleared")
print(report.details.line())
