"""Taking away haze that is known: what comes back, what must not change, and what each setting leaves."""

import numpy as np
import pytest
import torch
from hazy import (
    AIR,
    TAGGED,
    clear_pictures,
    cleared,
    frames_of,
    hazed,
    knowing,
    pictures_of,
    psnr,
    slanted_depth,
)
from textured import layout, noise_frame

from vrestore.frames import Color
from vrestore.methods.dehaze.render import matte_of
from vrestore.methods.dehaze.settings import DehazeStats

LAYOUTS = ["rgb24", "yuv420p", "yuv422p10le", "yuv444p16le", "nv12", "p010le", "gbrp12le", "bgr0"]
CLEAR_AIR = np.zeros((64, 96), np.float32)


def same(one, other):
    return all(
        (a == b).all()
        for left, right in zip(one, other, strict=True)
        for a, b in zip(left.planes, right.planes, strict=True)
    )


@pytest.mark.parametrize("name", LAYOUTS)
def test_haze_that_is_known_goes(name):
    clear, depth = clear_pictures(2), slanted_depth()
    hazy = hazed(clear, depth)
    result = pictures_of(cleared(frames_of(hazy, name), name, estimate=knowing(depth)), name)
    assert psnr(hazy, clear) < 13
    assert psnr(result, clear) > 24.5  # the texture is fine, and chroma of 4:2:0 half as fine


def test_gray_is_cleared_too():
    clear, depth = clear_pictures(1)[:, :1].repeat(3, 1), slanted_depth()
    air = (0.85, 0.85, 0.85)
    full = Color(full_range=True)
    frames = frames_of(hazed(clear, depth, air=air), "gray", tags=full)
    (result,) = cleared(frames, "gray", estimate=knowing(depth, air=air), tags=full)
    assert psnr(result.planes[0] / np.float32(255), clear[0, 0]) > 27


@pytest.mark.parametrize("name", [*LAYOUTS, "gray", "yuva420p", "yuyv422"])
def test_strength_0_gives_the_frames_themselves(name):
    frames = [noise_frame(layout(name), height=37, width=59, index=index) for index in range(2)]
    for before, after in zip(frames, cleared(frames, name, strength=0.0), strict=True):
        assert after is before


@pytest.mark.parametrize("name", LAYOUTS)
def test_where_the_air_is_clear_no_sample_changes(name):
    frames = frames_of(clear_pictures(2), name)
    assert same(cleared(frames, name, estimate=knowing(CLEAR_AIR)), frames)


def test_alpha_and_padding_are_carried():
    frames = [noise_frame(layout("yuva420p"), height=37, width=59, index=0)]
    (result,) = cleared(frames, "yuva420p", estimate=knowing(slanted_depth(37, 59)))
    assert (result.planes[3] == frames[0].planes[3]).all()
    assert (result.planes[0] != frames[0].planes[0]).any()


def test_more_strength_leaves_less_haze():
    clear, depth = clear_pictures(1), slanted_depth()
    frames = frames_of(hazed(clear, depth), "rgb24")
    results = [
        pictures_of(cleared(frames, "rgb24", estimate=knowing(depth), strength=s), "rgb24")
        for s in (0.0, 0.25, 0.5, 0.75, 1.0)
    ]
    errors = [float(np.abs(result - clear).mean()) for result in results]
    assert errors == sorted(errors, reverse=True)


def test_strength_is_the_share_of_the_veil_that_goes():
    """What is left is haze of transmission t' with 1 - t' = (1 - s) (1 - t)."""
    clear, depth = clear_pictures(1)[:, :1].repeat(3, 1), slanted_depth(near=0.5, far=1.6)
    frames = frames_of(hazed(clear, depth), "rgb24")
    for strength in (0.25, 0.5, 0.75):
        result = pictures_of(cleared(frames, "rgb24", estimate=knowing(depth), strength=strength), "rgb24")
        left = 1 - (1 - strength) * (1 - np.exp(-depth))
        # What is wrong at full strength, some 25 dB because of the texture's edges, is wrong by that share.
        assert psnr(result, hazed(clear, -np.log(left))) > 24 - 20 * np.log10(strength)


