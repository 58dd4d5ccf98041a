"""The clip that `make demo` restores can be drawn, and its mask is where the ball is."""

import subprocess
import sys

import av
import numpy as np
import pytest


@pytest.fixture(scope="module")
def folder(root, tmp_path_factory):
    folder = tmp_path_factory.mktemp("demo")
    script = root / "examples" / "demo_clip.py"
    subprocess.run([sys.executable, "-W", "error", script, folder], check=True, capture_output=True)
    return folder


def pictures(path, layout):
    with av.open(str(path)) as container:
        return [frame.to_ndarray(format=layout) for frame in container.decode(video=0)]


@pytest.mark.slow
def test_the_ball_is_under_the_mask(folder):
    frames, masks = pictures(folder / "meadow.mp4", "rgb24"), pictures(folder / "meadow.mask.mkv", "gray")
    assert len(frames) == len(masks) == 72
    assert all(set(np.unique(mask)) <= {0, 255} for mask in masks)
    red = [np.ptp(frame.astype(int), axis=2) > 120 for frame in frames]  # the paint, not the meadow
    assert np.mean(np.concatenate([mask[paint] > 0 for paint, mask in zip(red, masks, strict=True)])) > 0.99
    assert 0.02 < np.mean([mask.mean() / 255 for mask in masks]) < 0.06


@pytest.mark.slow
def test_the_clip_has_a_tone_and_a_color_description(folder):
    with av.open(str(folder / "meadow.mp4")) as container:
        assert container.streams.audio[0].codec_context.name == "aac"
        assert container.streams.video[0].codec_context.colorspace == 1
        assert container.duration / av.time_base == pytest.approx(3, abs=0.1)
