"""What a second look finds in a result: a rim, a shadow, a hole that was not filled, or nothing."""

import json

import numpy as np
import pytest
from typer.testing import CliRunner

from tests.clips import write_pictures
from tests.leftovers import EXACT, FRAMES, scene
from vrestore.cli.main import build_app
from vrestore.errors import InputError, UsageError
from vrestore.masks.options import MaskWords
from vrestore.methods.leftovers.verify import verify


@pytest.mark.parametrize(
    ("result", "mask", "kinds"),
    [
        pytest.param("clean", "mask", set(), id="clean", marks=pytest.mark.slow),
        pytest.param("rim", "narrow", {"rim"}, id="rim"),
        pytest.param("shadow", "mask", {"shadow"}, id="shadow", marks=pytest.mark.slow),
        pytest.param("clip", "mask", {"untouched"}, id="untouched", marks=pytest.mark.slow),
    ],
)
def test_what_is_left_is_found_and_nothing_else(folder, result, mask, kinds):
    words = MaskWords(mask=folder / f"{mask}.mkv", **EXACT)
    found = verify(folder / "clip.mkv", folder / f"{result}.mkv", words)
    assert {each.kind for each in found.found} == kinds
    assert found.exit_code == (11 if kinds else 0)
    assert (found.frames, found.looked_at) == (FRAMES, FRAMES)
    assert sum(each.stop - each.start for each in found.found) >= len(kinds) * 0.8 * FRAMES
    if kinds == {"rim"}:
        assert 4 <= found.grow <= 7


@pytest.mark.slow
def test_the_command_tells_times_and_what_to_do(folder):
    words = [str(folder / "clip.mkv"), str(folder / "rim.mkv"), "--mask", str(folder / "narrow.mkv")]
    words += ["--grow", "0", "--feather", "0", "--progress", "none"]
    told = CliRunner().invoke(build_app(), ["verify", *words])
    assert told.exit_code == 11
    assert "a rim of what was removed is left, about" in told.output
    assert "for the rim inpaint again with --grow" in told.output
    written = json.loads(CliRunner().invoke(build_app(), ["verify", *words, "--json"]).output)
    assert written["exit_code"] == 11
    assert written["found"][0]["kind"] == "rim"


def test_what_does_not_belong_together_is_refused_in_one_line(folder, tmp_path):
    mask = MaskWords(mask=folder / "mask.mkv")
    other = write_pictures(tmp_path / "other.mkv", list(scene())[:-1], layout="yuv444p")
    small = write_pictures(tmp_path / "small.mkv", [np.zeros((32, 48), np.uint8)])
    with pytest.raises(InputError, match=r"48x32; give a video and what was made of it"):
        verify(folder / "clip.mkv", small, mask)
    with pytest.raises(InputError, match=r"21 frames.*; give a video and what was made of all of it"):
        verify(folder / "clip.mkv", other, mask)
    with pytest.raises(UsageError, match="neither can be -"):
        verify(folder / "clip.mkv", "-", mask)
