"""AVI has places instead of times: the next picture shown has the next one."""

from fractions import Fraction

import av
import pytest
from clips import stamps_of, write_clip
from passing import restore

from vrestore.media.probe import probe
from vrestore.media.reader import open_video
from vrestore.media.timing.places import PlaceClock

TICK = Fraction(1, 25)
REORDERED = {"bf": "3", "g": "12"}
OPTIONS = {
    "h264": ("libx264", REORDERED),
    "h264-pyramid": ("libx264", {"x264-params": "b-pyramid=strict:bframes=5:ref=6"}),
    "h264-in-order": ("libx264", {"bf": "0"}),
    "mpeg4": ("mpeg4", {"bf": "2"}),
    "mpeg2": ("mpeg2video", {"bf": "2"}),
}


def seconds_of(path):
    with open_video(path) as reader:
        return [frame.pts * reader.meta.time_base for frame in reader]


@pytest.mark.parametrize("name", OPTIONS)
def test_reordered_pictures_follow_each_other_evenly(tmp_path, name):
    codec, options = OPTIONS[name]
    source = write_clip(tmp_path / "in.avi", frames=20, codec=codec, options=options, time_base=TICK)
    found = seconds_of(source)
    assert [seconds - found[0] for seconds in found] == [index * TICK for index in range(20)]
    assert probe(source)["picture"]["timestamps"] == "even"


def test_they_do_so_in_a_container_with_times(tmp_path):
    source = write_clip(tmp_path / "in.avi", frames=20, options=REORDERED, time_base=TICK)
    restore(source, tmp_path / "out.mkv")
    assert stamps_of(tmp_path / "out.mkv") == [index * TICK for index in range(20)]


def test_empty_places_stay_gaps_and_are_no_frames(tmp_path):
    stamps = [0, 1, 2, 3, 8, 9, 10, 11]
    source = write_clip(tmp_path / "in.avi", codec="mpeg4", stamps=stamps, time_base=TICK)
    assert seconds_of(source) == [stamp * TICK for stamp in stamps]
    with open_video(source) as reader:
        assert reader.meta.frame_count == 8


def test_a_stretch_of_it_has_the_numbers_and_times_of_the_whole(tmp_path):
    source = write_clip(
        tmp_path / "in.avi", frames=40, options={**REORDERED, "x264-params": "open-gop=1"}, time_base=TICK
    )
    with open_video(source, start="30", stop="35") as reader:
        assert [(frame.index, frame.pts) for frame in reader] == [(n, n) for n in range(30, 35)]


def test_after_a_picture_that_never_came_the_others_are_in_time_again():
    context = av.CodecContext.create("h264", "r")
    clock = PlaceClock(context)
    shown = {}
    for number in range(60):
        packet = av.Packet(b"picture")
        packet.dts = number
        clock.note(packet)
        if number == 10:
            continue  # lost
        picture = av.VideoFrame(16, 16, "yuv420p")
        picture.opaque = packet.opaque
        shown[number] = next(iter(clock.placed([picture]))).pts
    assert [shown[number] for number in range(10)] == list(range(10))
    assert [shown[number] for number in range(30, 60)] == list(range(30, 60))
    assert sorted(set(shown.values())) == list(shown.values())
