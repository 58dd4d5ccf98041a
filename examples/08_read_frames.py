"""Read a video's frames as they are stored, with their times: python examples/08_read_frames.py [FOLDER]."""

import sys
from pathlib import Path

from small_clip import draw

import vrestore

folder = Path(sys.argv[1] if len(sys.argv) > 1 else "out")
video, _ = draw(folder)

with vrestore.open_video(video, start=4, stop="0.5s") as reader:
    meta = reader.meta
    print(f"{meta.width}x{meta.height} {meta.pixel_format.name}, {meta.pixel_format.bits} bit, {meta.codec}")
    for frame in reader:
        seconds = float(frame.pts * meta.time_base)
        print(f"frame {frame.index} at {seconds:.3f} s, mean of luma {frame.planes[0].mean():.1f}")
