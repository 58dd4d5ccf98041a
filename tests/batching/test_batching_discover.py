"""Which files of a folder are worked on, under which names, with which masks."""

import os
from pathlib import Path

import numpy as np
import pytest
from clips import write_images, write_pictures
from hypothesis import given
from hypothesis import strategies as st

from vrestore.batching.discover import Selection, find_videos, mask_for, name_of
from vrestore.errors import InputError, MaskError, UsageError
from vrestore.media.images.sequence import by_number


def made(folder, *names):
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)
    return folder


def found(folder, *, without=(), **selection):
    return [path.as_posix() for path in find_videos(folder, Selection(**selection), without=without)]


def test_videos_are_found_in_sub_folders_in_natural_order(tmp_path):
    made(tmp_path, "b10.mp4", "b9.MKV", "sub/deep/c.mov", "notes.txt", ".hidden.mp4", ".git/d.mp4")
    assert found(tmp_path) == ["b9.MKV", "b10.mp4", "sub/deep/c.mov"]


def test_masks_beside_their_videos_are_no_videos(tmp_path):
    assert found(made(tmp_path, "clip.mp4", "clip.mask.mkv")) == ["clip.mp4"]


@pytest.mark.parametrize(
    ("selection", "expected"),
    [
        ({"include": ("*.MP4",)}, ["a.mp4", "sub/c.mp4"]),
        ({"include": ("sub/*",)}, ["sub/c.mp4", "sub/d.mkv"]),
        ({"exclude": ("sub/*",)}, ["a.mp4", "b.mkv"]),
        ({"include": ("*.xyz",)}, ["e.xyz"]),
        ({"include": ("*.mp4",), "exclude": ("C*",)}, ["a.mp4"]),
    ],
    ids=str,
)
def test_patterns_choose(tmp_path, selection, expected):
    made(tmp_path, "a.mp4", "b.mkv", "e.xyz", "sub/c.mp4", "sub/d.mkv")
    assert found(tmp_path, **selection) == expected


def test_every_file_is_found_once_whatever_its_names(tmp_path):
    made(tmp_path, "sub/real.mp4")
    (tmp_path / "a_link.mp4").symlink_to("sub/real.mp4")
    os.link(tmp_path / "sub" / "real.mp4", tmp_path / "sub" / "second.mp4")
    (tmp_path / "a_folder").symlink_to("sub")
    assert found(tmp_path) == ["sub/real.mp4"]


def test_links_that_lead_back_end(tmp_path):
    made(tmp_path, "sub/a.mp4")
    (tmp_path / "sub" / "up").symlink_to("..")
    (tmp_path / "sub" / "self").symlink_to("self")
    (tmp_path / "sub" / "one.mp4").symlink_to("two.mp4")
    (tmp_path / "sub" / "two.mp4").symlink_to("one.mp4")
    (tmp_path / "sub" / "nowhere.mp4").symlink_to("gone.mp4")
    assert found(tmp_path) == ["sub/a.mp4"]


def test_a_linked_folder_outside_is_followed(tmp_path):
    made(tmp_path, "elsewhere/a.mp4", "in/b.mp4")
    (tmp_path / "in" / "more").symlink_to(tmp_path / "elsewhere")
    assert found(tmp_path / "in") == ["b.mp4", "more/a.mp4"]


def test_folders_that_are_left_out_are_not_entered(tmp_path):
    made(tmp_path, "a.mp4", "out/a.mp4", "masks/a.mkv")
    assert found(tmp_path, without=[tmp_path / "out", tmp_path / "masks", tmp_path / "none"]) == ["a.mp4"]


@pytest.mark.parametrize("name", ["none", "file", "empty"])
def test_nothing_to_do_is_one_clear_line(tmp_path, name):
    (tmp_path / "file").write_text("x")
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match=r"is no folder|holds no video; --include"):
        find_videos(tmp_path / name, Selection())


def test_a_folder_that_may_not_be_read_is_one_clear_line(tmp_path, monkeypatch):
    made(tmp_path, "sub/a.mp4")
    listed = Path.iterdir

    def refuse(path):
        if path.name == "sub":
            raise PermissionError(13, "Permission denied")
        return listed(path)

    monkeypatch.setattr(Path, "iterdir", refuse)
    with pytest.raises(InputError, match=r"sub' cannot be read \(permission denied\)"):
        find_videos(tmp_path, Selection())


@given(st.lists(st.text(alphabet="a1²٣é_ ", min_size=1, max_size=6), unique=True))
def test_any_names_can_be_put_in_order(names):
    """`²` is a digit to str.isdigit and no number to int."""
    assert sorted(sorted(map(Path, names), key=by_number)) == sorted(map(Path, names))


@pytest.mark.parametrize(
    ("template", "expected"),
    [("{name}", "a.b.mp4"), ("{stem}.clean{suffix}", "a.b.clean.mp4"), ("{stem}.mkv", "a.b.mkv")],
)
def test_a_template_names_targets(template, expected):
    assert name_of(template, Path("sub/a.b.mp4")) == expected


@pytest.mark.parametrize(
    "template", ["", "..", "x/{name}", "{parent}", "{}", "{stem.__class__}", "{name", "a\\b", "{stem!r}"]
)
def test_a_template_that_is_no_name_is_refused(template):
    with pytest.raises(UsageError, match="--name"):
        name_of(template, Path("a.mp4"))


@pytest.mark.parametrize("name", ["clip.png", "clip.TIF", "clip.mask.mkv", "clip.mkv", "clip.mask.png"])
def test_a_mask_is_found_by_the_name(tmp_path, name):
    made(tmp_path, f"sub/{name}", "sub/clip2.png", "clip.png")
    assert mask_for(Path("sub/clip.mp4"), tmp_path) == tmp_path / "sub" / name


def test_a_mask_may_be_a_folder(tmp_path):
    (tmp_path / "clip").mkdir()
    assert mask_for(Path("clip.mp4"), tmp_path) == tmp_path / "clip"


def test_no_mask_and_two_masks_are_clear_lines(tmp_path):
    with pytest.raises(
        MaskError, match=r"no mask for 'sub/clip.mp4' in .*: clip.png, clip/ or clip.mask.mkv"
    ):
        mask_for(Path("sub/clip.mp4"), tmp_path)
    made(tmp_path, "clip.png", "clip.mask.mkv")
    with pytest.raises(
        MaskError, match=r"more than one mask in .*: 'clip.mask.mkv' and 'clip.png'; keep one"
    ):
        mask_for(Path("clip.mp4"), tmp_path)


def test_found_masks_are_masks(tmp_path):
    """What the words promise is what the reader of masks takes."""
    from vrestore.masks.files import open_mask_file

    write_pictures(tmp_path / "a.mask.mkv", [np.eye(4, 6, dtype=np.uint8) * 255] * 2)
    write_images(tmp_path / "b", ["1.png"])
    write_images(tmp_path, ["c.png"])
    for stem in "abc":
        assert next(open_mask_file(mask_for(Path(f"{stem}.mp4"), tmp_path)).images())
