"""A picture in segments: what is joined is what they hold, and all else is as without them."""

import itertools
from fractions import Fraction

import av
import numpy as np
import pytest
from clips import mask_meta, packets_of, planes_in, stamps_of, with_company, with_cover, write_clip

from vrestore.errors import TargetError
from vrestore.media.container.mux import Mux
from vrestore.media.container.segment_files import SegmentDir
from vrestore.media.container.segment_writer import SegmentWriter
from vrestore.media.encode.encoder import EncodeOptions
from vrestore.media.preview.display import ClipWriter
from vrestore.media.reader import open_video
from vrestore.media.writer import VideoWriter, open_writer

BORDERS = (5, 6, 13)
"""Segments of 5, 1, 7 and the rest."""


def written(source, target, *, borders=BORDERS, codec=None, extra=None, **limits):
    """Write a source again in segments; returns what came out and the segments."""
    folder = target.with_suffix(".state")
    folder.mkdir(exist_ok=True)
    segments = []
    options = EncodeOptions(codec=codec, extra=extra or {})
    with (
        open_video(source, **limits) as reader,
        open_writer(target, reader, options=options, in_segments=True) as writer,
    ):
        assert isinstance(writer, SegmentWriter)
        writer.begin(SegmentDir(folder, "picture", [], borders.__contains__, segments.append))
        for frame in reader:
            writer.write(frame)
        return writer.finish(), segments


def restored(source, target, *, codec=None, extra=None, **limits):
    """Write a source again in one piece."""
    with (
        open_video(source, **limits) as reader,
        open_writer(target, reader, options=EncodeOptions(codec=codec, extra=extra or {})) as writer,
    ):
        for frame in reader:
            writer.write(frame)
        return writer.finish()


def equal(ones, others):
    pairs = zip(ones, others, strict=True)
    return all(all((a == b).all() for a, b in zip(one, other, strict=True)) for one, other in pairs)


CODECS = {
    "h264": ("libx264", "yuv420p", ".mp4", {"bf": "3", "preset": "fast"}),
    "h264-10": ("libx264", "yuv420p10le", ".mkv", {}),
    "h264-ts": ("libx264", "yuv420p", ".ts", {}),
    "h264-avi": ("libx264", "yuv420p", ".avi", {}),
    "hevc": ("libx265", "yuv420p", ".mp4", {"x265-params": "bframes=4:log-level=error"}),
    "hevc-10": ("libx265", "yuv420p10le", ".mkv", {"x265-params": "log-level=error"}),
    "ffv1": ("ffv1", "yuv422p10le", ".mkv", {}),
    "vp9": ("libvpx-vp9", "yuv420p", ".webm", {}),
    "av1": ("libsvtav1", "yuv420p", ".mp4", {"preset": "10"}),
    "av1-10": ("libsvtav1", "yuv420p10le", ".webm", {"preset": "10"}),
    "mpeg4": ("mpeg4", "yuv420p", ".mp4", {"bf": "2"}),
    "mpeg2": ("mpeg2video", "yuv420p", ".mkv", {"bf": "2"}),
    "prores": ("prores_ks", "yuv422p10le", ".mov", {}),
    "mjpeg": ("mjpeg", "yuvj420p", ".mov", {}),
    "utvideo": ("utvideo", "yuv420p", ".avi", {}),
}


@pytest.fixture(params=CODECS, ids=CODECS)
def case(request, tmp_path):
    """A source of 20 frames of noise, and what it is written as."""
    codec, layout, extension, extra = CODECS[request.param]
    source = write_clip(
        tmp_path / "in.mkv",
        codec="ffv1",
        layout=layout.replace("yuvj", "yuv"),
        frames=20,
        height=64,
        noise=True,
    )
    return source, tmp_path / f"out{extension}", {"codec": codec, "extra": extra}


def test_what_is_joined_is_what_the_segments_hold(case):
    source, target, options = case
    came_out, segments = written(source, target, **options)
    assert [segment.first for segment in segments] == [0, *BORDERS]
    assert came_out.frame_count == 20
    in_segments = itertools.chain.from_iterable(planes_in(segment.path) for segment in segments)
    assert equal(planes_in(target), list(in_segments))
    seconds = stamps_of(target)
    tolerance = Fraction(1, 1000)
    assert all(abs(t - seconds[0] - n * Fraction(1, 25)) <= tolerance for n, t in enumerate(seconds))


