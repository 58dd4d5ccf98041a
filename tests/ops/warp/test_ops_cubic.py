"""Reading once: what is between pixels, sharply, within what is around, of what is known."""

import numpy as np
import pytest
import torch
from close import assert_close
from pretend import DEVICE, pretended

from vrestore.ops.resample.quantize import as_codes
from vrestore.ops.warp.cubic import OVERSHOOT, Readable
from vrestore.ops.warp.cubic import read_cubic as read_from
from vrestore.ops.warp.warp import sample

HEIGHT, WIDTH = 12, 15


def read_cubic(picture, places, known=None):
    return read_from([Readable(picture, known)], places, [len(places)])


def codes(values):
    return as_codes(np.rint(values).astype(np.uint16))


def ramp(of=lambda x, y: 3000 * x + 500 * y):
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float64)
    return codes(np.stack([of(x, y), of(x, y) + 7, 65535 - of(x, y)]))


def points(*pairs):
    return torch.tensor(pairs, dtype=torch.float32)


def test_pixels_are_read_as_they_are():
    picture = codes(np.random.default_rng(0).integers(0, 65536, (3, HEIGHT, WIDTH)))
    read, is_read = read_cubic(picture, points((3, 4), (0, 0), (WIDTH - 1, HEIGHT - 1)))
    truth = picture.numpy().view(np.uint16)[:, [4, 0, HEIGHT - 1], [3, 0, WIDTH - 1]].astype(np.float32)
    assert_close(read, torch.from_numpy(truth))
    assert is_read.all()


def test_a_slope_is_read_between_pixels():
    read, _ = read_cubic(ramp(), points((5.5, 6.5), (2, 3.5)))
    assert_close(read[0], torch.tensor([3000 * 5.5 + 500 * 6.5, 3000 * 2 + 500 * 3.5]))


def test_a_wave_of_four_pixels_keeps_more_than_bilinear_reading_leaves():
    wave = ramp(lambda x, y: 30000 + 10000 * np.sin(x * np.pi / 2) + 0 * y)
    places = points(*[(x + 0.5, 5) for x in range(2, 12)])
    read, _ = read_cubic(wave, places)
    straight = sample(torch.from_numpy(wave.numpy().view(np.uint16).astype(np.float32)), places)
    assert float(read[0].std()) > 1.15 * float(straight[0].std())


@pytest.mark.parametrize("is_masked", [False, True], ids=["all known", "masked"])
def test_a_device_reads_as_the_cpu_does(is_masked):
    rng = np.random.default_rng(1)
    picture = codes(rng.integers(20000, 45000, (3, HEIGHT, WIDTH)))
    known = torch.from_numpy(rng.random((HEIGHT, WIDTH)) > 0.2) if is_masked else None
    if known is not None:
        picture[:, ~known] = 0
    # Places that both know exactly: OpenCV has a 32nd of a pixel.
    places = torch.from_numpy(rng.integers(0, 32 * (HEIGHT - 1), (1500, 2)).astype(np.float32)) / 32
    with pretended():
        there = None if known is None else known.to(DEVICE)
        read, is_read = (each.cpu() for each in read_cubic(picture.to(DEVICE), places.to(DEVICE), there))
    ours, is_ours = read_cubic(picture, places, known)
    # Where the share of what is known is at its bound rounding decides.
    assert float((is_read != is_ours).float().mean()) < 0.01
    both = is_read & is_ours
    assert int(both.sum()) > 300
    assert float((read - ours)[:, both].abs().max()) < (800 if is_masked else 2)


def test_fine_detail_outlives_reading_and_an_edge_does_not_ring():
    edge = ramp(lambda x, y: np.where(x > 6, 50000, 10000) + 0 * y)
    places = torch.stack([torch.arange(3, 11, 0.1), torch.full((80,), 5.0)], 1)
    read, _ = read_cubic(edge, places)
    margin = OVERSHOOT * 40000
    assert 10000 - margin <= float(read[0].min()) <= float(read[0].max()) <= 50000 + margin
    flat, _ = read_cubic(edge, points((3.5, 5), (9.5, 5)))
    assert_close(flat[0], torch.tensor([10000.0, 50000.0]))


def test_what_is_not_known_has_no_say_and_too_little_is_not_read():
    picture, known = ramp(lambda x, y: 1000 + 0 * x), torch.ones(HEIGHT, WIDTH, dtype=torch.bool)
    known[:, 8:] = False
    picture[:, :, 8:] = 0
    read, is_read = read_cubic(picture, points((6.8, 5), (9.5, 5)), known)
    assert float(read[0, 0]) == pytest.approx(1000, rel=0.01)
    assert is_read.tolist() == [True, False]


def test_beyond_the_picture_nothing_is_read():
    _, is_read = read_cubic(ramp(), points((-0.1, 3), (3, -0.1), (WIDTH - 0.9, 3), (3, HEIGHT - 0.9)))
    assert not is_read.any()


def test_of_several_pictures_each_is_read_at_its_own_points():
    first, second = ramp(), ramp(lambda x, y: 100 * y + 7 * x)[:, :9]
    one, two = points((3, 4), (5, 6)), points((2, 8))
    read, is_read = read_from([Readable(first), Readable(second)], torch.cat([one, two]), [2, 1])
    assert_close(read[:, :2], read_cubic(first, one)[0])
    assert_close(read[:, 2:], read_cubic(second, two)[0])
    assert is_read.all()


def test_more_points_than_opencv_has_in_a_row_are_read():
    places = points((3, 4)).repeat(70_000, 1)
    read, is_read = read_cubic(ramp(), places)
    assert read.shape == (3, 70_000)
    assert is_read.all()
    assert (read == read[:, :1]).all()
