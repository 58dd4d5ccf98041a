"""Plates: clean pictures of a frame that the user gives, carried to the others."""

from dataclasses import replace

import av
import cv2
import numpy as np
import pytest
from textured import QUICK, frame_of, hole_of_boxes, hole_psnr, panned, repaired, rgb_of, texture

import vrestore
from vrestore.errors import InputError, TargetError, UsageError
from vrestore.frames import Box
from vrestore.methods.inpaint.options import InpaintOptions
from vrestore.methods.inpaint.patches.plates import Plate

HEIGHT, WIDTH, COUNT = 72, 96, 14
HOLE = Box(36, 24, 20, 18)


def scene(step):
    return panned(texture(HEIGHT + 60, WIDTH + 60), count=COUNT, height=HEIGHT, width=WIDTH, step=step)


def plate_of(picture, frame):
    return Plate("plate.png", frame, np.rint(picture * 65535).astype(np.uint16))


def fill(pictures, boxes, settings=QUICK, **options):
    frames = [frame_of(picture, index) for index, picture in enumerate(pictures)]
    holes = [hole_of_boxes(box) for box in boxes]
    made = repaired(frames, holes, height=HEIGHT, width=WIDTH, settings=settings, **options)
    return hole_psnr(map(rgb_of, made), map(rgb_of, frames), holes)


@pytest.mark.parametrize("at", [0, 7, COUNT - 1])
@pytest.mark.parametrize("step", [(0.0, 0.0), (2.0, 1.0)], ids=["still", "moving"])
def test_a_plate_fills_the_frames_before_and_after_it(step, at):
    """The hole stays on the same part of the scene, which no frame shows."""
    pictures = scene(step)
    boxes = [replace(HOLE, x=HOLE.x - int(step[0]) * i, y=HOLE.y - int(step[1]) * i) for i in range(COUNT)]
    plain = fill(pictures, boxes)
    given = fill(pictures, boxes, plates={at: plate_of(pictures[at], at)})
    assert given > max(plain + 12, 35)


def test_a_plate_is_read_sharply_however_far_it_is_carried():
    pictures, boxes = scene((0.0, 0.0)), [HOLE] * COUNT
    plates = {0: plate_of(pictures[0], 0)}
    assert fill(pictures, boxes, replace(QUICK, origin_frames=2), plates=plates) > 40


def write(path, pictures):
    with av.open(str(path), "w") as container:
        stream = container.add_stream("ffv1", rate=25)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "bgr0"
        for picture in pictures:
            rgb = np.rint(picture.transpose(1, 2, 0) * 255).astype(np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(rgb, "rgb24")))
        container.mux(stream.encode())
    return path


def save(path, picture):
    rgb = np.rint(picture.transpose(1, 2, 0) * 255).astype(np.uint8)
    cv2.imwrite(str(path), rgb[..., ::-1])
    return path


BOX = "36,24,20,18"


@pytest.fixture
def clip(tmp_path):
    return write(tmp_path / "a.mkv", scene((3.0, 1.0)))


def run(clip, **options):
    return vrestore.inpaint(clip, target=clip.with_name("b.mkv"), box=BOX, codec="ffv1", threads=1, **options)


@pytest.mark.parametrize(
    ("change", "at", "error", "said"),
    [
        (
            lambda picture: np.roll(picture, (2, -5), (1, 2)),
            "4",
            UsageError,
            "fit 5 pixels right and 2 pixels up",
        ),
        (lambda picture: picture, "6", UsageError, "does not lie on frame 6"),
        (lambda _: texture(HEIGHT, WIDTH, seed=9), "4", UsageError, "does not look like frame 4"),
        (lambda picture: picture[:, 2:], "4", InputError, "is 96x70, the video is 96x72"),
        (lambda picture: picture, "40", UsageError, "frame 40, which"),
        (lambda picture: picture, "four", UsageError, "a frame's number, the first is 0, got 'four'"),
        (lambda picture: picture, ("4", "5"), UsageError, "each --plate has its --plate-at, got 1 and 2"),
    ],
)
def test_a_plate_that_does_not_fit_is_refused_before_the_work(tmp_path, clip, change, at, error, said):
    plate = save(tmp_path / "plate.png", change(scene((3.0, 1.0))[4]))
    with pytest.raises(error, match=said):
        run(clip, plate=plate, plate_at=at)
    assert not clip.with_name("b.mkv").exists()


def test_two_plates_for_a_frame_are_refused():
    with pytest.raises(UsageError, match="one plate for a frame, got frames 3, 3"):
        InpaintOptions(plate=("a.png", "b.png"), plate_at=("3", "3"))


def test_what_is_written_to_be_retouched_comes_back_as_a_plate(tmp_path):
    still = write(tmp_path / "a.mkv", scene((0.0, 0.0)))
    folder = tmp_path / "keys"
    run(still, plate_out=folder)
    (place,) = folder.iterdir()
    assert place.name == "frame_000000.png"
    key = cv2.imread(str(place))
    key[HOLE.rows, HOLE.columns] = (10, 200, 30)  # retouched
    cv2.imwrite(str(place), key)
    run(still, plate=place, plate_at="0", plate_out=folder, overwrite=True, feather=0, grow=0)
    assert np.array_equal(cv2.imread(str(place)), key)
    with av.open(str(still.with_name("b.mkv"))) as container:
        for frame in container.decode(video=0):
            inner = frame.to_ndarray(format="bgr24")[HOLE.rows, HOLE.columns][3:-3, 3:-3]
            assert np.abs(inner.astype(int) - (10, 200, 30)).max() <= 6


def test_a_file_is_no_folder_for_pictures(clip):
    with pytest.raises(TargetError, match="is a file; give a folder for the pictures"):
        run(clip, plate_out=clip)
