"""What `import vrestore` offers."""

import pytest
from clips import planes_in, write_clip

import vrestore


@pytest.fixture
def clip(tmp_path):
    return write_clip(tmp_path / "clip.mp4")


def test_all_that_is_offered_is_there_and_described():
    assert dir(vrestore) == [
        "__version__",
        "batch",
        "batch_run",
        "dehaze",
        "inpaint",
        "open_video",
        "plan_dehaze",
        "plan_inpaint",
    ]
    assert all(getattr(vrestore, name).__doc__ for name in dir(vrestore))


def test_what_is_not_offered_is_an_attribute_error():
    with pytest.raises(AttributeError, match="module 'vrestore' has no attribute 'colorise'"):
        _ = vrestore.colorise


def test_a_video_can_be_read_frame_by_frame(clip):
    with vrestore.open_video(clip, start=2, stop=6) as reader:
        frames = list(reader)
    assert [frame.index for frame in frames] == [2, 3, 4, 5]
    for frame, planes in zip(frames, planes_in(clip)[2:6], strict=True):
        assert all((a == b).all() for a, b in zip(frame.planes, planes, strict=True))


def test_paths_may_be_words_or_paths(clip, tmp_path):
    one = vrestore.plan_inpaint(clip, box="1,1,9,9", memory="2GiB")
    other = vrestore.plan_inpaint(str(clip), box=["1,1,9,9"], memory=2**31)
    assert one == other
    assert one.target == str(tmp_path / "clip.inpaint.mp4")
