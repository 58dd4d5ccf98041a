"""Put fog over a clip, thin near the camera, thick at the horizon and above it.

    python examples/haze_clip.py CLEAR HAZY

writes HAZY, an H.264 clip of as many frames.
"""

import sys

import av
import numpy as np

FOG = (206, 212, 220)
HORIZON = 0.4
"""How far down the picture the ground begins."""


def add_haze(clear, hazy):
    with av.open(str(clear)) as source, av.open(str(hazy), "w") as target:
        shown = source.streams.video[0]
        stream = target.add_stream("libx264", shown.average_rate, pix_fmt="yuv420p")
        stream.width, stream.height = shown.width, shown.height
        down = np.linspace(0, 1, shown.height)[:, None, None]
        through = np.exp(-0.12 / np.maximum(down - HORIZON, 0.085))
        for frame in source.decode(video=0):
            seen = frame.to_ndarray(format="rgb24") * through + np.array(FOG) * (1 - through)
            target.mux(stream.encode(av.VideoFrame.from_ndarray(seen.astype(np.uint8), "rgb24")))
        target.mux(stream.encode(None))


if __name__ == "__main__":
    add_haze(*sys.argv[1:])
