from fractions import Fraction

import av
import cv2
import numpy as np
import pytest

from tests.clips import write_pictures
from vrestore.errors import MaskError, TargetError, UsageError
from vrestore.masks.editing.edit import edit_masks
from vrestore.masks.editing.options import EditOptions
from vrestore.masks.files import open_mask_file

HEIGHT, WIDTH, FRAMES = 22, 34, 5


def masks(*, column, frames=FRAMES):
    """Return codes of a square that moves to the right."""
    codes = np.zeros((frames, HEIGHT, WIDTH), np.uint8)
    for index in range(frames):
        codes[index, 6:14, column + index : column + index + 8] = 255
    return codes


@pytest.fixture
def folder(tmp_path):
    write_pictures(tmp_path / "a.mkv", masks(column=3), rate=10)
    write_pictures(tmp_path / "b.mkv", masks(column=7))
    write_pictures(tmp_path / "short.mkv", masks(column=7, frames=3))
    cv2.imwrite(str(tmp_path / "still.png"), masks(column=5)[0])
    cv2.imwrite(str(tmp_path / "large.png"), np.repeat(np.repeat(masks(column=5)[0], 2, 0), 2, 1))
    return tmp_path


def read(path):
    images = list(open_mask_file(path).images())
    return np.stack([np.zeros((HEIGHT, WIDTH), bool) if each.mask is None else each.mask for each in images])


def edited(folder, *names, target="out.mkv", **options):
    edit_masks([folder / name for name in names], folder / target, EditOptions(**options))
    return read(folder / target)


A, B = masks(column=3) > 0, masks(column=7) > 0
STILL = masks(column=5)[:1] > 0


@pytest.mark.parametrize(
    ("combine", "expected"),
    [("union", A | B | STILL), ("intersection", A & B & STILL), ("difference", A & ~B & ~STILL)],
    ids=["union", "intersection", "difference"],
)
def test_masks_are_combined_frame_by_frame_and_a_picture_is_of_all(folder, combine, expected):
    assert (edited(folder, "a.mkv", "b.mkv", "still.png", combine=combine) == expected).all()


def test_the_order_of_a_difference_is_that_of_the_words(folder):
    assert (edited(folder, "still.png", "a.mkv", combine="difference") == STILL & ~A).all()


def test_a_result_has_the_times_of_the_first_video(folder):
    edited(folder, "still.png", "a.mkv", "b.mkv", smooth=3, shift=1)
    with av.open(str(folder / "out.mkv")) as container:
        times = [frame.pts * frame.time_base for frame in container.decode(video=0)]
    assert times == [Fraction(index, 10) for index in range(FRAMES)]


def test_a_picture_holds_what_any_frame_marks(folder):
    assert (edited(folder, "a.mkv", target="out.png") == A.any(0)).all()


def test_another_size_is_asked_for(folder):
    doubled = edited(folder, "large.png", "still.png", target="out.png", resize=f"{WIDTH}x{HEIGHT}")
    assert (doubled == STILL).all()


def test_what_is_done_is_told(folder):
    done = edit_masks([folder / "a.mkv"], folder / "out.mkv", EditOptions(shift=2))
    assert (done.frames, done.marked_frames) == (FRAMES, FRAMES - 2)
    assert done.covered == pytest.approx(3 * 64 / (FRAMES * HEIGHT * WIDTH))


@pytest.mark.parametrize(
    ("names", "target", "options", "error", "message"),
    [
        (["a.mkv", "short.mkv"], "out.mkv", {}, MaskError, "'short.mkv' has 3 frames, 'a.mkv' has more"),
        (
            ["a.mkv", "large.png"],
            "out.mkv",
            {},
            MaskError,
            "is 68x44, the first is 34x22; pass --resize 34x22",
        ),
        (["still.png"], "out.mkv", {}, UsageError, "give it a name such as mask.png"),
        (["a.mkv"], "out.mp4", {}, UsageError, "is written as one of"),
        (["a.mkv"], "a.mkv", {}, TargetError, "is the source"),
        (["none.png"], "out.png", {}, MaskError, "does not exist"),
        (["a.mkv"], "out.mkv", {"shrink": 9}, MaskError, "nothing is marked in the end"),
    ],
    ids=["length", "size", "stills", "kind", "itself", "missing", "empty"],
)
def test_what_cannot_be_is_one_line_and_leaves_nothing(folder, names, target, options, error, message):
    before = sorted(folder.iterdir())
    with pytest.raises(error, match=message):
        edit_masks([folder / name for name in names], folder / target, EditOptions(**options))
    assert sorted(folder.iterdir()) == before


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"smooth": 4}, "smooth is an odd number of frames"),
        ({"grow": -1}, "grow is 0 or more"),
        ({"resize": "wide"}, "resize is a size such as 1280x720"),
        ({"combine": "xor"}, "combine is one of union, intersection, difference"),
    ],
)
def test_words_that_mean_nothing_are_refused(options, message):
    with pytest.raises(UsageError, match=message):
        EditOptions(**options)