@pytest.mark.parametrize("dense", [0.3, 0.8, 1.6])
@pytest.mark.parametrize("name", ["rgb24", "yuv420p10le"])
def test_the_slider_is_linear(name, dense):
    depth = slanted_depth(near=dense / 2, far=dense)
    hazy = frames_of(0.4 * hazed(clear_pictures(1), depth), name)  # dark enough to be lifted

    def made(strength):
        return pictures_of(cleared(hazy, name, estimate=knowing(depth), strength=strength), name)

    before = pictures_of(hazy, name)
    full = made(1.0) - before
    for strength in (0.25, 0.5, 0.75):
        share = float(((made(strength) - before) * full).sum() / (full * full).sum())
        assert abs(share - strength) < 0.04  # colors that RGB cannot show are cut off


def test_haze_that_is_thick_nowhere_may_be_none_and_the_picture_is_changed_only_so_far():
    clear, depth = clear_pictures(1), np.full((64, 96), 0.22, np.float32)
    faded = hazed(clear, depth)
    frames, tally = frames_of(faded, "rgb24"), DehazeStats()
    held, sure = (
        pictures_of(cleared(frames, "rgb24", estimate=knowing(depth), is_hazy=is_hazy, tally=tally), "rgb24")
        for is_hazy in (False, True)
    )
    assert psnr(held, faded) > 29
    assert psnr(sure, faded) < 22
    assert psnr(sure, clear) > 25
    assert 0.5 < tally.mean_belief < 0.9  # the mean of both runs


def test_haze_that_is_thick_somewhere_is_believed():
    clear, depth = clear_pictures(1), slanted_depth()
    depth = np.where(np.arange(96) < 32, 2.0, depth * 0.5).astype(np.float32)
    frames = frames_of(hazed(clear, depth), "rgb24")
    tally = DehazeStats()
    result = pictures_of(cleared(frames, "rgb24", estimate=knowing(depth), tally=tally), "rgb24")
    assert psnr(result, hazed(clear, depth)) < 25
    assert tally.mean_belief == 1


def test_what_is_brighter_than_the_air_is_left_alone():
    clear = clear_pictures(1)
    clear[..., 20:40, 30:60] = 0.97
    frames = frames_of(clear, "yuv444p16le")
    (result,) = cleared(frames, "yuv444p16le", estimate=knowing(slanted_depth(), air=(0.7, 0.7, 0.7)))
    inside = np.s_[20:40, 30:60]
    old, new = (frame.planes[0][inside].astype(int) for frame in (frames[0], result))
    assert np.abs(new - old).max() <= 1


def test_nothing_comes_out_darker_than_black_or_out_of_range():
    frames = [noise_frame(layout("yuv420p"), height=64, width=96, index=0)]
    (result,) = cleared(frames, "yuv420p", estimate=knowing(slanted_depth(near=3, far=4)))
    old, new = frames[0].planes[0], result.planes[0]
    assert new[old >= 16].min() >= 16
    assert new[old <= 235].max() <= 235


def test_noise_limits_the_gain():
    clear = np.full((1, 3, 64, 96), 0.5, np.float32)
    noise = np.random.default_rng(0).normal(0, 0.03, clear.shape).astype(np.float32)
    dense = slanted_depth(near=3.5, far=3.5)
    frames = frames_of(np.clip(hazed(clear, dense) + noise, 0, 1), "rgb24")
    (result,) = cleared(frames, "rgb24", estimate=knowing(dense), strength=0.7)
    assert result.planes[0].astype(float).std() < 2.5 * frames[0].planes[0].astype(float).std()


