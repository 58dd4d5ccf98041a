"""The reveal map: a color for each way a pixel was filled, darker the further away it was read."""

import numpy as np
import pytest

from vrestore.media.preview.provenance_map import (
    BLENDED,
    COPIED,
    FUTURE,
    OLDEST_FRAMES,
    OLDEST_SHARE,
    PAINTED,
    PAST,
    TEXTURE,
    _colors,
)


def shown(age=None):
    fetched = np.array([True, True, False, True])
    blended = np.array([False, True, False, False])
    return _colors(fetched, blended, None if age is None else np.array(age, np.int32)).T * 255


def test_without_ages_it_says_copied_blended_and_painted():
    assert shown() == pytest.approx(np.array([COPIED, BLENDED, PAINTED, COPIED]), abs=0.01)


def test_what_was_read_once_has_the_color_of_its_side_and_the_rest_stays():
    assert shown([-1, 1, 0, 0]) == pytest.approx(
        np.array([PAST, FUTURE, PAINTED, COPIED]), rel=0.03, abs=0.01
    )


def test_the_further_away_the_darker_down_to_a_bound():
    near, far, further = (shown([-age, 0, 0, 0])[0] for age in (1, OLDEST_FRAMES, 5 * OLDEST_FRAMES))
    assert (near > far).all()
    assert far == pytest.approx(np.array(PAST) * OLDEST_SHARE)
    assert (far == further).all()


def test_texture_has_a_color_of_its_own():
    fetched, blended = np.array([False, False, True]), np.array([False] * 3)
    colors = _colors(fetched, blended, texture=np.array([True, False, False])).T * 255
    assert colors == pytest.approx(np.array([TEXTURE, PAINTED, COPIED]), abs=0.01)
