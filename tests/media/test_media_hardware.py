"""A device decodes only where it gives what the processor gives, and its layouts become the source's."""

from itertools import count

import av
import numpy as np
import pytest
from av.video.reformatter import VideoReformatter
from clips import with_company, write_clip
from hypothesis import given, settings
from hypothesis import strategies as st

from vrestore.media import hardware
from vrestore.media.av_frames import planes_of
from vrestore.media.container.demux import FileFeed
from vrestore.media.formats import pixel_format
from vrestore.media.hardware import choose_feed, device_layout, lay_out
from vrestore.media.reader import open_video

LAYOUTS = [
    *(("nv12", "yuv420p"), ("nv12", "yuvj420p"), ("nv16", "yuv422p"), ("nv24", "yuv444p")),
    *(("p010le", "yuv420p10le"), ("p016le", "yuv420p12le"), ("p016le", "yuv420p10le")),
    *(("p210le", "yuv422p10le"), ("p216le", "yuv422p12le"), ("p012le", "yuv420p12le")),
    *(("yuv444p16le", "yuv444p10le"), ("yuv444p16le", "yuv444p12le"), ("yuv444p10msble", "yuv444p10le")),
    *(("yuv444p12msble", "yuv444p12le"), ("yuv444p", "yuv444p"), ("yuv420p", "yuv420p")),
]
KINDS = {
    "h264.mp4": {"options": {"g": "8", "bf": "2"}},
    "ten-bit.mkv": {"layout": "yuv420p10le"},
    "all-chroma.mkv": {"layout": "yuv444p10le"},
    "full-range.mp4": {"layout": "yuvj420p"},
    "vp9.webm": {"codec": "libvpx-vp9", "options": {"deadline": "realtime", "cpu-used": "8"}},
}
DEVICE_NAMES = {
    "yuv420p": "nv12",
    "yuvj420p": "nv12",
    "yuv420p10le": "p010le",
    "yuv444p10le": "yuv444p10msble",
}


def filled(picture, codes, bits):
    """Fill a picture of a device, its samples in the upper bits; `codes` are its three components'."""
    shift = 16 - bits if bits > 8 else 0
    dtype = np.dtype(np.uint8 if bits == 8 else "<u2")
    planes = codes
    if len(picture.planes) == 2:
        chroma = np.stack(codes[1:], axis=-1)
        planes = [codes[0], chroma.reshape(len(chroma), -1)]
    for plane, values in zip(picture.planes, planes, strict=True):
        view = np.ndarray(values.shape, dtype, memoryview(plane), 0, (plane.line_size, dtype.itemsize))
        view[...] = values.astype(dtype) << shift
    return picture


def codes_of(layout, height, width, seed):
    x, y = layout.chroma_shift
    shapes = [(height, width), *[(-(-height >> y), -(-width >> x))] * 2]
    rng = np.random.default_rng(seed)
    return [rng.integers(0, layout.peak, shape, endpoint=True) for shape in shapes]


@pytest.mark.parametrize(("name", "source"), LAYOUTS, ids=lambda word: word)
@settings(max_examples=20, deadline=None)
@given(
    height=st.integers(2, 40),
    width=st.integers(2, 70),
    color_range=st.sampled_from([0, 1, 2]),
    seed=st.integers(0, 2**32 - 1),
)
def test_a_devices_samples_are_laid_out_as_the_sources(name, source, height, width, color_range, seed):
    layout = pixel_format(source)
    codes = codes_of(layout, height, width, seed)
    picture = filled(av.VideoFrame(width, height, name), codes, layout.bits)
    picture.color_range, picture.colorspace, picture.pts = color_range, 1, 77
    laid_out = lay_out(picture, layout, VideoReformatter())
    assert laid_out.format.name == source
    assert (laid_out.pts, laid_out.color_range, laid_out.colorspace) == (77, color_range, 1)
    for plane, expected in zip(planes_of(laid_out, layout), codes, strict=True):
        assert (plane == expected).all()


