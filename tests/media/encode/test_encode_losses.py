"""What is lost is told from one list: by probe, before the work, and after it."""

import re
from fractions import Fraction

import av
import pytest
from clips import made_picture, with_company, write_clip, write_images
from passing import restore

from vrestore.errors import LossError
from vrestore.frames import Rotation
from vrestore.media.encode.encoder import EncodeOptions
from vrestore.media.formats import pixel_format
from vrestore.media.images.orientation import with_orientation
from vrestore.media.probe import probe
from vrestore.media.reader import open_video
from vrestore.media.writer import open_writer

TURNED = (0, -65536, 0, 65536, 0, 0, 0, 0, 1073741824)


def hdr10_plus(path):
    """Write HEVC with an SEI of SMPTE ST 2094-40 before each picture: one window, nothing but levels."""
    bits = "01" + format(1000, "027b") + "0" + 3 * format(1000, "017b") + format(500, "017b") + 17 * "0"
    bits += "0" * (-len(bits) % 8)
    message = b"\xb5\x00\x3c\x00\x01\x04\x01" + int(bits, 2).to_bytes(len(bits) // 8, "big")
    payload = bytes([4, len(message)]) + message + b"\x80"
    unit = b"\0\0\0\x01\x4e\x01" + re.sub(b"\0\0([\0-\x03])", rb"\0\0\003\1", payload)
    context = av.CodecContext.create("libx265", "w")
    context.width, context.height, context.pix_fmt = 64, 48, "yuv420p10le"
    context.time_base = Fraction(1, 25)
    context.options = {"x265-params": "log-level=none:bframes=0"}
    packets = []
    for number in range(3):
        picture = made_picture(pixel_format("yuv420p10le"), height=48, width=64, index=number)
        picture.pts, picture.time_base = number, Fraction(1, 25)
        packets += context.encode(picture)
    path.write_bytes(b"".join(unit + bytes(packet) for packet in packets + context.encode()))
    return path


def turned(path):
    return write_clip(path.with_suffix(".mp4"), matrix=TURNED, frames=2)


def turned_image(path):
    folder = write_images(path.with_suffix(""), ["1.png"])
    image = folder / "1.png"
    image.write_bytes(with_orientation(image.read_bytes(), Rotation(90)))
    return folder


def mastered(path):
    display = "G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(10000000,50)"
    options = {"x265-params": f"log-level=none:bframes=0:hdr10=1:master-display={display}"}
    name = path.with_suffix(".mkv")
    return write_clip(name, layout="yuv420p10le", codec="libx265", options=options, frames=2)


def with_file(path):
    return write_clip(path.with_suffix(".mkv"), beside=with_company(subtitles=None, attachment=b"x"))


@pytest.mark.parametrize(
    ("make", "name", "codec", "lost"),
    [
        (hdr10_plus, "out.mkv", None, ["HDR10+ data"]),
        (turned, "out.avi", None, ["rotation (avi has no place for it)"]),
        (turned, "out.ts", None, ["rotation (mpegts has no place for it)"]),
        (turned, "out.mkv", None, []),
        (turned_image, "%d.bmp", None, ["rotation (bmp has no place for it)"]),
        (turned_image, "%d.png", None, []),
        (mastered, "out.mkv", "ffv1", ["HDR10 mastering data (ffv1 does not write it)"]),
        (mastered, "out.mkv", None, []),
        (with_file, "out.mp4", None, ["attachment stream 3 (mp4 cannot hold attachment note.txt)"]),
    ],
)
def test_what_is_lost_is_told_before_and_after_the_work(tmp_path, make, name, codec, lost):
    source = make(tmp_path / "in.hevc")
    with (
        open_video(source) as reader,
        open_writer(tmp_path / name, reader, options=EncodeOptions(codec=codec)) as writer,
    ):
        assert writer.losses == lost
        for frame in reader:
            writer.write(frame)
        assert list(writer.finish().losses) == lost
    if lost:
        with pytest.raises(LossError, match=re.escape(lost[0])):
            restore(source, tmp_path / f"strict.{name}", codec=codec, strict=True)


def test_probe_tells_what_a_result_of_the_same_kind_would_lose(tmp_path):
    assert probe(hdr10_plus(tmp_path / "in.hevc"))["losses"] == ["HDR10+ data"]
    assert probe(turned(tmp_path / "in.mp4"))["losses"] == []
    assert probe(mastered(tmp_path / "in.mkv"))["losses"] == []
    assert probe(turned_image(tmp_path / "images.png"))["losses"] == []
