"""The figures of the quality benchmark against slow, obvious references."""

import cv2
import numpy as np
import pytest
from textured import panned, texture

from benchmarks.measures import (
    PERFECT,
    Motion,
    aligned_psnr,
    detail,
    is_consistent,
    motion_of,
    own_flicker,
    psnr,
    ssim,
    ssim_map,
    warping_error,
)

HEIGHT, WIDTH = 13, 17


@pytest.fixture
def random():
    return np.random.default_rng(3)


@pytest.fixture
def pair(random):
    """Two pictures that resemble each other."""
    truth = random.integers(0, 256, (HEIGHT, WIDTH, 3))
    result = np.clip(truth + random.integers(-40, 41, truth.shape), 0, 255)
    return result.astype(np.uint8), truth.astype(np.uint8)


@pytest.fixture
def hole(random):
    return random.random((HEIGHT, WIDTH)) < 0.3


def slow_psnr(result, truth, hole):
    squares = [
        (float(result[y, x, c]) - float(truth[y, x, c])) ** 2
        for y, x in zip(*np.nonzero(hole), strict=True)
        for c in range(3)
    ]
    return 10 * np.log10(255**2 / (sum(squares) / len(squares)))


def slow_ssim(result, truth):
    """Wang et al. (2004), eq. 13, window by window."""
    axis = np.arange(-5, 6)
    weights = np.exp(-(axis[:, None] ** 2 + axis[None] ** 2) / (2 * 1.5**2))
    weights /= weights.sum()
    similarity = np.zeros((HEIGHT, WIDTH, 3))
    x_all, y_all = (np.pad(p.astype(float), ((5, 5), (5, 5), (0, 0)), "reflect") for p in (result, truth))
    for row, column, c in np.ndindex(similarity.shape):
        x, y = (p[row : row + 11, column : column + 11, c] for p in (x_all, y_all))
        mean_x, mean_y = (weights * x).sum(), (weights * y).sum()
        var_x, var_y = (weights * (x - mean_x) ** 2).sum(), (weights * (y - mean_y) ** 2).sum()
        both = (weights * (x - mean_x) * (y - mean_y)).sum()
        c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
        top = (2 * mean_x * mean_y + c1) * (2 * both + c2)
        similarity[row, column, c] = top / ((mean_x**2 + mean_y**2 + c1) * (var_x + var_y + c2))
    return similarity.mean(axis=2)


def slow_read(picture, x, y):
    """Bilinear reading at a place inside the picture, channel by channel."""
    left, top = min(int(x), WIDTH - 2), min(int(y), HEIGHT - 2)
    a, b = x - left, y - top
    corners = picture[top : top + 2, left : left + 2].astype(float)
    return (1 - b) * ((1 - a) * corners[0, 0] + a * corners[0, 1]) + b * (
        (1 - a) * corners[1, 0] + a * corners[1, 1]
    )


def test_psnr_of_a_hole_is_that_of_its_pixels(pair, hole):
    assert psnr(*pair, hole) == pytest.approx(slow_psnr(*pair, hole), rel=1e-12)


def test_psnr_without_a_hole_is_that_of_the_whole_frame(pair):
    assert psnr(*pair) == pytest.approx(slow_psnr(*pair, np.ones((HEIGHT, WIDTH), bool)), rel=1e-12)


def test_equal_pictures_are_perfect(pair):
    assert psnr(pair[1], pair[1]) == PERFECT


def test_ssim_is_that_of_every_window(pair):
    np.testing.assert_allclose(ssim_map(*pair), slow_ssim(*pair), atol=1e-9)


def test_ssim_of_a_hole_is_the_mean_over_its_pixels(pair, hole):
    assert ssim(*pair, hole) == pytest.approx(slow_ssim(*pair)[hole].mean(), abs=1e-9)


def test_ssim_of_equal_pictures_is_one(pair, hole):
    assert ssim(pair[0], pair[0], hole) == pytest.approx(1)


def test_warping_error_compares_along_the_flow(random):
    result = random.integers(0, 256, (3, HEIGHT, WIDTH, 3)).astype(np.uint8)
    holes = np.zeros((3, HEIGHT, WIDTH), bool)
    holes[:, 3:9, 4:12] = True
    flows = [random.uniform(-2, 2, (2, HEIGHT, WIDTH)).astype(np.float32) for _ in range(2)]
    consistent = [random.random((HEIGHT, WIDTH)) < 0.7 for _ in range(2)]
    frames = []
    for t in (1, 2):
        differences = [
            np.abs(result[t, y, x] - slow_read(result[t - 1], *((x, y) + flows[t - 1][:, y, x])))
            for y, x in zip(*np.nonzero(holes[t] & consistent[t - 1]), strict=True)
        ]
        frames.append(np.mean(differences) / 255 * 1000)
    assert warping_error(result, holes, Motion(flows, consistent)) == pytest.approx(np.mean(frames), rel=1e-5)


