"""Clips, results and masks in which it is known what is left of an object."""

import numpy as np
import pytest

from tests.clips import write_pictures
from tests.leftovers import FRAMES, RADIUS, disc, nothing, ring, scene


@pytest.fixture(scope="package")
def folder(tmp_path_factory):
    """Results in which the hole is filled with what is really behind it."""
    folder = tmp_path_factory.mktemp("verified")
    write_pictures(folder / "clip.mkv", scene(shade=0.4), layout="yuv444p")
    write_pictures(folder / "clean.mkv", scene(object_at=nothing), layout="yuv444p")
    write_pictures(folder / "rim.mkv", scene(object_at=ring, radius=RADIUS - 4), layout="yuv444p")
    write_pictures(folder / "shadow.mkv", scene(shade=0.4, object_at=nothing), layout="yuv444p")
    for name, radius in (("mask", RADIUS), ("narrow", RADIUS - 4)):
        write_pictures(
            folder / f"{name}.mkv", (disc(index, radius=radius) * np.uint8(255) for index in range(FRAMES))
        )
    return folder
