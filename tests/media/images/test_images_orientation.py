"""Which way up images are: what a viewer turns is turned the same way, and results say it again."""

import cv2
import numpy as np
import pytest
from clips import write_clip, write_images
from passing import restore

from vrestore.errors import InputError
from vrestore.frames import Rotation
from vrestore.media.images.orientation import orientation_of, with_orientation
from vrestore.media.reader import open_video
from vrestore.media.rotation import turned

# By the number of Exif: what it says of row 0 and column 0 as they are stored.
TURNS = {
    2: Rotation(is_mirrored=True),
    3: Rotation(-180),
    4: Rotation(-180, is_mirrored=True),
    5: Rotation(-90, is_mirrored=True),
    6: Rotation(-90),
    7: Rotation(90, is_mirrored=True),
    8: Rotation(90),
}
FLIPPED = (-65536, 0, 0, 0, 65536, 0, 0, 0, 1073741824)


def encoded(suffix, *, height=24, width=40):
    picture = np.zeros((height, width, 3), np.uint8)
    picture[2:9, 3:20] = 255
    return picture, cv2.imencode(suffix, picture)[1].tobytes()


def as_viewed(data):
    """Return what OpenCV shows of an image file, turned as it says."""
    return cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".tif"])
@pytest.mark.parametrize("number", TURNS)
def test_an_image_says_how_it_is_turned(suffix, number):
    picture, data = encoded(suffix)
    assert orientation_of(data) == Rotation()
    said = with_orientation(data, TURNS[number])
    assert orientation_of(said) == TURNS[number]
    assert np.abs(as_viewed(said).astype(int) - turned(picture, rotation=TURNS[number])).max() < 64
    assert orientation_of(with_orientation(said, TURNS[number])) == TURNS[number]


def test_webp_says_it_in_a_chunk_of_its_own():
    _, data = encoded(".webp")
    block = b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0"
    chunk = b"EXIF" + len(block).to_bytes(4, "little") + block
    assert orientation_of(data + chunk) == Rotation(-90)
    assert orientation_of(data) == Rotation()


@pytest.mark.parametrize("cut", [3, 7, 12, 30, 33])
def test_a_block_that_is_cut_off_says_nothing(cut):
    said = with_orientation(encoded(".jpg")[1], Rotation(90))
    assert orientation_of(said[:cut]) == Rotation()


@pytest.mark.parametrize(
    ("suffix", "target"), [(".jpg", "out/"), (".png", "out/"), (".tif", "out/"), (".jpg", "out%d.png")]
)
def test_images_that_lie_on_their_side_come_back_as_they_were(tmp_path, suffix, target):
    layout = "yuvj420p" if suffix == ".jpg" else "rgb24"
    names = [f"{number}{suffix}" for number in (1, 2)]
    source = write_images(tmp_path / "in", names, layout=layout)
    for name in names:
        (source / name).write_bytes(with_orientation((source / name).read_bytes(), TURNS[5]))
    with open_video(source) as reader:
        assert reader.meta.rotation == TURNS[5]
    restore(source, f"{tmp_path}/{target}")
    found = sorted(path for path in tmp_path.rglob("*.*") if path.parent != source)
    assert [orientation_of(path.read_bytes()) for path in found] == [TURNS[5], TURNS[5]]
    assert as_viewed(found[0].read_bytes()).shape == (26, 18, 3)  # stored as 18 rows of 26


@pytest.mark.parametrize("suffix", [".jpg", ".png"])
def test_images_that_lie_on_their_side_become_a_video_that_does(tmp_path, suffix):
    layout = "yuvj420p" if suffix == ".jpg" else "rgb24"
    source = write_images(tmp_path / "in", [f"1{suffix}"], layout=layout) / f"1{suffix}"
    source.write_bytes(with_orientation(source.read_bytes(), TURNS[7]))
    restore(source, tmp_path / "out.mkv", codec="ffv1")
    with open_video(tmp_path / "out.mkv") as reader:
        assert reader.meta.rotation == TURNS[7]


def test_images_turned_in_different_ways_are_not_one_video(tmp_path):
    source = write_images(tmp_path / "in", ["1.png", "2.png"])
    (source / "2.png").write_bytes(with_orientation((source / "2.png").read_bytes(), Rotation(-180)))
    with open_video(source) as reader, pytest.raises(InputError, match=r"2\.png' is turned otherwise"):
        list(reader)


def test_a_video_that_is_mirrored_is_known_as_such(tmp_path):
    with open_video(write_clip(tmp_path / "in.mp4", matrix=FLIPPED, frames=2)) as reader:
        assert reader.meta.rotation == Rotation(0, is_mirrored=True)
