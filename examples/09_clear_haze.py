"""Clear haze from a clip, and see how thick it was: python examples/09_clear_haze.py [FOLDER]."""

import sys
from pathlib import Path

import av
import numpy as np
from small_clip import HEIGHT, RATE, WIDTH, draw

import vrestore

folder = Path(sys.argv[1] if len(sys.argv) > 1 else "out")
video, _ = draw(folder)

# Haze over the clip: half of the light comes through at the bottom, a quarter at the top.
through = np.linspace(0.25, 0.5, HEIGHT)[:, None, None]
with av.open(str(video)) as clear, av.open(str(folder / "hazy.mp4"), "w") as hazy:
    stream = hazy.add_stream("libx264", RATE, pix_fmt="yuv420p", width=WIDTH, height=HEIGHT)
    for frame in clear.decode(video=0):
        seen = frame.to_ndarray(format="rgb24") * through + 220 * (1 - through)
        hazy.mux(stream.encode(av.VideoFrame.from_ndarray(seen.astype(np.uint8), "rgb24")))
    hazy.mux(stream.encode(None))

report = vrestore.dehaze(
    folder / "hazy.mp4", strength=90, target=folder / "cleared.mp4", matte=folder / "haze.mp4", overwrite=True
)
print(f"{report.repaired_frames} frames cleared; {report.haze.transmission:.0%} of the light came through")
