"""Write without loss and count what changed: python examples/05_lossless_and_compare.py [FOLDER]."""

import sys
from pathlib import Path

import numpy as np
from small_clip import LOGO, draw

import vrestore

folder = Path(sys.argv[1] if len(sys.argv) > 1 else "out")
video, _ = draw(folder)
report = vrestore.inpaint(
    video,
    box=",".join(map(str, LOGO)),
    grow=2,
    feather=2,
    codec="ffv1",
    target=folder / "lossless.mkv",
    compare=folder / "difference.mp4",
    compare_layout="difference",
    overwrite=True,
)

x, y, width, height = LOGO
outside = np.ones((180, 320), bool)
outside[y - 4 : y + height + 4, x - 4 : x + width + 4] = False  # grow and feather
with vrestore.open_video(video) as old, vrestore.open_video(report.target) as new:
    pairs = [(before.planes[0], after.planes[0]) for before, after in zip(old, new, strict=True)]
changed = [before != after for before, after in pairs]
print("luma samples changed outside the box:", sum(int(where[outside].sum()) for where in changed))
print("luma samples changed inside the box: ", sum(int(where[~outside].sum()) for where in changed))
