"""The later frames of a video, read from a key frame on, are those that reading it all gives."""

import shutil
from fractions import Fraction

import numpy as np
import pytest
from clips import write_clip, write_images

from vrestore.media.reader import Excerpt, open_video

FRAMES = 40
GROUPS = {"g": "8"}
KINDS = {
    "h264.mp4": {"options": {**GROUPS, "bf": "3"}},
    "open-groups.mkv": {"options": {**GROUPS, "bf": "3", "x264-params": "open-gop=1:b-adapt=0"}},
    "mpeg4.avi": {"codec": "mpeg4", "options": GROUPS},
    "vp9.webm": {"codec": "libvpx-vp9", "options": {**GROUPS, "deadline": "realtime", "cpu-used": "8"}},
    "ffv1.mkv": {"codec": "ffv1"},
    "varying.mp4": {"stamps": np.cumsum(np.random.default_rng(1).integers(1, 3000, FRAMES)).tolist()},
}

HARD = {
    "refreshed.mkv": {"options": {"x264-params": "intra-refresh=1:keyint=8"}},
    "stream.ts": {"options": GROUPS},
}


@pytest.fixture(params=KINDS, ids=KINDS)
def source(request, tmp_path):
    return write_clip(tmp_path / request.param, frames=FRAMES, noise=True, **KINDS[request.param])


def frames_of(source, **words):
    with open_video(source, **words) as reader:
        return [(frame.index, frame.pts, [plane.copy() for plane in frame.planes]) for frame in reader]


def excerpt_of(whole, position, **words):
    (first_index, first_pts, _), (index, pts, _) = whole[0], whole[position]
    return Excerpt(index, pts, first_index, first_pts, **words)


def assert_same(some, others):
    for (*numbers, planes), (*other_numbers, other_planes) in zip(some, others, strict=True):
        assert numbers == other_numbers
        assert all((a == b).all() for a, b in zip(planes, other_planes, strict=True))


def test_an_excerpt_is_the_end_of_the_whole(source):
    whole = frames_of(source)
    for position in (0, 1, 15, 16, 17, FRAMES - 1):
        assert_same(frames_of(source, excerpt=excerpt_of(whole, position)), whole[position:])


@pytest.mark.parametrize("kind", HARD)
def test_where_a_file_is_entered_too_late_the_times_of_the_frames_tell(kind, tmp_path):
    source = write_clip(tmp_path / kind, frames=FRAMES, noise=True, **HARD[kind])
    whole = frames_of(source)
    sought = frames_of(source, excerpt=excerpt_of(whole, 12))
    assert [pts for _, pts, _ in sought] != [pts for _, pts, _ in whole[12:]]
    assert_same(frames_of(source, excerpt=excerpt_of(whole, 12, is_sought=False)), whole[12:])


def test_the_reader_of_an_excerpt_says_what_the_whole_one_says(source):
    whole = frames_of(source, start=5, stop=30)
    with (
        open_video(source, start=5, stop=30) as one,
        open_video(source, start=5, stop=30, excerpt=excerpt_of(whole, 9)) as other,
    ):
        assert other.meta == one.meta
        assert (other.first_index, other.first_pts) == (one.first_index, one.first_pts)
        assert other.first_picture.pts == one.first_picture.pts


def test_an_excerpt_is_not_read_from_the_beginning(tmp_path):
    """What lies between the first frames and the excerpt may be gone."""
    source = write_clip(tmp_path / "in.mkv", frames=FRAMES, noise=True, codec="ffv1")
    whole = frames_of(source)
    with open_video(source, excerpt=excerpt_of(whole, 30)) as reader:
        list(reader)
        assert reader.damage.corrupt_packets == 0
    other = tmp_path / "other.mkv"
    shutil.copy(source, other)
    data = bytearray(other.read_bytes())
    data[len(data) // 3 : len(data) // 2] = bytes(len(data) // 2 - len(data) // 3)
    other.write_bytes(data)
    assert_same(frames_of(other, excerpt=excerpt_of(whole, 30)), whole[30:])


@pytest.mark.parametrize("is_sought", [True, False], ids=["sought", "counted"])
def test_an_excerpt_of_images_begins_with_its_image(tmp_path, is_sought):
    folder = write_images(tmp_path / "images", [f"{number}.png" for number in range(6)])
    whole = frames_of(folder, rate=Fraction(10))
    found = frames_of(folder, rate=Fraction(10), excerpt=excerpt_of(whole, 4, is_sought=is_sought))
    assert_same(found, whole[4:])