@pytest.mark.parametrize(
    ("name", "source"),
    [
        *(("nv12", "yuv422p"), ("nv12", "yuv420p10le"), ("p010le", "yuv420p"), ("nv12", "gray")),
        *(("p010le", "yuv420p12le"), ("yuv444p16le", "yuv422p10le"), ("cuda", "yuv420p"), ("nv12", "gbrp")),
        *(("yuv444p16le", "gbrp10le"), ("nv12", "yuva420p")),
    ],
)
def test_a_layout_that_holds_other_samples_is_none(name, source):
    assert device_layout(name, pixel_format(source)) is None


def frames_of(path, **words):
    with open_video(path, **words) as reader:
        frames = [(frame.pts, [plane.copy() for plane in frame.planes]) for frame in reader]
        return frames, reader.decoder, (reader.damage, reader.warnings, reader.meta)


def assert_same(some, others):
    for (pts, planes), (other_pts, other_planes) in zip(some, others, strict=True):
        assert pts == other_pts
        assert all((a == b).all() for a, b in zip(planes, other_planes, strict=True))


@pytest.fixture(params=KINDS, ids=KINDS)
def source(request, tmp_path):
    return write_clip(tmp_path / request.param, frames=12, noise=True, **KINDS[request.param])


@pytest.mark.skipif(hardware.decoder_unavailable_reason() is None, reason="a device that decodes is here")
def test_without_a_driver_the_processor_decodes_the_same(source):
    expected, nobody, told = frames_of(source)
    frames, decoder, told_now = frames_of(source, cuda_device=0)
    assert_same(frames, expected)
    assert told_now == told
    assert nobody == ""
    assert decoder.startswith("the processor (NVDEC of cuda:0 is not used: Cannot load libcuda")


@pytest.mark.parametrize(
    ("name", "codec", "word"),
    [("a.mkv", "ffv1", "ffv1"), ("a.avi", "mpeg4", "mpeg4"), ("a.mkv", "libsvtav1", "av1")],
)
def test_other_codecs_are_left_to_the_processor(name, codec, word, tmp_path):
    path = write_clip(tmp_path / name, codec=codec)
    frames, decoder, _ = frames_of(path, cuda_device=0)
    assert len(frames) == 8
    assert decoder.endswith(f"is not used: only h264, hevc, vp8, vp9 are left to it, not {word})")


def test_a_decoder_that_is_built_without_devices_is_the_processors(tmp_path, monkeypatch):
    monkeypatch.setattr(hardware, "EXACT_CODECS", ("av1",))
    path = write_clip(tmp_path / "a.mkv", codec="libsvtav1")
    assert "libdav1d runs on the processor" in frames_of(path, cuda_device=0)[1]


def pretend(monkeypatch, *, spoil=lambda picture, number: picture, is_used=True):
    """Let the processor decode what a device is asked for, and hand it over as a device does."""
    opened = []

    def open_accelerated(feed, device):
        other, numbers = feed.again(), count()
        decode = other.stream.codec_context.decode
        opened.append(other)

        class Context:
            pix_fmt = "cuda" if is_used else "yuv420p"

            def decode(self, packet):
                return [spoil(as_device(picture), next(numbers)) for picture in decode(packet)]

            def __getattr__(self, word):
                return getattr(context, word)

        context = other.stream.codec_context
        other.stream = Stream(other.stream, Context())
        return other

    monkeypatch.setattr(hardware, "open_accelerated", open_accelerated)
    return opened


class Stream:
    """A stream with another decoder."""

    def __init__(self, stream, context):
        self.inner, self.codec_context = stream, context

    def __getattr__(self, word):
        return getattr(self.inner, word)


def as_device(picture):
    layout = pixel_format(picture.format.name)
    codes = [plane.copy() for plane in planes_of(picture, layout)]
    return filled(picture.reformat(format=DEVICE_NAMES[layout.name], threads=1), codes, layout.bits)


