"""Fetching colors for points: only what is known takes part."""

import numpy as np
import pytest
import torch
from close import assert_close

from vrestore.ops.warp.propagate import LEAST_CONFIDENCE
from vrestore.ops.warp.propagate import fetch as fetch_weighted

HEIGHT, WIDTH = 5, 7


def drawn(*shape, seed=0):
    return torch.from_numpy(np.random.default_rng(seed).random(shape).astype(np.float32))


def points(*pairs):
    return torch.tensor(pairs, dtype=torch.float32).reshape(-1, 2)


def fetch(picture, confidence, targets, trust, *, decay, sharpness=0.0):
    """Fetch from a picture and its confidence."""
    weighted = torch.cat([picture * confidence, confidence[None]])
    return fetch_weighted(weighted, targets, trust, decay=decay, sharpness=sharpness)


def fetched_slowly(picture, confidence, x, y):
    """The mean of the pixels around, weighted by nearness and confidence, and that confidence."""
    total, known = np.zeros(len(picture)), 0.0
    for row in range(HEIGHT):
        for column in range(WIDTH):
            near = max(0, 1 - abs(x - column)) * max(0, 1 - abs(y - row)) * confidence[row, column]
            total, known = total + near * picture[:, row, column], known + near
    return total / max(known, 1e-4), known


def test_colors_are_means_weighted_by_nearness_and_confidence():
    picture, confidence = drawn(3, HEIGHT, WIDTH), drawn(HEIGHT, WIDTH, seed=1)
    places = np.random.default_rng(2).uniform(0, [WIDTH - 1, HEIGHT - 1], (30, 2)).astype(np.float32)
    trust = 0.5 + 0.5 * drawn(30, seed=3)
    colors, carried = fetch(picture, confidence, torch.from_numpy(places), trust, decay=0.9)
    exact = [fetched_slowly(picture.double().numpy(), confidence.double().numpy(), x, y) for x, y in places]
    expected = np.array([known for _, known in exact]) * trust.double().numpy() * 0.9
    assert expected.min() > LEAST_CONFIDENCE
    assert_close(colors, np.stack([color for color, _ in exact], 1))
    assert_close(carried, expected)


def test_unknown_pixels_take_no_part():
    picture, confidence = torch.full((3, HEIGHT, WIDTH), 0.25), torch.ones(HEIGHT, WIDTH)
    picture[:, :, 3:], confidence[:, 3:] = 9.0, 0.0
    colors, carried = fetch(picture, confidence, points((2.5, 1.5), (2.75, 2)), torch.ones(2), decay=1.0)
    assert_close(colors, torch.full((3, 2), 0.25))
    assert_close(carried, torch.tensor([0.5, 0.25]))


def test_what_only_unknown_pixels_show_stays_unknown():
    colors, carried = fetch(
        drawn(3, HEIGHT, WIDTH), torch.zeros(HEIGHT, WIDTH), points((2, 2)), torch.ones(1), decay=1.0
    )
    assert (colors == 0).all()
    assert carried.tolist() == [0]


def test_nothing_is_fetched_from_outside():
    whole = torch.ones(HEIGHT, WIDTH)
    _, carried = fetch(drawn(3, HEIGHT, WIDTH), whole, points((-1, 2), (3, 5)), torch.ones(2), decay=1.0)
    assert carried.tolist() == [0, 0]


def test_a_rest_of_confidence_counts_as_none():
    whole, trust = torch.ones(HEIGHT, WIDTH), torch.tensor([0.9, 1.1]) * LEAST_CONFIDENCE
    _, carried = fetch(drawn(3, HEIGHT, WIDTH), whole, points((2, 2), (2, 2)), trust, decay=1.0)
    assert (carried > 0).tolist() == [False, True]


def test_confidence_falls_with_every_frame():
    whole = torch.ones(HEIGHT, WIDTH)
    _, carried = fetch(drawn(3, HEIGHT, WIDTH), whole, points((2, 2)), torch.tensor([0.8]), decay=0.5)
    assert_close(carried, torch.tensor([0.4]))


def test_no_points_fetch_nothing():
    colors, carried = fetch(
        drawn(3, HEIGHT, WIDTH), torch.ones(HEIGHT, WIDTH), points(), torch.ones(0), decay=1.0
    )
    assert (colors.shape, carried.shape) == ((3, 0), (0,))


@pytest.mark.parametrize("known", [0.0, 1.0], ids=["unknown", "known"])
def test_a_picture_of_one_pixel_is_fetched_if_known(known):
    picture = torch.full((3, 1, 1), 0.6)
    colors, carried = fetch(picture, torch.full((1, 1), known), points((0, 0)), torch.ones(1), decay=1.0)
    assert_close(colors, picture[:, :, 0] * known)
    assert carried.tolist() == [known]


def wave(height, width):
    """A picture whose finest detail is six pixels long, (3, height, width) in [0.2, 0.8]."""
    x = torch.arange(width) * (2 * np.pi / 6)
    return (0.5 + 0.3 * torch.sin(x)).expand(3, height, width)


@pytest.mark.parametrize("sharpness", [0.0, 0.6, 1.0])
def test_a_detail_that_travels_far_keeps_its_contrast_where_it_is_read_sharply(sharpness):
    """Over twelve steps of a third of a pixel; read by nothing but cubic convolution it grows."""
    picture, known = wave(16, 96), torch.ones(16, 96)
    targets = torch.stack(torch.meshgrid(torch.arange(96.0), torch.arange(16.0), indexing="xy"), -1).view(
        -1, 2
    )
    for _ in range(12):
        colors, _ = fetch(
            picture, known, targets + 1 / 3, torch.ones(len(targets)), decay=1.0, sharpness=sharpness
        )
        picture = colors.view(3, 16, 96)
    left = picture[:, 2:10, 20:60].std() / wave(16, 96)[:, :, 20:60].std()
    least, most = {0.0: (0.0, 0.3), 0.6: (0.6, 0.9), 1.0: (1.1, 1.4)}[sharpness]
    assert least < left < most


def test_what_is_unsure_is_read_softly():
    picture, known = wave(16, 24), torch.ones(16, 24)
    targets, trust = points(*((x + 0.4, 7.3) for x in range(4, 20))), torch.tensor([0.5, 0.2] * 8)
    soft, sharp = (
        fetch(picture, known, targets, trust, decay=1.0, sharpness=sharpness)[0] for sharpness in (0.0, 1.0)
    )
    assert torch.equal(soft, sharp)


def test_sharp_colors_stay_in_their_range():
    picture = (drawn(3, HEIGHT, WIDTH, seed=4) > 0.5).float()
    places = torch.from_numpy(np.random.default_rng(5).uniform(0, [WIDTH - 1, HEIGHT - 1], (90, 2))).float()
    colors, _ = fetch(picture, torch.ones(HEIGHT, WIDTH), places, torch.ones(90), decay=1.0, sharpness=1.0)
    assert colors.min() >= 0
    assert colors.max() <= 1
