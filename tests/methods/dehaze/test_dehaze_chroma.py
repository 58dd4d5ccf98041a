"""Colors where contrast grows much: things keep theirs, what a codec left is not strengthened."""

import numpy as np
import pytest
from hazy import clear_pictures, cleared, frames_of, hazed, knowing, slanted_depth

DENSE = slanted_depth(near=1.2, far=1.2)


def gray_picture(**size):
    return clear_pictures(1, **size)[:, :1].repeat(3, 1)


def blocks(height, width, *, side, size):
    """Squares of chance values, as a codec leaves them in chroma."""
    random = np.random.default_rng(3)
    cells = random.normal(0, size, (height // side + 1, width // side + 1))
    return np.kron(cells, np.ones((side, side)))[:height, :width]


@pytest.mark.parametrize("name", ["yuv420p", "yuv444p", "nv12"])
def test_squares_of_chroma_are_not_strengthened_with_the_contrast(name):
    dense, air = slanted_depth(480, 640, near=1.9, far=1.9), (0.85, 0.85, 0.85)
    frames = frames_of(hazed(gray_picture(height=480, width=640), dense, air=air), name)
    chroma = frames[0].planes[1].copy()
    chroma[...] = np.clip(128 + blocks(*chroma.shape, side=8, size=1.5), 0, 255).round()
    frame = frames[0].with_planes({1: chroma})
    (result,) = cleared([frame], name, estimate=knowing(dense, air=air))
    growth = result.planes[1].astype(float).std() / chroma.astype(float).std()
    luma = result.planes[0].astype(float).std() / frame.planes[0].astype(float).std()
    assert luma > 3
    assert growth < 0.6 * luma


@pytest.mark.parametrize("name", ["rgb24", "yuv444p", "yuv420p"])
def test_the_color_of_things_comes_back_as_their_contrast_does(name):
    clear = gray_picture() * 0.6
    # A thing with texture: where there is none, nothing that is seen is the thing's.
    clear[..., 16:48, 32:64] *= np.float32([1.6, 0.4, 0.3])[:, None, None]
    frames = frames_of(hazed(clear, DENSE), name)
    wanted = frames_of(clear, name)[0]
    (result,) = cleared(frames, name, estimate=knowing(DENSE))
    number, step = (0, 3) if name == "rgb24" else (2, 1)
    cut = {"rgb24": np.s_[24:40, 40 * 3 : 56 * 3 : step], "yuv444p": np.s_[24:40, 40:56]}
    inside = cut.get(name, np.s_[12:20, 20:28])
    seen, truth, before = (
        each.planes[number][inside].astype(float).mean() for each in (result, wanted, frames[0])
    )
    if name == "rgb24":
        others = [
            each.planes[0][24:40, 40 * 3 + 1 : 56 * 3 : 3].mean() for each in (result, wanted, frames[0])
        ]
        seen, truth, before = seen - others[0], truth - others[1], before - others[2]
    else:
        seen, truth, before = seen - 128, truth - 128, before - 128
    assert before < 0.4 * truth
    assert seen > 0.6 * truth
