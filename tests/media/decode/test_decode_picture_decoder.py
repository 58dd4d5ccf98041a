"""A damaged packet costs its own frame and nothing else, whatever number of threads decodes."""

from fractions import Fraction

import av
import numpy as np
import pytest
from clips import write_clip

from vrestore.media.container.demux import FileFeed
from vrestore.media.reader import Excerpt, open_video

THREADS = [2, 9, 16]
ONE_SLICE = {"x264-params": "slices=1:threads=1", "preset": "veryfast"}
NO_B_FRAMES = ONE_SLICE | {"bf": "0", "g": "50"}
B_FRAMES = ONE_SLICE | {"bf": "3", "g": "8", "x264-params": "slices=1:threads=1:b-adapt=0:open-gop=1"}
TOO_LONG = b"\0\xff\xff\xff"  # a unit longer than its packet


def damaged(path, number, *, options, at=0, by=TOO_LONG, **clip):
    """Write a clip of 25 frames and spoil the packet of that number in the order of decoding."""
    source = write_clip(path, frames=25, options=options, **clip)
    with av.open(str(source)) as container:
        packets = [packet for packet in container.demux(video=0) if packet.size]
    place = packets[number].pos + (packets[number].size * at // 100)
    data = bytearray(source.read_bytes())
    data[place : place + len(by)] = by
    source.write_bytes(data)
    return source


def read(source, threads, **words):
    """Return what a reader gives: number, time and samples of each frame, and what it says of damage."""
    with open_video(source, threads=threads, **words) as reader:
        frames = [
            (frame.index, frame.pts, [plane.copy() for plane in frame.planes], frame.carrier.is_corrupt)
            for frame in reader
        ]
        return frames, reader.damage


def assert_same(found, wanted):
    assert found[1] == wanted[1]
    assert [frame[:2] for frame in found[0]] == [frame[:2] for frame in wanted[0]]
    for one, other in zip(found[0], wanted[0], strict=True):
        assert one[3] == other[3]
        for plane, expected in zip(one[2], other[2], strict=True):
            np.testing.assert_array_equal(plane, expected)


@pytest.mark.parametrize("number", [21, 24, 5])
def test_what_cannot_be_decoded_costs_its_own_frame(tmp_path, number):
    """Near the end a decoder with threads lost all behind it, without a word."""
    source = damaged(tmp_path / "in.mp4", number, options=NO_B_FRAMES)
    alone = read(source, 1)
    assert len(alone[0]) == 24
    assert alone[1].texts == ("1 packet of the picture could not be decoded",)
    for threads in THREADS:
        assert_same(read(source, threads), alone)


@pytest.mark.parametrize("number", [5, 12, 17])
def test_what_is_mended_is_mended_the_same_way(tmp_path, number):
    """Frames that were made from it are shown before it too."""
    source = damaged(tmp_path / "in.mkv", number, options=B_FRAMES, at=60, by=b"\x5a" * 8)
    alone = read(source, 1)
    assert len(alone[0]) == 25
    for threads in THREADS:
        assert_same(read(source, threads), alone)


@pytest.mark.parametrize("words", [{"start": 18}, {"start": 3, "stop": 23}], ids=str)
def test_a_part_of_the_video_is_the_same_too(tmp_path, words):
    source = damaged(tmp_path / "in.mkv", 21, options=B_FRAMES)
    assert_same(read(source, 9, **words), read(source, 1, **words))


def test_what_comes_after_a_seek_is_the_same_too(tmp_path):
    source = damaged(tmp_path / "in.mp4", 22, options=B_FRAMES)
    with open_video(source, threads=1) as reader:
        stamps = [frame.pts for frame in reader]
    words = {"excerpt": Excerpt(index=17, pts=stamps[17], first_index=0, first_pts=stamps[0])}
    assert_same(read(source, 9, **words), read(source, 1, **words))
    assert len(read(source, 9, **words)[0]) == len(stamps) - 17


@pytest.mark.parametrize("extension", [".mp4", ".mkv", ".ts"])
@pytest.mark.parametrize("options", [NO_B_FRAMES, B_FRAMES], ids=["no B", "B"])
def test_a_healthy_file_is_opened_once(tmp_path, monkeypatch, extension, options):
    source = write_clip(tmp_path / f"in{extension}", frames=25, options=options)
    monkeypatch.setattr(FileFeed, "again", lambda _self: pytest.fail("opened once more"))
    frames, damage = read(source, 9)
    assert (len(frames), damage.texts) == (25, ())


def test_frames_of_avi_keep_their_places(tmp_path):
    """There a place belongs to each packet, also to one that cannot be decoded."""
    source = damaged(tmp_path / "in.avi", 12, options=B_FRAMES, time_base=Fraction(1, 25))
    alone = read(source, 1)
    assert_same(read(source, 9), alone)
    assert len(alone[0]) < 25


@pytest.mark.parametrize("number", [3, 12, 20])
def test_hevc_that_is_made_from_a_missing_picture_is_not_lost_too(tmp_path, number):
    options = {"x265-params": "log-level=none:keyint=40"}
    source = damaged(tmp_path / "in.mp4", number, options=options, codec="libx265")
    alone = read(source, 1)
    assert len(alone[0]) == 24
    assert "1 packet of the picture could not be decoded" in alone[1].texts
    for threads in THREADS:
        assert_same(read(source, threads), alone)


def test_a_recording_of_hevc_begins_with_its_first_whole_picture(tmp_path):
    """As one of a broadcast does, which begins between two key frames."""
    options = {"x265-params": "log-level=none:keyint=12:min-keyint=12"}
    whole = write_clip(tmp_path / "in.ts", frames=36, options=options, codec="libx265").read_bytes()
    (tmp_path / "cut.ts").write_bytes(whole[len(whole) // 4 // 188 * 188 :])
    for threads in (1, 9):
        frames, damage = read(tmp_path / "cut.ts", threads)
        assert (len(frames), damage.texts) == (24, ())
