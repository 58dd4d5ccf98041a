"""A video that is read from a later frame on is not decoded from its beginning, and gives the same."""

from fractions import Fraction

import av
import pytest
from clips import with_company, write_clip, write_images

from vrestore.errors import InputError
from vrestore.media.container.demux import FileFeed
from vrestore.media.container.seek_point import MOST_REORDERED, find_decode_start
from vrestore.media.container.times import FrameNumber, Seconds
from vrestore.media.reader import VideoReader, open_video

FRAMES = 90
GROUPS = {"g": "8"}
FAST = {**GROUPS, "deadline": "realtime", "cpu-used": "8"}
KINDS = {
    "h264.mp4": {"options": {**GROUPS, "bf": "3"}},
    "open-groups.mkv": {"options": {**GROUPS, "bf": "3", "x264-params": "open-gop=1:b-adapt=0"}},
    "refreshed.mkv": {"options": {"x264-params": "intra-refresh=1:keyint=8"}},
    "open-groups.ts": {"options": {**GROUPS, "bf": "3", "x264-params": "open-gop=1:b-adapt=0"}},
    "hevc.mp4": {"codec": "libx265", "options": {**GROUPS, "x265-params": "open-gop=1:log-level=none"}},
    "mpeg2.mkv": {"codec": "mpeg2video", "options": {**GROUPS, "bf": "2"}, "time_base": Fraction(1, 25)},
    "vp8.webm": {"codec": "libvpx", "options": {**FAST, "auto-alt-ref": "1", "lag-in-frames": "16"}},
    "vp9.webm": {"codec": "libvpx-vp9", "options": {**FAST, "auto-alt-ref": "1", "lag-in-frames": "16"}},
    "mpeg4.avi": {"codec": "mpeg4", "options": {**GROUPS, "bf": "2"}},
    "ffv1.mkv": {"codec": "ffv1"},
    "one-key.mp4": {"options": {"g": "999"}},
}
VARYING = [100 * number + 37 * (number % 3) + 512 for number in range(FRAMES)]


def frames_of(source, **words):
    with open_video(source, **words) as reader:
        frames = [(frame.index, frame.pts, [plane.copy() for plane in frame.planes]) for frame in reader]
        assert not reader.damage.texts
        return frames


def assert_same(some, others):
    for (*numbers, planes), (*other_numbers, other_planes) in zip(some, others, strict=True):
        assert numbers == other_numbers
        assert all((a == b).all() for a, b in zip(planes, other_planes, strict=True))


def entry_of(source, start):
    with av.open(str(source)) as container:
        stream = container.streams.video[0]
        first = next(container.decode(stream)).pts
        container.seek(0)
    with av.open(str(source)) as container:
        stream = container.streams.video[0]
        return find_decode_start(
            container.demux(stream),
            stream.codec_context.codec.canonical_name,
            start,
            first_pts=first,
            time_base=stream.time_base,
        )


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_read_from_a_frame_on_is_the_end_of_the_whole(kind, tmp_path):
    source = write_clip(tmp_path / kind, frames=FRAMES, noise=True, **KINDS[kind])
    whole = frames_of(source)
    for start in (1, 15, 16, 17, 40, 63, FRAMES - 1):
        assert_same(frames_of(source, start=start), whole[start:])


@pytest.mark.parametrize("start", ["0.1s", "0.31s", "0.6s", "0.69s"])
def test_times_are_found_where_frames_come_at_no_constant_rate(start, tmp_path):
    source = write_clip(tmp_path / "in.mp4", frames=FRAMES, stamps=VARYING, options=GROUPS)
    seconds = Fraction(start.removesuffix("s"))
    whole = frames_of(source)
    base = Fraction(1, 12800)
    assert_same(
        frames_of(source, start=start),
        [frame for frame in whole if (frame[1] - whole[0][1]) * base >= seconds],
    )


def test_a_row_of_images_is_entered_at_the_image(tmp_path):
    folder = write_images(tmp_path / "images", [f"{number}.png" for number in range(12)])
    whole = frames_of(folder)
    (folder / "4.png").write_bytes(b"no image any more")
    assert_same(frames_of(folder, start=7), whole[7:])
    assert_same(frames_of(folder, start="0.3s", stop=10), whole[8:10])