def test_warping_error_of_a_hole_that_cannot_be_followed_is_not_known(random):
    result = random.integers(0, 256, (2, HEIGHT, WIDTH, 3)).astype(np.uint8)
    nowhere = Motion([np.zeros((2, HEIGHT, WIDTH), np.float32)], [np.zeros((HEIGHT, WIDTH), bool)])
    assert warping_error(result, np.ones((2, HEIGHT, WIDTH), bool), nowhere) is None


def test_flow_that_leads_back_is_consistent_where_it_stays_inside():
    flow = np.zeros((2, HEIGHT, WIDTH), np.float32)
    flow[0] = 3
    expected = np.zeros((HEIGHT, WIDTH), bool)
    expected[:, : WIDTH - 3] = True
    np.testing.assert_array_equal(is_consistent(flow, -flow), expected)


def test_flow_that_does_not_lead_back_is_not_consistent():
    flow = np.full((2, HEIGHT, WIDTH), 1, np.float32)
    assert not is_consistent(flow, flow).any()


def test_a_clip_that_moves_has_little_warping_error_of_its_own(random):
    world = np.kron(random.integers(0, 256, (12, 20)), np.ones((8, 8)))[..., None].repeat(3, axis=2)
    clip = np.stack([world[8:72, 4 * t : 4 * t + 96] for t in range(3)]).astype(np.uint8)
    holes = np.zeros(clip.shape[:3], bool)
    holes[:, 20:40, 30:60] = True
    moving, still = motion_of(clip), Motion([np.zeros((2, 64, 96), np.float32)] * 2, [holes[0]] * 2)
    assert warping_error(clip, holes, moving) < 0.2 * warping_error(clip, holes, still)


def moving_clip(count=5):
    views = panned(texture(90, 130), count=count, height=60, width=80, step=(1.0, 0.5))
    pictures = np.stack([np.rint(view.transpose(1, 2, 0) * 255) for view in views]).astype(np.uint8)
    holes = np.zeros(pictures.shape[:3], bool)
    holes[:, 15:45, 20:60] = True
    return pictures, holes


def blurred(pictures, sigma):
    return np.stack([cv2.GaussianBlur(picture, (0, 0), sigma) for picture in pictures])


def test_detail_falls_with_blur_and_is_1_for_the_truth():
    truth, holes = moving_clip()
    assert detail(truth, truth, holes) == 1
    found = [detail(blurred(truth, sigma), truth, holes) for sigma in (0.7, 1.2, 2.5)]
    assert 1 > found[0] > found[1] > found[2] > 0


def test_detail_is_that_of_the_inner_pixels():
    """An edge between the hole and what is around it is no detail."""
    truth, holes = moving_clip()
    flat = truth.copy()
    flat[holes] = 128
    assert detail(flat, truth, holes) < 0.05
    assert detail(truth, truth, np.zeros_like(holes)) is None


def test_alignment_forgives_a_small_smooth_shift_and_no_large_one():
    truth, holes = moving_clip()
    aligned, plain = [], []
    for pixels in (0, 2, 12):
        shifted = np.roll(truth, pixels, axis=2)
        aligned.append(aligned_psnr(shifted, truth, holes, holes))
        plain.append(np.mean([psnr(a, b, h) for a, b, h in zip(shifted, truth, holes, strict=True)]))
    assert aligned[0] > 45
    assert aligned[1] > plain[1] + 4
    assert aligned[2] < aligned[1] - 4
    assert aligned_psnr(truth, truth, holes, np.zeros_like(holes)) is None


def test_flicker_is_that_of_the_truth_for_the_truth_and_more_with_noise(random):
    truth, holes = moving_clip()
    assert own_flicker(truth, truth, holes) == pytest.approx(1)
    noisy = np.clip(truth + random.normal(0, 25, truth.shape), 0, 255).astype(np.uint8)
    assert own_flicker(noisy, truth, holes) > 1.5
    assert own_flicker(blurred(truth, 3), truth, holes) < 1
    assert own_flicker(truth, truth, np.zeros_like(holes)) is None
