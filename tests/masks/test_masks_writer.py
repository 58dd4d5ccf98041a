from fractions import Fraction

import av
import numpy as np
import pytest

from tests.clips import mask_meta, planes_in
from vrestore.masks.writer import VIDEO_SUFFIXES, MaskWriter

HEIGHT, WIDTH = 45, 67
STEP = 512  # of the time base, a frame at 25 a second


@pytest.mark.parametrize("suffix", VIDEO_SUFFIXES)
def test_a_video_of_masks_keeps_pixels_and_times(tmp_path, suffix):
    masks = np.random.default_rng(0).random((4, HEIGHT, WIDTH)) > 0.5
    target = tmp_path / f"mask{suffix}"
    with MaskWriter(target, mask_meta(height=HEIGHT, width=WIDTH)) as writer:
        for index, mask in enumerate(masks):
            writer.write(mask, index * STEP)
        writer.finish()
    assert (np.stack([planes[0] for planes in planes_in(target)]) == masks * 255).all()
    with av.open(str(target)) as container:
        times = [frame.pts * frame.time_base for frame in container.decode(video=0)]
    assert times == [Fraction(index, 25) for index in range(4)]
    assert [path.name for path in tmp_path.iterdir()] == [target.name]
