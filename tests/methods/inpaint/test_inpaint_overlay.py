"""Inverted and filled in are mixed by what is surer; a measured overlay comes back from its file."""

import numpy as np
import pytest

from vrestore.errors import MaskError
from vrestore.frames import Box, Hole
from vrestore.methods.inpaint.overlay.model import Layer, Overlay
from vrestore.methods.inpaint.overlay.restore import gain_of, inside, mixed, restored_share, steadied

RNG = np.random.default_rng(2)
SIZE = (24, 30)
TRUTH = RNG.uniform(40, 200, SIZE).astype(np.float32)
KEEP = np.ones(SIZE, np.float32)
KEEP[6:18, 6:24] = 0.6
LIGHT = (1 - KEEP) * np.float32(235)
SHOWN = KEEP * TRUTH + LIGHT
ALL = np.ones(SIZE, bool)


def layer(noise=4.0, keep=KEEP, measured=ALL):
    return Layer(keep, (1 - keep) * np.float32(235), measured, noise, noise)


def result(behind, of=None, gain=1.0):
    over = of or layer()
    share = restored_share(over, SHOWN, behind, ALL, gain=gain, window=5)
    return mixed(over, SHOWN, behind, share, gain=gain), share


def test_where_filling_is_wrong_the_picture_is_restored():
    restored, share = result(TRUTH + np.float32(60))
    assert np.abs(restored - TRUTH).max() < 2
    assert share.min() > 0.95


def test_where_filling_is_nearer_than_the_noise_it_stays():
    filled = TRUTH + RNG.uniform(-1, 1, SIZE).astype(np.float32)
    restored, share = result(filled, layer(noise=9.0))
    assert (share[KEEP < 1] == 0).all()
    assert (restored[KEEP < 1] == filled[KEEP < 1]).all()


def test_where_nothing_lies_over_it_the_picture_stays_itself():
    restored, _ = result(TRUTH + np.float32(60))
    assert (restored == SHOWN)[KEEP == 1].all()


def test_what_is_nearly_opaque_or_was_not_measured_is_filled():
    filled = TRUTH + np.float32(60)
    opaque = np.where(KEEP < 1, np.float32(0.1), np.float32(1))
    unknown = ALL.copy()
    unknown[6:18, 6:12] = False
    assert (result(filled, layer(keep=opaque))[0] == filled)[KEEP < 1].all()
    assert (result(filled, layer(measured=unknown))[0] == filled)[~unknown].all()


@pytest.mark.parametrize("gain", [0.0, 0.5, 1.0])
def test_a_frame_tells_how_much_of_an_overlay_it_shows(gain):
    shown = TRUTH + np.float32(gain) * (SHOWN - TRUTH)
    smoothly_wrong = TRUTH + np.linspace(-15, 15, SIZE[1], dtype=np.float32)
    assert gain_of(layer(), shown, smoothly_wrong, ALL) == pytest.approx(gain, abs=0.02)


def test_a_gain_that_only_strays_is_none_or_all():
    assert [steadied(gain, 0.2) for gain in (-0.1, 0.15, 0.5, 0.85, 1.3)] == [0, 0, 0.5, 1, 1]


def test_a_sample_of_chroma_is_inside_where_any_of_its_pixels_is():
    hole = Hole(Box(9, 9, 1, 1), np.full((1, 1), 255, np.uint8), (Box(9, 9, 1, 1),))
    assert np.argwhere(inside(hole, Box(8, 8, 8, 8), (1, 1))).tolist() == [[0, 0]]
    assert np.argwhere(inside(hole, Box(8, 8, 8, 8), (0, 0))).tolist() == [[1, 1]]


def test_an_overlay_is_the_same_from_its_file_and_the_file_has_the_same_bytes(tmp_path):
    overlay = Overlay(Box(8, 16, 30, 24), (layer(), layer(noise=2.5)), 1, 0.2)
    for name in ("one.npz", "other.npz"):
        overlay.save(tmp_path / name)
    assert (tmp_path / "one.npz").read_bytes() == (tmp_path / "other.npz").read_bytes()
    again = Overlay.load(tmp_path / "one.npz")
    assert (again.box, again.main, again.steady) == (overlay.box, 1, 0.2)
    assert [each.noise for each in again.layers] == [4.0, 2.5]
    assert (again.layers[1].keep == KEEP).all()
    assert again.layers[1].measured.all()


@pytest.mark.parametrize(
    "content", [None, b"", b"no overlay", b"PK\x03\x04cut"], ids=["missing", "empty", "junk", "cut"]
)
def test_a_file_that_holds_none_is_refused(tmp_path, content):
    path = tmp_path / "overlay.npz"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(MaskError, match="cannot read overlay"):
        Overlay.load(path)
