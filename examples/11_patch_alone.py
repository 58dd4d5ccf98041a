"""Write the patch alone and lay it over the source: python examples/11_patch_alone.py [FOLDER]."""

import sys
from pathlib import Path

import av
import numpy as np
from small_clip import LOGO, draw

import vrestore

folder = Path(sys.argv[1] if len(sys.argv) > 1 else "out")
video, _ = draw(folder)
words = {"box": ",".join(map(str, LOGO)), "feather": 3, "codec": "ffv1", "overwrite": True}
whole = vrestore.inpaint(video, target=folder / "whole.mkv", **words)
patch = vrestore.inpaint(video, target=folder / "patch.mkv", patch_only=True, **words)


def luma_and_alpha(name):
    """Yield the luma of each frame, and its alpha or what stands for chroma, as numbers."""
    with av.open(str(name)) as container:
        for picture in container.decode(video=0):
            planes = [np.frombuffer(plane, np.uint8).reshape(plane.height, -1) for plane in picture.planes]
            yield planes[0][:, : picture.width] / 1.0, planes[-1][:, : picture.width] / 255


furthest = 0.0
rows = (luma_and_alpha(name) for name in (video, patch.target, whole.target))
for (below, _), (color, alpha), (wanted, _) in zip(*rows, strict=True):
    over = np.rint(alpha * color + (1 - alpha) * below)  # straight alpha
    furthest = max(furthest, abs(over - wanted).max())
print(f"the patch over the source is the result within {furthest:.0f} levels of 255")
