"""Repair numbered 16-bit PNG images with a folder of masks: python examples/04_image_sequence.py [FOLDER]."""

import sys
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
from small_clip import pictures

import vrestore

folder = Path(sys.argv[1] if len(sys.argv) > 1 else "out")
for name in ("frames", "masks"):
    (folder / name).mkdir(parents=True, exist_ok=True)
for number, (picture, mask) in enumerate(pictures(), start=1):
    deep = picture[..., ::-1].astype(np.uint16) * 257  # OpenCV writes blue first
    cv2.imwrite(str(folder / "frames" / f"{number:06d}.png"), deep)
    cv2.imwrite(str(folder / "masks" / f"{number:06d}.png"), mask)

report = vrestore.inpaint(
    folder / "frames" / "%06d.png",
    mask=folder / "masks",
    target=f"{folder / 'clean'}/",  # a name that ends in / is a folder, made if it is not there
    rate=Fraction(24),
    overwrite=True,
)

first = cv2.imread(str(folder / "clean" / "000001.png"), cv2.IMREAD_UNCHANGED)
print(f"{report.frames} images of {first.dtype} in {report.target}")