def test_what_a_device_decodes_is_what_the_processor_decodes(source, monkeypatch):
    expected, _, told = frames_of(source)
    opened = pretend(monkeypatch)
    frames, decoder, told_now = frames_of(source, cuda_device=2)
    assert len(opened) == 1
    assert decoder == "NVDEC of cuda:2"
    assert_same(frames, expected)
    assert told_now == told


def other_pixel(picture, number):
    picture.planes[0].update(bytes(picture.planes[0].buffer_size))
    return picture


def other_size(picture, number):
    return picture.reformat(width=picture.width + 2, height=picture.height, threads=1)


def other_layout(picture, number):
    return picture.reformat(format="yuv422p", threads=1)


def other_time(picture, number):
    picture.pts += 1
    return picture


def no_picture(picture, number):
    raise av.error.ExternalError(1, "the device is lost")


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (other_pixel, "its first picture is another"),
        (other_time, "its first picture is another"),
        (other_size, "it gives 66x48 instead of 64x48"),
        (other_layout, "it gives yuv422p for yuv420p"),
        (no_picture, "the device is lost"),
    ],
)
def test_a_first_picture_that_is_not_the_same_leaves_all_to_the_processor(
    spoil, reason, tmp_path, monkeypatch
):
    source = write_clip(tmp_path / "in.mp4", noise=True)
    expected, _, told = frames_of(source)
    pretend(monkeypatch, spoil=spoil)
    frames, decoder, told_now = frames_of(source, cuda_device=0)
    assert decoder == f"the processor (NVDEC of cuda:0 is not used: {reason})"
    assert_same(frames, expected)
    assert told_now == told


def test_software_that_ffmpeg_falls_back_to_is_left_for_the_processors_own(tmp_path, monkeypatch):
    """The feed of the device has one thread."""
    source = write_clip(tmp_path / "in.mp4")
    pretend(monkeypatch, is_used=False)
    assert "it does not decode this kind of h264" in frames_of(source, cuda_device=0)[1]


def test_a_picture_that_a_device_fails_at_later_is_damage(tmp_path, monkeypatch):
    def lost_at_five(picture, number):
        return no_picture(picture, number) if number == 5 else picture

    source = write_clip(tmp_path / "in.mp4", options={"bf": "0"})
    pretend(monkeypatch, spoil=lost_at_five)
    frames, decoder, (damage, _, _) = frames_of(source, cuda_device=0)
    assert decoder == "NVDEC of cuda:0"
    assert len(frames) == 7
    assert damage.corrupt_packets == 1


def test_a_feed_that_was_peeked_into_gives_its_first_picture_again(tmp_path):
    source = str(write_clip(tmp_path / "in.mp4"))
    feed = FileFeed(source, name=source, threads=1)
    first = feed.peek()
    assert [picture.pts for picture in feed.pictures()][:2] == [first.pts, first.pts + 512]
    feed.close()


def test_the_packets_beside_the_picture_come_from_the_feed_that_was_chosen(tmp_path, monkeypatch):
    source = write_clip(tmp_path / "in.mkv", beside=with_company())
    pretend(monkeypatch)
    gathered = []
    for device in (None, 0):
        with open_video(source, cuda_device=device) as reader:
            packets = reader.claim(frozenset(range(1, 4)))
            frames = list(reader)
            gathered.append((len(frames), [(packet.stream_index, packet.pts) for packet in packets]))
    assert gathered[0] == gathered[1]
    assert gathered[0][1]


@pytest.mark.gpu
def test_a_device_decodes_the_same(source):
    expected, _, told = frames_of(source)
    frames, decoder, told_now = frames_of(source, cuda_device=0)
    assert_same(frames, expected)
    assert told_now == told
    assert "cuda:0" in decoder


def test_the_feed_that_is_not_chosen_is_the_one_asked_about(tmp_path):
    source = str(write_clip(tmp_path / "in.mkv", codec="ffv1"))
    feed = FileFeed(source, name=source, threads=1)
    assert choose_feed(feed, device=0)[0] is feed
    feed.close()