def test_frames_are_decoded_in_order_and_before_they_are_shown(tmp_path):
    source = write_clip(tmp_path / "in.mp4", frames=20)
    extra = {"x264-params": "bframes=3:b-adapt=0:scenecut=0"}
    _, segments = written(source, tmp_path / "out.mp4", extra=extra)
    assert max(segment.delay for segment in segments) == 2
    with av.open(str(tmp_path / "out.mp4")) as container:
        stamps = [(packet.dts, packet.pts) for packet in container.demux(video=0) if packet.size]
    decoding = [dts for dts, _ in stamps]
    assert decoding == sorted(set(decoding))
    assert all(dts <= pts for dts, pts in stamps)
    assert stamps[0][1] - stamps[0][0] == 2 * 512


def test_frames_come_back_at_a_varying_rate_with_frames_out_of_order(tmp_path):
    stamps = np.cumsum(np.random.default_rng(1).integers(1, 3000, 20)).tolist()
    source = write_clip(tmp_path / "in.mp4", stamps=stamps, frames=20)
    extra = {"x264-params": "bframes=3:b-adapt=0:scenecut=0"}
    _, segments = written(source, tmp_path / "out.mp4", extra=extra)
    assert max(segment.delay for segment in segments) > 0
    assert stamps_of(tmp_path / "out.mp4") == stamps_of(source)


def test_without_loss_what_is_joined_is_the_source(tmp_path):
    source = write_clip(tmp_path / "in.mkv", codec="ffv1", layout="yuv420p", frames=20, noise=True)
    written(source, tmp_path / "out.mkv", codec="ffv1")
    assert equal(planes_in(tmp_path / "out.mkv"), planes_in(source))


def seen(path):
    """What a file holds beside its picture."""
    with av.open(str(path)) as container:
        streams = [
            (stream.type, stream.codec_context.name if stream.codec_context else "", dict(stream.metadata))
            for stream in container.streams
        ]
        for _, _, tags in streams:
            tags.pop("DURATION", None)
        return streams, container.chapters(), dict(container.metadata)


def company_of(path):
    """The bytes and times of every packet beside the picture."""
    with av.open(str(path)) as container:
        found = {}
        for packet in container.demux():
            if packet.size and packet.stream.type != "video":
                found.setdefault(packet.stream.index, []).append((bytes(packet), packet.pts, packet.duration))
        return found


LIMITS = {"whole": {}, "part": {"start": 3, "stop": 17}, "to-the-end": {"start": "0.2s"}}


@pytest.mark.parametrize("limits", LIMITS.values(), ids=LIMITS)
@pytest.mark.parametrize("extension", [".mkv", ".mp4", ".mov", ".webm"])
def test_all_beside_the_picture_is_as_without_segments(tmp_path, extension, limits):
    company = with_company(
        attachment=b"note", tags={"title": "A day", "mood": "calm"}, subtitles="subrip", seconds=0.8
    )
    source = write_clip(tmp_path / "in.mkv", frames=20, beside=company)
    codec = "libvpx-vp9" if extension == ".webm" else None
    one, other = tmp_path / f"one{extension}", tmp_path / f"other{extension}"
    with_segments, _ = written(source, one, codec=codec, **limits)
    without = restored(source, other, codec=codec, **limits)
    assert (with_segments.kept, with_segments.dropped) == (without.kept, without.dropped)
    assert with_segments.warnings == without.warnings
    assert company_of(one) == company_of(other)
    assert seen(one) == seen(other)
    assert stamps_of(one) == stamps_of(other)


def test_a_cover_is_kept(tmp_path):
    source = write_clip(tmp_path / "in.mp4", frames=20, beside=with_cover)
    written(source, tmp_path / "out.mp4")
    assert packets_of(tmp_path / "out.mp4", "video")[1] == packets_of(source, "video")[1]


def test_what_the_header_says_is_as_without_segments(tmp_path):
    source = write_clip(tmp_path / "in.mp4", frames=20, matrix=[0, 65536, 0, -65536, 0, 0, 0, 0, 1 << 30])
    written(source, tmp_path / "one.mp4")
    restored(source, tmp_path / "other.mp4")
    headers = []
    for name in ("one.mp4", "other.mp4"):
        with av.open(str(tmp_path / name)) as container:
            stream = container.streams.video[0]
            context = stream.codec_context
            headers.append((context.extradata, context.codec_tag, stream.time_base, stream.duration))
    assert headers[0] == headers[1]


def test_frames_of_finished_segments_are_let_pass(tmp_path):
    """As an interrupted run leaves them: two segments, and the rest to do."""
    source = write_clip(tmp_path / "in.mkv", codec="ffv1", frames=20, noise=True)
    _, segments = written(source, tmp_path / "once.mkv", codec="ffv1")
    rest = []
    with open_video(source) as reader:
        writer = open_writer(tmp_path / "again.mkv", reader, in_segments=True)
        with writer:
            folder = tmp_path / "once.state"
            writer.begin(SegmentDir(folder, "picture", segments[:2], BORDERS.__contains__, rest.append))
            assert writer.series.start == 6
            for frame in reader:
                writer.write(frame if frame.index >= 6 else frame.with_planes({}))
            writer.finish()
    assert [segment.first for segment in rest] == [6, 13]
    assert equal(planes_in(tmp_path / "again.mkv"), planes_in(source))
    assert stamps_of(tmp_path / "again.mkv") == stamps_of(tmp_path / "once.mkv")


