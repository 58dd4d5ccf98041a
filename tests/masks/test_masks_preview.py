from dataclasses import replace

import av
import cv2
import numpy as np
import pytest

from tests.clips import write_pictures
from vrestore.errors import MaskError, TargetError, UsageError
from vrestore.frames import Box, Hole
from vrestore.masks.masks import MaskOptions
from vrestore.masks.preview import overlay, preview

HEIGHT, WIDTH = 45, 67
BOX = Box(12, 9, 20, 14)
GREEN = (0.2, 0.6, 0.4)


def hole(alpha=None):
    alpha = np.full((BOX.height, BOX.width), 255, np.uint8) if alpha is None else alpha
    return Hole(BOX, alpha, (BOX,))


@pytest.fixture
def rgb():
    return np.broadcast_to(np.array(GREEN, np.float32)[:, None, None], (3, HEIGHT, WIDTH)).copy()


def is_redder(drawn, rgb):
    return drawn[0] - drawn[1] > rgb[0] - rgb[1] + 0.1


def test_a_hole_is_red_and_all_else_stays(rgb):
    before = rgb.copy()
    drawn = overlay(rgb, hole())
    outside = np.ones((HEIGHT, WIDTH), bool)
    outside[BOX.rows, BOX.columns] = False
    assert (drawn[:, outside] == rgb[:, outside]).all()
    assert is_redder(drawn, rgb)[10:22, 13:31].all()
    assert (rgb == before).all()


def test_a_feather_shows_less_of_the_tint(rgb):
    alpha = np.repeat(np.linspace(255, 10, BOX.width).astype(np.uint8)[None], BOX.height, axis=0)
    row = overlay(rgb, hole(alpha))[0, 15, BOX.x + 1 : BOX.x + BOX.width - 1 : 8]  # one phase of the hatch
    assert (np.diff(row) < -0.02).all()


def test_a_hole_is_hatched_and_outlined(rgb):
    drawn = overlay(rgb, hole())
    inside = drawn[:, 11:21, 14:30]
    assert len(np.unique(inside[0].round(4))) == 2
    rim = drawn[:, BOX.y, BOX.columns]
    assert (rim.round(4) == rim[:, :1].round(4)).all()
    assert abs(rim[:, 0] - inside[:, 0, 0]).max() > 0.2


def test_no_hole_is_no_change(rgb):
    assert (overlay(rgb, None) == rgb).all()


def source(folder, *, height=HEIGHT, width=WIDTH):
    gray = [np.full((height, width, 3), 100 + 10 * index, np.uint8) for index in range(4)]
    return write_pictures(folder / "in.mkv", gray, layout="yuv444p")


def moving(folder):
    masks = np.zeros((4, HEIGHT, WIDTH), np.uint8)
    for index, size in enumerate((3, 5, 15, 4)):
        masks[index, 20 : 20 + size, 30 : 30 + size] = 255
    return MaskOptions(paths=(write_pictures(folder / "m.mkv", masks),), grow=0, feather=0)


def is_tinted(path):
    picture = cv2.imread(str(path)).astype(int)
    return picture[:, :, 2] - picture[:, :, 1] > 10


@pytest.mark.parametrize(("at", "frame", "size"), [(None, 2, 15), (1, 1, 5), ("80ms", 2, 15), ("3", 3, 4)])
def test_a_picture_shows_the_frame_asked_for_or_the_largest_hole(tmp_path, at, frame, size):
    target = tmp_path / "out.png"
    drawn = preview(source(tmp_path), target, masks=moving(tmp_path), at=at)
    expected = np.zeros((HEIGHT, WIDTH), bool)
    expected[21 : 20 + size - 1, 31 : 30 + size - 1] = True  # within the outline
    inner = np.zeros_like(expected)
    inner[20 : 20 + size, 30 : 30 + size] = True
    assert drawn.frame == frame
    assert drawn.covered == size * size / (HEIGHT * WIDTH)
    assert (is_tinted(target) | inner == inner).all()
    assert (is_tinted(target) & expected == expected).all()


def test_a_clip_shows_every_frame_at_its_time(tmp_path):
    target = tmp_path / "out.mp4"
    drawn = preview(source(tmp_path), target, masks=moving(tmp_path))
    with av.open(str(target)) as container:
        frames = list(container.decode(video=0))
        times = [float(frame.pts * frame.time_base) for frame in frames]
    assert drawn.frame is None
    assert times == pytest.approx([0, 0.04, 0.08, 0.12], abs=1e-3)
    assert (frames[0].height, frames[0].width) == (HEIGHT + 1, WIDTH + 1)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.mkv", "m.mkv", "out.mp4"]


def test_a_turned_video_is_shown_upright(tmp_path):
    path = tmp_path / "turned.mov"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("png", rate=25)
        stream.height, stream.width, stream.pix_fmt = HEIGHT, WIDTH, "rgb24"
        stream.set_display_rotation(90)
        picture = np.full((HEIGHT, WIDTH, 3), 90, np.uint8)
        container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode())
    preview(path, tmp_path / "out.png", masks=MaskOptions(boxes=("5,40,20,10",), grow=0, feather=0))
    tinted = is_tinted(tmp_path / "out.png")
    assert tinted.shape == (WIDTH, HEIGHT)
    assert np.argwhere(tinted).min(axis=0).tolist() == [41, 6]  # within the outline


@pytest.mark.parametrize(
    ("target", "at", "error", "message"),
    [
        ("out.mp4", 1, UsageError, "--at is for a picture"),
        ("out.txt", None, TargetError, "is no video; known are"),
        ("in.mkv", None, TargetError, "is the source"),
        ("m.mkv", None, TargetError, "exists; pass -y"),
        ("no/out.png", None, TargetError, "cannot be written"),
    ],
)
def test_a_target_that_cannot_be_is_refused(tmp_path, target, at, error, message):
    with pytest.raises(error, match=message):
        preview(source(tmp_path), tmp_path / target, masks=moving(tmp_path), at=at)


def test_a_failure_leaves_no_file(tmp_path):
    options = replace(moving(tmp_path), offset=9)
    with pytest.raises(MaskError):
        preview(source(tmp_path), tmp_path / "out.mp4", masks=options)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.mkv", "m.mkv"]
