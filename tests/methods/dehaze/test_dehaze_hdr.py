"""HDR is cleared in its own values, by what it looks like on a display."""

import av
import numpy as np
import pytest
import torch
from clips import write_clip
from hazy import clear_pictures, cleared, frames_of, hazed, knowing, pictures_of, psnr, slanted_depth

import vrestore
from vrestore.frames import Color
from vrestore.methods.dehaze.hdr_curve import left_in_signal, lift_in_signal, shown, signal_of

TAGS = {name: Color(matrix=9, primaries=9, transfer=number, full_range=False) for name, number in
        (("pq", 16), ("hlg", 18))}  # fmt: skip


def as_shown(pictures, name):
    """Return pictures as they are looked at; HLG is as it is."""
    return shown(torch.from_numpy(pictures)).numpy() if name == "pq" else pictures


def in_signal(pictures, name):
    return signal_of(torch.from_numpy(pictures)).numpy() if name == "pq" else pictures


@pytest.mark.parametrize(
    ("nits", "pq", "hlg"),
    [
        (1000.0, 0.7518, 1.0),
        (203.0, 0.5807, 0.75),  # diffuse white of ITU-R BT.2408
        (26.0, 0.38, 0.38),  # its gray card
        (0.0, 0.0, 0.0),
    ],
)
def test_the_bridge_is_that_of_the_recommendation(nits, pq, hlg):
    assert float(shown(torch.tensor([pq]))) == pytest.approx(hlg, abs=0.01)
    assert float(signal_of(torch.tensor([hlg]))) == pytest.approx(pq, abs=0.01)


def test_what_is_shown_leads_back_to_the_signal():
    signal = torch.linspace(0, 0.7518, 200)
    assert torch.allclose(signal_of(shown(signal)), signal, atol=1e-4)
    assert float(shown(torch.tensor([0.9]))) == 1.0


@pytest.mark.parametrize("name", TAGS)
@pytest.mark.parametrize("form", ["yuv444p10le", "gbrp12le"])
def test_haze_that_is_known_goes(name, form):
    clear, depth = clear_pictures(2), slanted_depth()
    hazy = hazed(clear, depth)
    frames = frames_of(in_signal(hazy, name), form, tags=TAGS[name])
    results = cleared(frames, form, tags=TAGS[name], estimate=knowing(depth))
    result = as_shown(pictures_of(results, form, tags=TAGS[name]), name)
    assert psnr(hazy, clear) < 13
    assert psnr(result, clear) > 23


@pytest.mark.parametrize("name", TAGS)
def test_clear_air_changes_nothing(name):
    frames = frames_of(in_signal(clear_pictures(1), name), "yuv420p10le", tags=TAGS[name])
    clear_air = np.zeros((64, 96), np.float32)
    for frame, result in zip(
        frames, cleared(frames, "yuv420p10le", tags=TAGS[name], estimate=knowing(clear_air)), strict=True
    ):
        assert all((a == b).all() for a, b in zip(frame.planes, result.planes, strict=True))


def test_what_is_brighter_than_a_display_stays():
    clear, depth = clear_pictures(1), slanted_depth()
    signal = in_signal(hazed(clear, depth), "pq")
    signal[:, :, 20:30, 40:50] = 0.95  # some 6000 cd/m2
    (frame,) = frames_of(signal, "gbrp12le", tags=TAGS["pq"])
    (result,) = cleared([frame], "gbrp12le", tags=TAGS["pq"], estimate=knowing(depth))
    for before, after in zip(frame.planes, result.planes, strict=True):
        assert np.abs(after[22:28, 42:48].astype(int) - before[22:28, 42:48]).max() <= 1


def test_transmission_in_the_signal_does_what_it_does_to_what_is_shown():
    left = torch.full((1, 1, 1, 50), 0.5)
    air = torch.full((1, 3, 1, 1), 0.8)
    picture = torch.linspace(0.45, 0.79, 50)[None, None, None].expand(1, 3, 1, 50)
    clear = (picture - air) / left + air
    weights = torch.tensor([0.2627, 0.678, 0.0593])[None, :, None, None]
    found = left_in_signal(left, picture, air, clear, weights)
    signal, far = signal_of(picture[:, :1]), float(signal_of(torch.tensor([0.8])))
    assert torch.allclose((signal - far) / found + far, signal_of(clear[:, :1]), atol=0.006)


def test_a_lift_of_what_is_shown_is_a_smaller_one_of_the_signal():
    assert lift_in_signal(1.0, 0.3) == 1.0
    assert 1.1 < lift_in_signal(1.3, 0.3) < 1.25


@pytest.mark.parametrize("name", TAGS)
def test_a_file_keeps_its_transfer_and_depth(tmp_path, name):
    source = write_clip(tmp_path / "in.mkv", codec="ffv1", layout="yuv420p10le", color=TAGS[name], frames=3)
    vrestore.dehaze(source, target=tmp_path / "out.mkv", method="dcp", codec="ffv1")
    with av.open(str(tmp_path / "out.mkv")) as container:
        picture = next(container.decode(video=0))
        assert picture.color_trc == TAGS[name].transfer
        assert picture.format.name == "yuv420p10le"
