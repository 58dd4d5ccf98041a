"""What training is tried on: a few drawn pictures, tiny samples, makers that other processes can import."""

import os
from pathlib import Path

import cv2
import numpy as np
import torch
from clips import write_pictures
from textured import texture

from vrestore.errors import InputError
from vrestore.training.data.sources import Sources
from vrestore.training.inpaint.samples import Sample, SampleSettings

TINY = SampleSettings(frames=12, window=48, min_side=64, max_side=80, max_hole=24)


def draw_data(folder: Path, *, stills: int = 3, clips: int = 1) -> Path:
    """Draw photographs and clips of 13 frames into a folder as training wants it, and return the folder."""
    for name, count in (("stills", stills), ("video", clips)):
        (folder / name).mkdir(parents=True)
        for index in range(count):
            picture = picture_of(texture(90, 110, seed=index + 7 * (name == "video")))
            if name == "stills":
                cv2.imwrite(str(folder / name / f"{index}.png"), picture[..., ::-1])
            else:
                panned = [np.roll(picture, 2 * step, axis=1) for step in range(13)]
                write_pictures(folder / name / f"{index}.mkv", panned, layout="bgr0")
    return folder


def sources_in(folder: Path) -> Sources:
    """Draw data and list it."""
    return Sources.find(draw_data(folder))


def picture_of(rgb):
    """Return (3, H, W) in [0, 1] as a picture of 8 bits, (H, W, 3)."""
    return np.rint(rgb.transpose(1, 2, 0) * 255).astype(np.uint8)


def plain_sample(number: int, count: int = 12) -> Sample:
    """Make a sample at once, square as all of them: it says nothing but its number."""
    height, width, pairs = 32, 32, count - 1
    picture = torch.full((count, 3, height, width), number % 256, dtype=torch.uint8)
    holes = torch.zeros(count, 1, height, width, dtype=torch.bool)
    holes[:, :, 4:9, 5:14] = True
    flow = torch.zeros(pairs, 2, height // 2, width // 2, dtype=torch.float16)
    occlusion = torch.zeros(pairs, 1, height // 2, width // 2, dtype=torch.uint8)
    hints = torch.zeros(count, 4, height, width, dtype=torch.float16)
    return Sample(picture, holes, picture[:, :1], hints, picture, flow, flow, occlusion, occlusion)


def dying_sample(number: int) -> Sample:
    """Make the first samples, and end the process at the fourth."""
    if number == 3:
        os._exit(7)
    return plain_sample(number)


def unreadable_sample(number: int) -> Sample:
    """Find the source of sample 3 damaged."""
    if number == 3:
        raise InputError("cannot read the photograph 'bad.jpg': remove it from the training data")
    return plain_sample(number)


def number_of(sample: Sample) -> int:
    """Return the number that a plain sample was made for."""
    return int(sample.truth[0, 0, 0, 0])
