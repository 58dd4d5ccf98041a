"""What the quality benchmark compares, on clips whose outcome is plain."""

import numpy as np
import pytest

from benchmarks.clips import Clip, Size, clip_names, find_data
from benchmarks.judging import Figures, Task, judge, mean_of, measure
from benchmarks.measures import PERFECT, motion_of
from benchmarks.methods import METHODS, Filling, fill, settings_of

HEIGHT, WIDTH, FRAMES = 48, 80, 4
SETTINGS = settings_of("draft", threads=1)


def still_clip(*, hole_frames):
    """A picture that does not move, with a hole in the middle of some frames."""
    random = np.random.default_rng(5)
    picture = np.kron(random.integers(0, 256, (12, 20, 3)), np.ones((4, 4, 1))).astype(np.uint8)
    masks = np.zeros((FRAMES, HEIGHT, WIDTH), bool)
    masks[hole_frames, 18:30, 30:48] = True
    return Clip("still", np.stack([picture] * FRAMES), masks)


@pytest.mark.parametrize("name", METHODS)
def test_a_method_fills_the_hole_and_nothing_else(name):
    clip = still_clip(hole_frames=[0, 1, 2, 3])
    filling = fill(name, clip.blanked(), clip.masks, SETTINGS)
    assert filling.frames.shape == clip.frames.shape
    assert filling.frames[clip.masks].any(axis=-1).mean() > 0.9
    np.testing.assert_array_equal(filling.frames[~clip.masks], clip.frames[~clip.masks])


def test_what_no_frame_shows_counts_as_painted():
    clip = still_clip(hole_frames=[0, 1, 2, 3])
    np.testing.assert_array_equal(fill("propagate", clip.blanked(), clip.masks, SETTINGS).painted, clip.masks)


def test_what_a_neighbor_shows_is_not_painted_and_is_right():
    clip = still_clip(hole_frames=[1])
    filling = fill("propagate", clip.blanked(), clip.masks, SETTINGS)
    figures = judge(clip, filling, motion_of(clip.frames), clip.masks)
    assert figures.painted_share == 0
    assert figures.painted_psnr is None
    assert figures.hole_psnr > 40


def test_frames_without_a_hole_do_not_count():
    clip = still_clip(hole_frames=[1])
    spoiled = clip.frames.copy()
    spoiled[3] = 0
    figures = judge(clip, Filling(spoiled, clip.masks, 0.0), motion_of(clip.frames), clip.masks)
    assert figures.hole_psnr == figures.frame_psnr == PERFECT


def test_a_hole_is_blanked():
    clip = still_clip(hole_frames=[2])
    blanked = clip.blanked()
    assert not blanked[clip.masks].any()
    np.testing.assert_array_equal(blanked[~clip.masks], clip.frames[~clip.masks])


def test_means_leave_out_what_is_not_known():
    clips = [Figures(hole_psnr=20.0, painted_psnr=10.0), Figures(hole_psnr=30.0)]
    assert mean_of(clips) == Figures(hole_psnr=25.0, painted_psnr=10.0)


def test_a_folder_of_clips_that_is_missing_is_told(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no folder .*nowhere.* with real clips"):
        find_data(tmp_path / "nowhere")


@pytest.mark.slow
@pytest.mark.data
def test_propagation_is_better_than_telea_on_real_clips(data):
    """Two clips whose holes other frames show; the benchmark holds the mean over all of them to its bar."""
    gains = []
    for clip, kind in (("davis_horsejump-high", "stationary"), ("davis_parkour", "moving")):
        assert clip in clip_names(data)
        figures = measure(Task(data, clip, kind, 20, Size(240, 432), "balanced", 1))
        gains.append(figures["propagate"].hole_psnr - figures["telea"].hole_psnr)
    assert np.mean(gains) > 1.5
