"""What a second look finds in a result: a rim, a shadow, a hole that was not filled, or nothing."""

import json

import numpy as np
import pytest
from typer.testing import CliRunner

from tests.clips import write_pictures
from tests.textured import panned, texture
from vrestore.cli.main import build_app
from vrestore.errors import InputError, UsageError
from vrestore.masks.options import MaskWords
from vrestore.methods.leftovers.verify import verify

HEIGHT, WIDTH, FRAMES, RADIUS = 96, 200, 22, 14
EXACT = {"grow": 0, "feather": 0}


def disc(index, *, radius=RADIUS, below=0, right=0):
    """Where the object stands: it crosses the picture while the camera pans."""
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    return np.hypot(x - 40 - 6 * index - right, y - 42 - 8 * np.sin(index / 5) - below) <= radius


def scene(*, shade=0.0, object_at=disc, radius=RADIUS):
    """Yield RGB pictures of a texture that the camera pans over, with an object of another and its shadow."""
    behind = panned(
        texture(HEIGHT, WIDTH + 40, seed=1), count=FRAMES, height=HEIGHT, width=WIDTH, step=(1.5, 0)
    )
    before = texture(HEIGHT, WIDTH, seed=2)
    for index, picture in enumerate(behind):
        picture[:, disc(index, below=12, right=4)] *= 1 - shade
        inside = object_at(index, radius=radius)
        moved = np.roll(before, 6 * index, axis=2)
        picture[:, inside] = 0.4 * moved[:, inside] + np.array([0.55, 0.4, 0.05])[:, None]
        yield np.rint(picture.transpose(1, 2, 0).clip(0, 1) * 255).astype(np.uint8)


def nothing(index, *, radius):
    return np.zeros((HEIGHT, WIDTH), bool)


def ring(index, *, radius):
    return disc(index) & ~disc(index, radius=radius)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Results in which the hole is filled with what is really behind it."""
    folder = tmp_path_factory.mktemp("verified")
    write_pictures(folder / "clip.mkv", scene(shade=0.4), layout="yuv444p")
    write_pictures(folder / "clean.mkv", scene(object_at=nothing), layout="yuv444p")
    write_pictures(folder / "rim.mkv", scene(object_at=ring, radius=RADIUS - 4), layout="yuv444p")
    write_pictures(folder / "shadow.mkv", scene(shade=0.4, object_at=nothing), layout="yuv444p")
    for name, radius in (("mask", RADIUS), ("narrow", RADIUS - 4)):
        write_pictures(
            folder / f"{name}.mkv", (disc(index, radius=radius) * np.uint8(255) for index in range(FRAMES))
        )
    return folder


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
