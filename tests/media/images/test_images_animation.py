"""Animated pictures: frame by frame, or refused in a sentence; never the first picture for all."""

from fractions import Fraction

import av
import numpy as np
import pytest
from clips import mask_meta, planes_in, stamps_of, write_images
from passing import restore

from vrestore.errors import InputError, MaskError, UsageError
from vrestore.masks.masks import MaskOptions, open_masks
from vrestore.media.encode.encoder import EncodeOptions
from vrestore.media.images.animation import is_animation
from vrestore.media.reader import open_video
from vrestore.media.writer import open_writer


def animation(path, *, kind, count=3, layout="rgb24", codec=None):
    """Write pictures of 32x24 with a white square that moves by its own width."""
    with av.open(str(path), "w", format=kind) as container:
        stream = container.add_stream(codec or kind, rate=10)
        stream.height, stream.width, stream.pix_fmt = 24, 32, layout
        for number in range(count):
            picture = np.zeros((24, 32, 3), np.uint8)
            picture[8:16, 8 * number : 8 * number + 8] = 255
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24").reformat(format=layout, threads=1)
            frame.pts, frame.time_base = number, Fraction(1, 10)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def animated_webp(path):
    return animation(path, kind="webp", codec="libwebp_anim", layout="bgra")


def test_an_animated_png_is_a_video(tmp_path):
    source = animation(tmp_path / "in.png", kind="apng")
    written = restore(source, tmp_path / "out.mkv", codec="ffv1")
    assert written.frame_count == 3
    assert stamps_of(written.path) == [0, Fraction(1, 10), Fraction(2, 10)]
    assert [int(np.flatnonzero(planes[0].max(0))[0]) // 8 for planes in planes_in(source)] == [0, 3, 6]
    with open_video(source) as reader, pytest.raises(UsageError, match=r"is one image.*or a video's name"):
        open_writer(tmp_path / "out.png", reader)


def test_an_animation_of_one_picture_is_an_image(tmp_path):
    source = animation(tmp_path / "in.png", kind="apng", count=1)
    assert not is_animation(source)
    assert restore(source, tmp_path / "out.png").frame_count == 1


@pytest.mark.parametrize("make", [lambda path: animation(path, kind="apng"), animated_webp])
def test_among_images_an_animated_one_is_refused(tmp_path, make):
    write_images(tmp_path / "in", ["1.png"], height=24, width=32)
    made = make(tmp_path / "made")
    name = f"2{'.png' if made.read_bytes()[1:4] == b'PNG' else '.webp'}"
    made.rename(tmp_path / "in" / name)
    (tmp_path / "in" / "1.png").rename(tmp_path / "in" / f"1{name[1:]}")
    with (
        pytest.raises(InputError, match=rf"{name}' is .*animated"),
        open_video(tmp_path / "in") as reader,
    ):
        list(reader)


def test_an_animated_webp_is_refused_with_what_helps(tmp_path):
    source = animated_webp(tmp_path / "in.webp")
    with pytest.raises(InputError, match=r"in\.webp' is an animated WebP, which is not read; take it apart"):
        open_video(source)
    with pytest.raises(MaskError, match="is an animated WebP"):
        open_masks(MaskOptions(paths=(source,)), mask_meta(height=24, width=32, frame_count=3, rate=10))


@pytest.mark.parametrize("name", ["m.png", "m.apng"])
def test_an_animated_mask_counts_frame_by_frame(tmp_path, name):
    mask = animation(tmp_path / name, kind="apng")
    options = MaskOptions(paths=(mask,), grow=0, feather=0)
    masks = open_masks(options, mask_meta(height=24, width=32, frame_count=3, rate=10))
    assert [summary.parts[0].x for summary in masks.summaries] == [0, 8, 16]
    with pytest.raises(MaskError, match="has 3 frames, video has 5"):
        open_masks(options, mask_meta(height=24, width=32, frame_count=5, rate=10))


@pytest.mark.parametrize(
    ("extension", "codec", "is_told"),
    [(".mp4", None, True), (".mkv", None, False), (".mp4", "ffv1", False)],
)
def test_what_hardly_any_player_shows_is_told(tmp_path, extension, codec, is_told):
    source = write_images(tmp_path / "in", ["1.png", "2.png"], layout="rgba")
    options = EncodeOptions(codec=codec)
    with (
        open_video(source) as reader,
        open_writer(tmp_path / f"out{extension}", reader, options=options) as writer,
    ):
        assert writer.codec == "ffv1"
        assert any("hardly any player" in line for line in writer.warnings) == is_told


def test_a_gif_in_mp4_says_that_players_will_not_show_it(tmp_path):
    source = animation(tmp_path / "in.gif", kind="gif", layout="rgb8")
    written = restore(source, tmp_path / "out.mp4")
    assert written.codec == "ffv1"
    assert any("hardly any player shows it in mp4" in line for line in written.warnings)