def test_what_is_not_finished_goes_and_what_is_stays(tmp_path):
    source, folder = write_clip(tmp_path / "in.mp4", frames=20), tmp_path / "state"
    folder.mkdir()
    segments = []
    with open_video(source) as reader, open_writer(tmp_path / "out.mp4", reader, in_segments=True) as writer:
        writer.begin(SegmentDir(folder, "picture", [], BORDERS.__contains__, segments.append))
        for frame in itertools.islice(reader, 10):
            writer.write(frame)
        assert len(list(folder.iterdir())) == 3
    assert sorted(folder.iterdir()) == [segment.path for segment in segments]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.mp4", "state"]


def test_a_segment_that_reads_back_wrong_is_not_kept(tmp_path, monkeypatch):
    source = write_clip(tmp_path / "in.mkv", codec="ffv1", frames=20)

    def spoil(path):
        path.write_bytes(path.read_bytes()[:2000])

    monkeypatch.setattr("vrestore.media.container.segment_series.synchronise", spoil)
    with pytest.raises(TargetError, match="was not written as it should"):
        written(source, tmp_path / "out.mkv", codec="ffv1")
    assert list((tmp_path / "out.state").iterdir()) == []


def keyless(path):
    """Blank the last key frame of a file."""
    with av.open(str(path)) as container:
        *_, last = (packet for packet in container.demux(video=0) if packet.is_keyframe)
        place, size = last.pos, last.size
    with path.open("r+b") as file:
        file.seek(place + 16)
        file.write(bytes(size - 16))


def shortened(path):
    data = path.read_bytes()
    path.write_bytes(data[: len(data) * 2 // 3])


@pytest.mark.parametrize("spoil", [shortened, keyless])
def test_a_joined_file_that_reads_back_wrong_is_not_given_its_name(tmp_path, monkeypatch, spoil):
    source = write_clip(tmp_path / "in.mkv", frames=20, noise=True)
    close = Mux.close

    def close_and_spoil(mux):
        close(mux)
        spoil(tmp_path / mux._output.name.rpartition("/")[2])

    monkeypatch.setattr(Mux, "close", close_and_spoil)
    with pytest.raises(TargetError, match="was not written as it should"):
        written(source, tmp_path / "out.mkv")
    kept = ["in.mkv", "out.state", "out.unverified.mkv"]
    assert sorted(path.name for path in tmp_path.iterdir()) == kept


def test_what_no_segment_can_hold_is_written_in_one_piece(tmp_path):
    """The transparency of VP9 lies beside its packets."""
    source = write_clip(tmp_path / "in.mkv", codec="ffv1", layout="yuva420p")
    options = EncodeOptions(codec="vp9")
    with (
        open_video(source) as reader,
        open_writer(tmp_path / "out.webm", reader, options=options, in_segments=True) as writer,
    ):
        assert isinstance(writer, VideoWriter)


@pytest.mark.parametrize("extension", [".mkv", ".mp4", ".mov"])
def test_a_clip_in_segments_shows_what_they_hold_when_they_say(tmp_path, extension):
    meta = mask_meta(height=45, width=67)
    pictures = list(np.random.default_rng(2).integers(0, 256, (20, 45, 67, 3), np.uint8))
    stamps = [100 + 512 * number + 100 * (number % 3) for number in range(20)]
    segments = []
    for name, done in (("once", 0), ("again", 2)):
        with ClipWriter(tmp_path / f"{name}{extension}", meta) as clip:
            place = SegmentDir(tmp_path, name, segments[:done], BORDERS.__contains__, segments.append)
            clip.begin(place, first_pts=stamps[0])
            start = clip.series.start
            for picture, stamp in zip(pictures[start:], stamps[start:], strict=True):
                clip.write(picture, stamp)
            clip.finish()
    assert [segment.first for segment in segments] == [0, 5, 6, 13, 6, 13]
    once, again = tmp_path / f"once{extension}", tmp_path / f"again{extension}"
    held = list(itertools.chain.from_iterable(planes_in(segment.path) for segment in segments[:4]))
    assert equal(planes_in(once), held)
    assert equal(planes_in(again), held)
    seconds = [(stamp - 100) * meta.time_base for stamp in stamps]
    assert all(abs(a - b) < 0.001 for a, b in zip(stamps_of(once), seconds, strict=True))
    assert stamps_of(once) == stamps_of(again)
