"""Draw the picture of the README: moments of a clip above, the same moments of its repair below.

make demo
python examples/before_after.py demo/meadow.mp4 demo/meadow.inpaint.mp4 docs/images/before_after.jpg
"""

import sys
from pathlib import Path

import cv2
import numpy as np

from vrestore import open_video
from vrestore.media.preview.display import as_picture, shown

MOMENTS = (14, 36, 58)
WIDTH, GAP, JPEG_QUALITY = 426, 6, 90


def moments(path):
    with open_video(path) as video:
        kept = [as_picture(shown(frame, video.meta)) for frame in video if frame.index in MOMENTS]
    height = round(WIDTH * kept[0].shape[0] / kept[0].shape[1])
    return [cv2.resize(picture, (WIDTH, height), interpolation=cv2.INTER_AREA) for picture in kept]


def row(pictures):
    gap = np.full((pictures[0].shape[0], GAP, 3), 255, np.uint8)
    parts = [part for picture in pictures for part in (picture, gap)]
    return np.hstack(parts[:-1])


def main(before, after, target):
    rows = row(moments(before)), row(moments(after))
    strip = np.vstack([rows[0], np.full((GAP, rows[0].shape[1], 3), 255, np.uint8), rows[1]])
    _, data = cv2.imencode(".jpg", strip[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    Path(target).write_bytes(data.tobytes())


if __name__ == "__main__":
    main(*sys.argv[1:4])