def test_a_smooth_ramp_does_not_band():
    """Contrast nearly doubles: without dither only every other code would be seen."""
    ramp = np.linspace(0.85, 0.95, 96, dtype=np.float32)
    frames = frames_of(np.broadcast_to(ramp, (1, 3, 64, 96)).copy(), "yuv420p")
    dense = slanted_depth(near=1.0, far=1.0)
    (result,) = cleared(frames, "yuv420p", estimate=knowing(dense, air=(1.0, 1.0, 1.0)), strength=0.7)
    before, after = (np.unique(frame.planes[0]).size for frame in (frames[0], result))
    codes = result.planes[0].astype(int)
    assert after >= 0.9 * (codes.max() - codes.min())  # hardly one is missing
    assert after > 1.6 * before


def test_ten_bits_stay_ten_bits():
    clear, depth = clear_pictures(1), slanted_depth()
    (result,) = cleared(frames_of(hazed(clear, depth), "yuv420p10le"), "yuv420p10le", estimate=knowing(depth))
    assert result.planes[0].max() < 1024
    assert len(np.unique(result.planes[0] % 4)) == 4


def test_color_0_keeps_chroma_as_it_was_filmed():
    depth = slanted_depth()
    frames = frames_of(hazed(clear_pictures(1), depth), "yuv444p")
    for color, is_kept in ((0.0, True), (1.0, False)):
        (result,) = cleared(frames, "yuv444p", estimate=knowing(depth), color=color)
        difference = np.abs(result.planes[1].astype(int) - frames[0].planes[1]).max()
        assert (difference <= 1) == is_kept
        assert (result.planes[0] != frames[0].planes[0]).any()


def test_keep_depth_leaves_haze_in_the_distance():
    clear, depth = clear_pictures(1), slanted_depth(near=0.1, far=1.6)
    frames = frames_of(hazed(clear, depth), "rgb24")
    all_of_it, some = (
        np.abs(
            pictures_of(cleared(frames, "rgb24", estimate=knowing(depth), keep_depth=keep), "rgb24") - clear
        )
        for keep in (False, True)
    )
    assert some[..., :16, :].mean() > 3 * all_of_it[..., :16, :].mean()
    assert some[..., -8:, :].mean() < all_of_it[..., -8:, :].mean() + 0.02


def test_protect_sky_leaves_the_sky():
    clear = clear_pictures(1)
    clear[..., :24, :] = np.float32([0.6, 0.75, 0.95])[:, None, None]
    frames = frames_of(clear, "rgb24")
    results = {
        protect: cleared(frames, "rgb24", estimate=knowing(slanted_depth()), protect_sky=protect)[0]
        for protect in (False, True)
    }
    sky, ground = np.s_[:14], np.s_[40:]
    old = frames[0].planes[0].astype(int)
    changed = {protect: np.abs(each.planes[0].astype(int) - old) for protect, each in results.items()}
    assert changed[False][sky].mean() > 10
    assert changed[True][sky].mean() < 1
    assert changed[True][ground].mean() > 10


def test_a_foggy_sky_is_held_back():
    """Where all is the color of the air there is nothing to see but noise."""
    foggy = np.broadcast_to(np.float32(AIR)[:, None, None], (1, 3, 64, 96)).copy()
    foggy += np.random.default_rng(0).normal(0, 0.004, foggy.shape).astype(np.float32)
    frames = frames_of(np.clip(foggy, 0, 1), "rgb24")
    dense = slanted_depth(near=2.0, far=2.0)
    (result,) = cleared(frames, "rgb24", estimate=knowing(dense), strength=0.7)
    growth = result.planes[0].astype(float).std() / frames[0].planes[0].astype(float).std()
    assert growth < np.exp(0.5 * 0.7 * 2.0)


def test_the_air_that_is_asked_for_is_taken():
    seen = []
    frames = frames_of(clear_pictures(1), "rgb24")
    cleared(frames, "rgb24", air=(0.5, 0.25, 0.75), observe=seen.append)
    assert seen[0].air.tolist() == [0.5, 0.25, 0.75]
    assert seen[0].tint is None