def test_what_lies_before_is_not_decoded(tmp_path):
    """It may be damaged, and nobody is told."""
    source = write_clip(tmp_path / "in.mkv", frames=FRAMES, noise=True, codec="ffv1")
    whole = frames_of(source)
    spoil(source, range(20, 30))
    assert_same(frames_of(source, start=60), whole[60:])


def test_where_other_frames_come_than_were_counted_all_is_decoded(tmp_path):
    options = {"g": "30", "bf": "0", "sc_threshold": "0"}
    source = write_clip(tmp_path / "in.mp4", frames=FRAMES, noise=True, options=options)
    spoil(source, [10, 11, 62, 63])
    with open_video(source) as reader, open_video(source, start=80) as other:
        whole = [(frame.index, frame.pts) for frame in reader]
        assert len(whole) < FRAMES
        assert [(frame.index, frame.pts) for frame in other] == whole[80:]
        assert reader.damage == other.damage


@pytest.mark.parametrize("start", ["40", "2.5s"])
def test_other_streams_are_the_same_as_where_all_is_decoded(start, tmp_path):
    company = with_company(seconds=FRAMES / 25)
    source = write_clip(tmp_path / "in.mkv", frames=FRAMES, noise=True, options=GROUPS, beside=company)
    moment = FrameNumber(40) if start == "40" else Seconds(Fraction(start.removesuffix("s")))

    def packets(*, enters):
        feed = FileFeed(str(source), name="in", threads=1)
        with VideoReader(feed, start=moment, enters=enters) as reader:
            got = reader.claim(frozenset(stream.index for stream in feed.container.streams))
            seconds = [frame.pts for frame in reader]
            return seconds, [(packet.stream_index, packet.pts, bytes(packet)) for packet in got]

    assert packets(enters=True) == packets(enters=False)


def test_an_entry_is_a_key_frame_before_the_last_one(tmp_path):
    source = write_clip(tmp_path / "in.mp4", frames=FRAMES, options={**GROUPS, "bf": "2"})
    entry = entry_of(source, FrameNumber(45))
    assert (entry.packet, entry.index, entry.pts) == (32, 40, 40 * 512)
    assert entry.stamps[:6] == [512 * index for index in range(40, 46)]
    assert len(entry.stamps) <= 45 - 40 + MOST_REORDERED + 2
    assert entry_of(source, Seconds(Fraction(45, 25))) == entry
    assert entry_of(source, FrameNumber(15)).packet == 0
    assert entry_of(source, FrameNumber(7)) is None
    assert entry_of(source, FrameNumber(FRAMES)) is None


def test_where_time_begins_anew_frames_are_not_counted(tmp_path):
    parts = [
        write_clip(
            tmp_path / f"{shift}.ts", frames=FRAMES, noise=True, options=GROUPS,
            stamps=[shift + 512 * number for number in range(FRAMES)],
        )
        for shift in (0, 256)
    ]  # fmt: skip
    source = tmp_path / "in.ts"
    source.write_bytes(b"".join(part.read_bytes() for part in parts))
    assert entry_of(source, FrameNumber(FRAMES + 40)) is None
    with open_video(source) as reader, open_video(source, start=FRAMES + 40) as other:
        whole = [(frame.index, frame.pts) for frame in reader]
        assert [(frame.index, frame.pts) for frame in other] == whole[FRAMES + 40 :]


@pytest.mark.parametrize(("start", "stop"), [(50, 50), ("2s", "1s"), (50, 3)])
def test_nothing_between_start_and_stop_is_an_error_there_too(start, stop, tmp_path):
    source = write_clip(tmp_path / "in.mp4", frames=FRAMES, options=GROUPS)
    with pytest.raises(InputError, match="no frame between start and stop"):
        open_video(source, start=start, stop=stop)


def spoil(source, numbers):
    """Overwrite most of some packets' bytes."""
    with av.open(str(source)) as container:
        packets = [bytes(packet) for packet in container.demux(video=0) if packet.size]
    content = source.read_bytes()
    for number in numbers:
        packet = packets[number]
        assert content.count(packet) == 1
        content = content.replace(packet, packet[:5] + bytes(len(packet) - 5))
    source.write_bytes(content)
