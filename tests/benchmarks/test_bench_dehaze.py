"""What the dehazing benchmark counts: figures worked out by hand, bars, and its own plain prior."""

import numpy as np
import pytest
from hazy import clear_pictures, hazed, slanted_depth

from benchmarks.dehaze_methods import HAZY, NETWORK, PLAIN, STEADY, clear, plain_dark_channel
from benchmarks.dehaze_quality import Figures, bars_of, judge, mean_of, plotted


def gray(*levels):
    """Frames of 16x16, each of one level."""
    return np.stack([np.full((16, 16, 3), level, np.uint8) for level in levels])


def foggy(count=1):
    """Hazy and clear pictures (T, H, W, 3)."""
    pictures = clear_pictures(count)
    both = hazed(pictures, slanted_depth()), pictures
    return [np.rint(255 * each.transpose(0, 2, 3, 1)).astype(np.uint8) for each in both]


def test_flicker_is_change_that_the_truth_has_not():
    figures = judge(gray(10, 16, 13), gray(10, 12, 14), seconds=6.0)
    assert figures.flicker == pytest.approx((4 + 5) / 2)
    assert figures.jitter == pytest.approx((4 + 5) / 2)
    assert figures.seconds == 2


def test_flicker_that_cancels_out_over_a_frame_is_no_jitter():
    first, second = gray(100, 100)
    second = second.copy()
    second[:, ::2] += 6
    second[:, 1::2] -= 6
    figures = judge(np.stack([first, second]), gray(100, 100), seconds=1.0)
    assert (figures.flicker, figures.jitter) == (6, 0)


def test_a_single_picture_does_not_flicker():
    figures = judge(gray(10), gray(20), seconds=1.0)
    assert (figures.flicker, figures.jitter) == (None, None)
    assert figures.psnr == pytest.approx(20 * np.log10(255 / 10), abs=1e-3)


def test_a_mean_is_none_where_a_case_has_none():
    mean = mean_of([Figures(20, 0.8, 2.0, 1.0, 1.0), Figures(30, 0.6, None, None, 3.0)])
    assert mean == Figures(25, pytest.approx(0.7), None, None, 2)


def figures(psnr, ssim=0.9, flicker=1.0, jitter=0.1):
    return Figures(psnr, ssim, flicker, jitter, 0.1)


@pytest.mark.parametrize(("ours", "met"), [(22.5, [True, True, True]), (21.5, [False, True, True])])
def test_bars_of_pairs_compare_with_haze_and_the_plain_prior(ours, met):
    means = {HAZY: figures(13, 0.7), PLAIN: figures(20, 0.8), NETWORK: figures(ours, 0.85)}
    assert list(bars_of("indoor", means, {"a": means}).values()) == met


def test_bars_of_video_are_on_flicker_and_jitter_too():
    means = {
        HAZY: figures(13, jitter=0.5),
        PLAIN: figures(18, flicker=5, jitter=2),
        NETWORK: figures(22, flicker=3.9, jitter=0.6),
    }
    assert list(bars_of("video", means, {"a": means}).values()) == [True, True, True, False]


def test_every_real_pair_and_every_clear_clip_counts():
    cases = {
        name: {HAZY: figures(14), PLAIN: figures(14), NETWORK: figures(psnr)}
        for name, psnr in (("a", 16), ("b", 15))
    }
    assert list(bars_of("real", cases["a"], cases).values()) == [False]
    assert list(bars_of("clear", cases["a"], {"a": {NETWORK: figures(29)}}).values()) == [True]


def test_the_plain_prior_clears():
    (hazy,), (clear_one,) = foggy()
    result = plain_dark_channel(hazy)
    errors = [np.abs(each.astype(float) - clear_one).mean() for each in (hazy, result)]
    assert errors[1] < 0.8 * errors[0]
    assert (plain_dark_channel(hazy, strength=0.0) == hazy).all()


def test_the_tool_gives_as_many_pictures_of_the_same_size():
    hazy, _ = foggy(3)
    assert clear(STEADY, hazy, strength=0.5).frames.shape == hazy.shape
    assert clear(HAZY, hazy, strength=0.5).frames is hazy


def test_a_plot_has_a_panel_for_each_part():
    values = {"mean": {name: {"psnr": 20.0} for name in (HAZY, NETWORK)}}
    assert plotted({"indoor": values, "video": values}).shape == (220, 640, 3)