def test_at_night_the_air_differs_from_place_to_place():
    clear = 0.2 * clear_pictures(1)
    clear[..., 20:30, 10:20] = np.float32([1.0, 0.8, 0.4])[:, None, None]
    seen = []
    cleared(frames_of(clear, "rgb24"), "rgb24", night=True, observe=seen.append)
    air = seen[0].air[:, None, None] + seen[0].tint[0]
    near, far = air[:, air.shape[1] // 2, air.shape[2] // 6], air[:, air.shape[1] // 2, -2]
    assert near[0] > far[0] + 0.1
    assert near[0] > near[2]  # it is a warm lamp


def test_a_shot_that_would_get_dark_is_lifted():
    clear, depth = 0.3 * clear_pictures(1), slanted_depth()
    frames = frames_of(hazed(clear, depth), "rgb24")
    (result,) = cleared(frames, "rgb24", estimate=knowing(depth))
    lifted = result.planes[0].mean() / 255 / clear.mean()
    assert 1.1 < lifted < 1.6


def test_a_picture_is_cleared_the_same_at_any_depth_of_bits():
    clear, depth = clear_pictures(1), slanted_depth()
    eight, sixteen = (
        pictures_of(cleared(frames_of(hazed(clear, depth), name), name, estimate=knowing(depth)), name)
        for name in ("yuv444p", "yuv444p16le")
    )
    assert np.abs(eight - sixteen).max() < 0.05


def test_the_matte_is_white_where_the_air_is_clear():
    seen = []
    depth = CLEAR_AIR.copy()
    depth[:32] = 2.0
    cleared(frames_of(clear_pictures(1), "rgb24"), "rgb24", estimate=knowing(depth), observe=seen.append)
    matte = matte_of(seen[0], height=65, width=99)
    assert (matte.shape, matte.dtype) == ((65, 99, 3), np.uint8)
    assert matte[-8:].min() == 255
    assert matte[:8].max() < 40  # exp(-2) is 35


def test_the_tally_counts_what_was_seen():
    tally, depth = DehazeStats(), slanted_depth(near=0.7, far=0.7)
    cleared(frames_of(clear_pictures(5), "rgb24"), "rgb24", estimate=knowing(depth), tally=tally)
    assert (tally.frames, tally.scenes) == (5, 1)
    assert tally.mean_transmission == pytest.approx(np.exp(-0.7), rel=1e-3)
    assert tally.airs == [pytest.approx(AIR)]


@pytest.mark.parametrize("size", [(1, 1), (2, 3), (17, 400), (400, 17)])
def test_odd_and_tiny_pictures_come_back_in_their_size(size):
    frames = [noise_frame(layout("yuv420p"), height=size[0], width=size[1], index=0)]
    (result,) = cleared(frames, "yuv420p")
    assert [plane.shape for plane in result.planes] == [plane.shape for plane in frames[0].planes]


def test_no_frames_give_no_frames():
    assert cleared([], "yuv420p") == []


def test_the_dark_channel_clears_haze_that_nobody_told():
    clear, depth = clear_pictures(2), slanted_depth()
    hazy = hazed(clear, depth)
    result = pictures_of(cleared(frames_of(hazy, "rgb24"), "rgb24"), "rgb24")
    assert psnr(result, clear) > psnr(hazy, clear) + 4


def test_the_streams_own_range_and_matrix_count():
    """The same codes under another tag are other colors."""
    depth = slanted_depth()
    frames = frames_of(hazed(clear_pictures(1), depth), "yuv420p")
    full = Color(matrix=1, full_range=True)
    one, other = (cleared(frames, "yuv420p", estimate=knowing(depth), tags=each) for each in (TAGGED, full))
    assert not same(one, other)


def test_a_tint_moves_the_color_of_the_air():
    depth = slanted_depth(near=1.0, far=1.0)
    tint = torch.zeros(1, 3, 2, 2)
    tint[:, 0, :, 0] = 0.1
    frames = frames_of(hazed(clear_pictures(1), depth), "rgb24")
    (result,) = cleared(frames, "rgb24", estimate=knowing(depth, tint=tint))
    (even,) = cleared(frames, "rgb24", estimate=knowing(depth))
    redder = (result.planes[0].astype(int) - even.planes[0])[:, ::3].mean(0)
    assert redder[:24].mean() < redder[-24:].mean() - 3  # there more red is taken for haze
