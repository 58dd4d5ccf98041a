"""What the dehazing benchmark counts: figures worked out by hand, bars, and its own plain prior."""

import numpy as np
import pytest
import torch
from hazy import clear_pictures, hazed, slanted_depth

from benchmarks.dehaze_methods import (
    HAZY,
    NETWORK,
    ORACLES,
    PLAIN,
    STEADY,
    TRUE_AIR,
    TRUE_DEPTH,
    TRUE_HAZE,
    by_the_tool,
    clear,
    knowing,
    plain_dark_channel,
)
from benchmarks.dehaze_quality import Figures, bars_of, judge, mean_of, plotted, share_of_change
from vrestore.methods.dehaze.estimators.estimate import HazeEstimate
from vrestore.training.dehaze.weather import Weather, add_haze


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
    mean = mean_of([Figures(20, 0.8, 0.5, 2.0, 1.0, 1.0), Figures(30, 0.6, 1.0, None, None, 3.0)])
    assert mean == Figures(25, pytest.approx(0.7), 0.75, None, None, 2)


@pytest.mark.parametrize(("made", "share"), [(100, 0.0), (80, 0.5), (60, 1.0), (50, 1.25), (120, -0.5)])
def test_the_share_of_haze_removed_is_how_far_the_way_to_the_truth_was_gone(made, share):
    assert share_of_change(gray(100), gray(made), gray(60)) == pytest.approx(share)
    assert judge(gray(made), gray(60), 1.0, hazy=gray(100)).removed == pytest.approx(share)


def test_what_is_wrong_across_the_way_is_no_haze_removed():
    before, wanted = gray(100), gray(60)
    across = gray(80)
    across[:, ::2] += 20
    across[:, 1::2] -= 20
    assert share_of_change(before, across, wanted) == pytest.approx(0.5)


def test_where_nothing_is_to_change_there_is_no_share():
    assert share_of_change(gray(100), gray(90), gray(100)) is None


def test_an_oracle_knows_what_it_says_it_knows():
    """With the truth for both depth and air nothing of the estimate is left."""
    pictures = clear_pictures(1).transpose(0, 2, 3, 1)
    depth = np.broadcast_to(slanted_depth(), (1, 64, 96))
    haze = add_haze(pictures, depth, Weather(density=1.0, air=(0.8, 0.8, 0.8)))
    hazy, truth = (np.rint(255 * each).astype(np.uint8) for each in (haze.pictures, pictures))

    def wrong(looks):
        for look in looks:
            yield HazeEstimate(look, torch.full((1, 1, 16, 24), 0.2), torch.tensor([0.3, 0.9, 0.1]))

    errors = {
        name: float(np.abs(by_the_tool(hazy, 1.0, knowing(wrong, haze, known)).astype(float) - truth).mean())
        for name, known in {"nothing": set(), **ORACLES}.items()
    }
    assert errors[TRUE_HAZE] < 6
    assert errors[TRUE_HAZE] < 0.5 * min(errors[TRUE_DEPTH], errors[TRUE_AIR], errors["nothing"])


def figures(psnr, ssim=0.9, flicker=1.0, jitter=0.1):
    return Figures(psnr, ssim, None, flicker, jitter, 0.1)


@pytest.mark.parametrize(("ours", "met"), [(24.5, [True, True]), (23.5, [False, True])])
def test_bars_of_pairs_are_a_least_psnr_and_an_ssim_above_others(ours, met):
    means = {HAZY: figures(13, 0.7), PLAIN: figures(20, 0.8), NETWORK: figures(ours, 0.85)}
    assert list(bars_of("indoor", means, {"a": means}).values()) == met


def test_bars_of_video_are_on_flicker_and_jitter_too():
    means = {
        HAZY: figures(13, jitter=0.5),
        PLAIN: figures(18, flicker=5, jitter=2),
        NETWORK: figures(22, flicker=3.9, jitter=0.6),
    }
    assert list(bars_of("video", means, {"a": means}).values()) == [True, True, False]


def test_real_pairs_count_in_the_mean_and_every_clear_clip_by_itself():
    cases = {
        name: {HAZY: figures(14), PLAIN: figures(14), NETWORK: figures(psnr)}
        for name, psnr in (("a", 18), ("b", 15))
    }
    assert list(bars_of("real", cases["a"], cases).values()) == [True]
    assert list(bars_of("real", cases["b"], cases).values()) == [False]
    clips = {"a": {NETWORK: figures(29)}, "b": {NETWORK: figures(27)}}
    assert list(bars_of("clear", cases["a"], {"a": clips["a"]}).values()) == [True, False]
    assert list(bars_of("clear", cases["a"], clips).values()) == [False, False]


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
