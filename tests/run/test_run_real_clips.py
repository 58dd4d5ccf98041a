"""Real clips with their annotated object: the command's call ends well and every frame keeps its time."""

import av
import pytest

import vrestore

CLIPS = ("cows", "drift-straight", "horsejump-high", "libby", "parkour")


def stamps(path):
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        return sorted(packet.pts * stream.time_base for packet in container.demux(stream) if packet.size)


@pytest.mark.slow
@pytest.mark.data
@pytest.mark.parametrize("name", CLIPS)
def test_an_object_is_removed_and_every_frame_keeps_its_time(data, tmp_path, name):
    source = data / "val" / "inpaint" / f"davis_{name}.mp4"
    target = tmp_path / "out.mp4"
    mask = source.with_suffix(".object.mkv")
    report = vrestore.inpaint(source, mask=mask, target=target, grow=6, quality="draft")
    assert (report.exit_code, report.damage, report.frames) == (0, [], len(stamps(source)))
    assert stamps(target) == stamps(source)
