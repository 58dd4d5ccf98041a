"""What an overlay is comes out of what frames show and what was filled in, also where that is wrong."""

import numpy as np
import pytest

from vrestore.detect.overlay.fit import Blend, Samples, fit_blends, main_component
from vrestore.methods.inpaint.overlay.model import cell_mean

RNG = np.random.default_rng(4)
COUNT, HEIGHT, WIDTH = 32, 14, 22
CHROMA = (1, 1)

OPACITY = np.zeros((HEIGHT, WIDTH), np.float32)
OPACITY[2:12, 4:18] = 0.3
OPACITY[5:9, 8:14] = 0.6


def behind(level, spread, shift):
    size = (COUNT, HEIGHT >> shift[1], WIDTH >> shift[0])
    return np.clip(level + spread * RNG.standard_normal(size), 0, 255)


def samples_of(colors, wrong, unit=1):
    """Frames of a picture under an overlay of these colors, filled in with an error of `wrong` levels."""
    found = []
    for color, shift, level in zip(colors, [(0, 0), CHROMA, CHROMA], [110, 120, 130], strict=True):
        truth = behind(level, 35 if shift == (0, 0) else 8, shift)
        opacity = cell_mean(OPACITY, shift)
        shown = (1 - opacity) * truth + opacity * color
        filled = truth + wrong * RNG.standard_normal(truth.shape)
        codes = [np.rint(np.clip(each, 0, 255) * unit).astype(np.uint16) for each in (shown, filled)]
        found.append(Samples(*codes, float(unit), shift))
    return found


@pytest.mark.parametrize("unit", [1, 4], ids=["8 bits", "10 bits"])
def test_opacity_and_color_are_found(unit):
    blends = fit_blends(samples_of([235, 128, 128], wrong=6, unit=unit), main=0)
    assert np.abs(1 - blends[0].keep - OPACITY).max() < 0.06
    inside = OPACITY > 0
    assert (blends[0].light / OPACITY.clip(0.1))[inside] == pytest.approx(235, abs=25)
    assert np.abs(1 - blends[1].keep - cell_mean(OPACITY, CHROMA)).max() < 0.06


def test_where_nothing_lies_over_the_picture_it_is_kept():
    blends = fit_blends(samples_of([235, 128, 128], wrong=6), main=0)
    assert (blends[0].keep[OPACITY == 0] == 1).mean() > 0.9
    assert (blends[0].light[blends[0].keep == 1] == 0).all()


def test_an_overlay_of_two_colors_is_found_pixel_by_pixel():
    colors = np.where(OPACITY > 0.5, 250.0, 20.0)
    samples = samples_of([colors, 128, 128], wrong=2)
    keep = fit_blends(samples, main=0)[0].keep
    assert np.abs(1 - keep - OPACITY).mean() < 0.05


def test_a_model_that_is_given_stays_where_no_other_explains_more():
    samples = samples_of([235, 128, 128], wrong=6)
    right = [
        Blend(1 - cell_mean(OPACITY, each.shift), cell_mean(OPACITY, each.shift) * np.float32(color))
        for each, color in zip(samples, [235, 128, 128], strict=True)
    ]
    wrong = [Blend(np.sqrt(each.keep), each.light) for each in right]
    assert fit_blends(samples, main=0, given=right)[0] is right[0]
    assert fit_blends(samples, main=0, given=wrong)[0] is not wrong[0]


def test_the_component_that_shows_it_best_is_at_full_resolution():
    luma, *chroma = samples_of([112, 250, 250], wrong=0)
    assert main_component([luma, *chroma]) == 0


def test_cells_of_odd_sizes_count_the_pixels_that_there_are():
    full = np.arange(15, dtype=np.float32).reshape(3, 5)
    assert cell_mean(full, (1, 1)) == pytest.approx(np.array([[3, 5, 6.5], [10.5, 12.5, 14]]))
