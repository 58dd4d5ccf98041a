"""Restore what shines through a faint badge: python examples/10_restore_overlay.py [FOLDER]."""

import sys
from pathlib import Path

import av
import cv2
import numpy as np
from small_clip import HEIGHT, RATE, WIDTH, pictures

import vrestore

folder = Path(sys.argv[1] if len(sys.argv) > 1 else "out")
folder.mkdir(parents=True, exist_ok=True)

badge = np.zeros((HEIGHT, WIDTH, 4), np.uint8)  # blue, green, red, and how opaque
cv2.ellipse(badge, (60, 40), (40, 24), 0, 0, 360, (250, 250, 250, 90), -1)
cv2.imwrite(str(folder / "badge.png"), badge)
share = badge[:, :, 3:] / 255

with av.open(str(folder / "badged.mp4"), "w") as container:
    stream = container.add_stream("libx264", RATE, pix_fmt="yuv420p", width=WIDTH, height=HEIGHT)
    for picture, _ in pictures():
        shown = (1 - share) * picture + share * badge[:, :, 2::-1]
        frame = av.VideoFrame.from_ndarray(np.rint(shown).astype(np.uint8), "rgb24")
        container.mux(stream.encode(frame.reformat(format="yuv420p", threads=1)))
    container.mux(stream.encode(None))

report = vrestore.inpaint(
    folder / "badged.mp4", overlay=folder / "badge.png", target=folder / "clean.mp4", overwrite=True
)
print(report.details.overlay.line())
