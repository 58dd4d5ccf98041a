"""`vrestore inpaint --method tsam` from words to file: what the network does, and what is told of it."""

import json

import av
import numpy as np
import pytest
from clips import stamps_of, write_clip
from networks import small
from typer.testing import CliRunner

from vrestore.cli.main import build_app
from vrestore.media.preview.provenance_map import BLENDED, COPIED, FUTURE, PAINTED, PAST
from vrestore.models.cards import Card
from vrestore.models.tsam.config import SMALL
from vrestore.models.weights import save_weights

BOX = "--box=20,16,12,10"
CARD = Card("drawn", "1", SMALL.name, "Paints.", "CC0-1.0", (), "a test", 0, 0, "any", ())


def run(*words):
    return CliRunner(env={"COLUMNS": "80", "TERM": "dumb", "NO_COLOR": "1"}).invoke(
        build_app(), ["inpaint", *(str(word) for word in words)]
    )


def planes_of(path):
    with av.open(str(path)) as container:
        return [picture.to_ndarray(format="yuv420p") for picture in container.decode(video=0)]


@pytest.fixture
def clip(tmp_path):
    return write_clip(tmp_path / "clip.mp4")


@pytest.fixture
def model(tmp_path):
    save_weights(small(), tmp_path / "drawn.safetensors", CARD)
    return tmp_path / "drawn.safetensors"


def test_a_network_changes_the_hole_and_nothing_else(clip, model, tmp_path):
    how = ("-c", "ffv1", "--feather", "0", "--grow", "0", "--progress", "none")
    network = ("--method", "tsam", "--model", model, "--report", tmp_path / "report.json")
    assert run(clip, BOX, *how, "-o", tmp_path / "plain.mkv").exit_code == 0
    result = run(clip, BOX, *how, *network, "-o", tmp_path / "painted.mkv")
    assert result.exit_code == 0, result.output
    assert stamps_of(tmp_path / "painted.mkv") == stamps_of(clip)
    pairs = list(zip(planes_of(tmp_path / "plain.mkv"), planes_of(tmp_path / "painted.mkv"), strict=True))
    luma = [(plain != painted)[:48] for plain, painted in pairs]
    assert all(each[16:26, 20:32].any() for each in luma)
    assert not any(np.delete(each, np.s_[16:26], 0).any() or each[16:26, 32:].any() for each in luma)
    told = json.loads((tmp_path / "report.json").read_text())["settings"]["network"]
    assert (told["model"], told["scale"], told["device"]) == (str(model), 1, "cpu")


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_the_plan_says_which_network_works_and_how(clip, model, tmp_path, precision):
    words = ("--method", "tsam", "--model", model, "--precision", precision, "--progress", "plain")
    result = run(clip, BOX, *words, "-o", tmp_path / "out.mp4")
    assert result.exit_code == 0, result.output
    assert f"clip.mp4: network drawn, {precision} on cpu\n" in result.stderr


def test_without_weights_it_says_what_to_do(clip, tmp_path):
    result = run(
        clip, BOX, "--method", "tsam", "--model", tmp_path / "none.safetensors", "--progress", "none"
    )
    assert result.exit_code == 6
    assert "none.safetensors" in result.stderr
    assert result.stderr.count("\n") == 1


def hues(colors):
    """Colors (n, 3) without gray and brightness: 0 for the least channel, 1 for the greatest."""
    least, greatest = colors.min(1, keepdims=True), colors.max(1, keepdims=True)
    return (colors - least) / np.maximum(greatest - least, 1)


def test_a_reveal_map_shows_where_pixels_came_from(clip, model, tmp_path):
    """The hole has the hue of one of the map's colors; around it the picture is gray."""
    target = tmp_path / "origins.mp4"
    result = run(clip, BOX, "-o", tmp_path / "out.mp4", "--reveal-map", target, "--progress", "none")
    assert result.exit_code == 0, result.output
    with av.open(str(target)) as container:
        pictures = [picture.to_ndarray(format="rgb24").astype(int) for picture in container.decode(video=0)]
    assert len(pictures) == 8
    for picture in pictures:
        inner, outer = picture[18:24, 22:30].reshape(-1, 3), picture[:8, :8].reshape(-1, 3)
        distance = [
            np.abs(hues(inner) - hues(np.array([color]))).max(1)
            for color in (COPIED, BLENDED, PAINTED, PAST, FUTURE)
        ]
        assert np.mean(np.min(distance, axis=0) < 0.45) > 0.9  # chroma is mixed where colors meet
        assert np.ptp(outer, axis=1).max() < 12
