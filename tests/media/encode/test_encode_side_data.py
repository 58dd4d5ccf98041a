"""Data beside a picture that PyAV has no number for does not stop a run, and is named."""

import zlib

import av
import pytest
from av.sidedata.sidedata import Type
from clips import write_clip, write_images
from passing import restore

from vrestore.media.encode.side_data import side_data, unknown_side_data
from vrestore.media.images.sequence import read_image
from vrestore.media.reader import open_video

# A byte order, and a folder of one entry: the maker (271), four letters.
EXIF = b"II*\0\x08\0\0\0" + b"\x01\0" + b"\x0f\x01\x02\0\x04\0\0\0Acm\0" + b"\0\0\0\0"


def jpeg_with(body, *segments):
    """Return a JPEG with more application segments, each a marker's number and its bytes."""
    parts = (bytes([255, 0xE0 + n]) + (len(data) + 2).to_bytes(2, "big") + data for n, data in segments)
    return body[:2] + b"".join(parts) + body[2:]


def png_with(body, name, data):
    """Return a PNG with one more chunk behind its header."""
    chunk = len(data).to_bytes(4, "big") + name + data + zlib.crc32(name + data).to_bytes(4, "big")
    return body[:33] + chunk + body[33:]


def add_exif(path):
    whole = path.read_bytes()
    is_jpeg = path.suffix == ".jpg"
    path.write_bytes(jpeg_with(whole, (1, b"Exif\0\0" + EXIF)) if is_jpeg else png_with(whole, b"eXIf", EXIF))


@pytest.mark.parametrize(("suffix", "layout"), [(".jpg", "yuvj420p"), (".png", "rgb24")], ids=str)
@pytest.mark.parametrize("target", ["out.mkv", "out/"])
def test_images_of_a_camera_become_a_video_or_images(tmp_path, suffix, layout, target):
    names = [f"{number}{suffix}" for number in range(3)]
    folder = write_images(tmp_path / "in", names, layout=layout)
    for name in names:
        add_exif(folder / name)
    written = restore(folder, f"{tmp_path}/{target}")
    assert written.frame_count == 3


def test_what_has_no_number_is_named_once(tmp_path):
    names = ["0.jpg", "1.jpg"]
    folder = write_images(tmp_path / "in", names, layout="yuvj420p")
    for name in names:
        add_exif(folder / name)
    with open_video(folder) as reader:
        assert len(list(reader)) == 2
        assert reader.warnings == ["pictures carry what is passed over here: EXIF"]


def test_what_has_a_number_is_read(tmp_path):
    source = write_clip(
        tmp_path / "in.mkv",
        frames=3,  # of one or two, x265 makes up the decoding times
        codec="libx265",
        options={"x265-params": "log-level=error:hdr10=1:max-cll=1000,400"},
        layout="yuv420p10le",
    )
    with av.open(str(source)) as container:
        picture = next(container.decode(video=0))
        assert Type.CONTENT_LIGHT_LEVEL in {item.type for item in side_data(picture)}
        assert unknown_side_data(picture) == []


def test_a_color_profile_beside_it_does_no_harm(tmp_path):
    file = write_images(tmp_path / "in", ["0.png"]) / "0.png"
    file.write_bytes(png_with(file.read_bytes(), b"iCCP", b"a name\0\0" + zlib.compress(bytes(132))))
    add_exif(file)
    picture, *_ = read_image(file)
    assert unknown_side_data(picture) == ["EXIF"]
    assert side_data(picture) == []


def test_a_picture_without_any_has_none():
    picture = av.VideoFrame(16, 16, "yuv420p")
    assert side_data(picture) == []
    assert unknown_side_data(picture) == []
