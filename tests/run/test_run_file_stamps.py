"""A source or mask that changes under a run is told from one that stays."""

import os

import numpy as np
import pytest
from clips import write_clip, write_images, write_pictures

import vrestore
from vrestore.errors import InputError
from vrestore.run.file_stamps import check_unchanged, files_behind, stamps_of

BOX = "20,16,12,10"


def grown(path):
    with path.open("ab") as file:
        file.write(b"more")


def touched(path):
    os.utime(path, ns=(1, 2))


def replaced(path):
    other = path.with_name("other")
    other.write_bytes(path.read_bytes())
    os.utime(other, ns=(path.stat().st_atime_ns, path.stat().st_mtime_ns))
    other.replace(path)


@pytest.mark.parametrize(
    ("change", "what"),
    [(grown, "changed"), (touched, "changed"), (replaced, "changed"), (os.unlink, "vanished")],
    ids=["grown", "touched", "replaced", "removed"],
)
def test_a_source_that_changes_while_it_is_read_is_refused(tmp_path, change, what):
    clip = write_clip(tmp_path / "clip.mp4")

    def progress(event):
        if event.frame == 4:
            change(clip)

    with pytest.raises(InputError, match=f"clip.mp4' {what} while it was read; run again"):
        vrestore.inpaint(clip, box=BOX, target=tmp_path / "out.mp4", progress=progress)
    assert not {path.name for path in tmp_path.iterdir()} - {"clip.mp4"}


def test_a_mask_that_changes_while_the_video_is_read_is_refused(tmp_path):
    clip = write_clip(tmp_path / "clip.mp4")
    mask = write_pictures(tmp_path / "mask.mkv", [np.eye(48, 64, dtype=np.uint8) * 255] * 8)

    def progress(event):
        if event.frame == 4:
            grown(mask)

    with pytest.raises(InputError, match=r"mask.mkv' changed"):
        vrestore.inpaint(clip, mask=mask, target=tmp_path / "out.mp4", progress=progress)


def test_a_clock_that_jumps_does_no_harm(tmp_path, monkeypatch):
    """Neither the wall clock nor files from the future are compared with anything but themselves."""
    clip = write_clip(tmp_path / "clip.mp4")
    os.utime(clip, ns=(2**62, 2**62))
    moments = iter(range(10**9, 0, -(10**5)))
    monkeypatch.setattr("time.time", lambda: float(next(moments)))
    assert vrestore.inpaint(clip, box=BOX, target=tmp_path / "out.mp4").frames == 8


def test_what_a_source_stands_for(tmp_path):
    folder = write_images(tmp_path / "frames", ["1.png", "2.png"])
    assert files_behind("-") == []
    assert files_behind(tmp_path / "none.mp4") == [tmp_path / "none.mp4"]
    assert files_behind(folder) == files_behind(folder / "%d.png") == [folder / "1.png", folder / "2.png"]


def test_images_of_a_folder_are_watched_one_by_one(tmp_path):
    folder = write_images(tmp_path / "frames", ["1.png", "2.png"])
    before = stamps_of([folder])
    check_unchanged(before)
    touched(folder / "2.png")
    with pytest.raises(InputError, match=r"2.png' changed"):
        check_unchanged(before)
