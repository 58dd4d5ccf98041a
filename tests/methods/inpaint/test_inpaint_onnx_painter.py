"""A painter of the user's own: recognized in each convention, refused in a line, painting keys alone."""

import sys
from dataclasses import astuple, replace
from pathlib import Path

import numpy as np
import pytest
from onnx_painters import LAMA, MIGAN, onnx, onnxruntime, write_painter
from textured import QUICK, frame_of, hole_of_boxes, repaired, rgb_of, texture

import vrestore
from vrestore.errors import ModelError, UsageError
from vrestore.frames import Box
from vrestore.methods.inpaint.settings import InpaintStats
from vrestore.methods.inpaint.texture.onnx_painter.network import load_network, painter_settings
from vrestore.methods.inpaint.texture.onnx_painter.painting import painted_by, surroundings_of

SIDE = 64


def settings_of(path):
    return painter_settings(str(path), threads=1, device="cpu")


def loaded(path):
    return load_network(settings_of(path))


def scene(height=SIDE, width=SIDE, *, seed=0):
    """A picture (H, W, 3), and which of its pixels are a hole."""
    is_hole = np.zeros((height, width), np.bool_)
    is_hole[height // 4 : height // 2, width // 4 : width // 2] = True
    return np.ascontiguousarray(texture(height, width, seed=seed).transpose(1, 2, 0)), is_hole


@pytest.mark.parametrize(
    "spoken",
    [
        LAMA,
        MIGAN,
        replace(LAMA, hole=0, rest=1),
        replace(MIGAN, hole=255, rest=0),
        replace(LAMA, white=(255, 255)),
        replace(LAMA, white=(1, 1), hole=0, rest=1),
        replace(LAMA, names=("photo", "where", "picture"), size=("h", "w")),
    ],
    ids=["lama", "migan", "lama-keeps-1", "migan-fills-255", "to-255", "to-1", "other-names-any-size"],
)
def test_a_painter_is_recognized_by_how_it_is_spoken_to(tmp_path, spoken):
    network = loaded(write_painter(tmp_path / "own.onnx", spoken))
    assert astuple(network.convention) == spoken.convention
    picture, is_hole = scene()
    made = network.paint(picture, is_hole)
    step = 0.51 / 255 if spoken.type == "uint8" else 1e-5
    assert np.allclose(made[~is_hole], picture[~is_hole], atol=step)
    assert np.allclose(made[is_hole], picture[~is_hole].mean(0), atol=2 * step + 1e-3)


@pytest.mark.parametrize(
    ("made", "said"),
    [
        ({"channels": (3, 3)}, r"takes image float 1x3x64x64, mask float 1x3x64x64 and gives output"),
        ({"channels": (4, 1)}, "image float 1x4x64x64"),
        ({"output_channels": 1}, "gives output float 1x1x64x64; allowed is an image 1x3xHxW"),
        ({"spoken": replace(LAMA, size=(32, 32))}, "1x3x32x32.* H and W free or from 64 to 4096"),
        ({}, "fills no hole: gray does not come back gray"),
    ],
)
def test_what_is_no_painter_is_refused_with_what_it_takes_and_what_is_allowed(tmp_path, made, said):
    """These give back what they are given, or the first channels of it."""
    count = onnx.helper.make_node("Constant", [], ["count"], value_ints=[made.get("output_channels", 3)])
    first = onnx.helper.make_node("Slice", ["image", "zero", "count", "channel"], ["output"])
    zero, channel = (
        onnx.helper.make_node("Constant", [], [name], value_ints=[value])
        for name, value in (("zero", 0), ("channel", 1))
    )
    with pytest.raises(ModelError, match=said) as caught:
        loaded(write_painter(tmp_path / "own.onnx", nodes=[count, zero, channel, first], **made))
    assert "\n" not in str(caught.value)
    assert "lama_fp32.onnx" in str(caught.value)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("big-lama.pt", b"PK\x03\x04rest", "is a program and is not run; pass an .onnx file"),
        ("renamed.onnx", b"PK\x03\x04rest", "is a program and is not run"),
        ("old.pth", b"\x80\x02}q\x00.", "is a program and is not run"),
        ("lama.safetensors", b"12345678", "a painter is an .onnx file"),
        ("damaged.onnx", b"no network", "ONNX Runtime cannot open the painter"),
        ("missing.onnx", None, "cannot be read"),
    ],
)
def test_a_file_that_is_no_network_is_refused_in_a_line(tmp_path, name, content, said):
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ModelError, match=said) as caught:
        settings_of(path)
    assert "\n" not in str(caught.value)


def test_a_network_whose_weights_lie_in_another_file_is_refused(tmp_path, monkeypatch):
    """The hash of the file would not know them."""
    model = onnx.load(write_painter(tmp_path / "whole.onnx"))
    model.graph.initializer.append(onnx.numpy_helper.from_array(np.zeros(300, np.float32), "beside"))
    nodes = ("ReduceSum", ["beside"], ["zero"]), ("Add", ["image", "zero"], ["moved"])
    for place, words in enumerate(nodes):
        model.graph.node.insert(place, onnx.helper.make_node(*words, **({} if place else {"keepdims": 0})))
    model.graph.node[2].input[0] = "moved"
    monkeypatch.chdir(tmp_path)
    onnx.save(model, "own.onnx")
    assert loaded("own.onnx").name == "own.onnx"
    onnx.save(model, "own.onnx", save_as_external_data=True, location="weights", size_threshold=1000)
    with pytest.raises(ModelError, match=r"cannot open .* pass one whole \.onnx file"):
        settings_of("own.onnx")


def test_without_onnx_runtime_a_line_says_what_to_install(tmp_path, monkeypatch):
    path = write_painter(tmp_path / "own.onnx", tint=0.99)
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(UsageError, match=r"needs ONNX Runtime; pip install 'vrestore\[onnx\]'"):
        settings_of(path)


def test_where_onnx_runtime_cannot_use_a_device_the_line_says_that_it_works_on_the_cpu(tmp_path):
    own = write_painter(tmp_path / "own.onnx", tint=0.98)
    if "CUDAExecutionProvider" in onnxruntime.get_available_providers():
        pytest.skip("ONNX Runtime is installed with CUDA")
    assert painter_settings(str(own), threads=1, device="cuda:0").line() == "painter own.onnx on cpu"


def test_a_file_that_was_changed_after_it_was_looked_at_is_refused(tmp_path):
    settings = settings_of(write_painter(tmp_path / "own.onnx"))
    write_painter(Path(settings.file), tint=0.9)
    load_network.cache_clear()
    with pytest.raises(ModelError, match="changed meanwhile"):
        load_network(settings)


@pytest.mark.parametrize("spoken", [LAMA, MIGAN], ids=["of-a-fixed-size", "of-any-size"])
@pytest.mark.parametrize(("height", "width"), [(50, 61), (90, 200)])
def test_a_picture_of_another_size_is_painted_and_what_is_known_stays(tmp_path, spoken, height, width):
    network = loaded(write_painter(tmp_path / "own.onnx", spoken))
    picture, is_hole = scene(height, width)
    made = painted_by(network, picture, ~is_hole)
    assert np.array_equal(made[~is_hole], picture[~is_hole])
    assert np.abs(made[is_hole].mean(0) - picture[~is_hole].mean(0)).max() < 0.05


def test_without_anything_known_nothing_is_painted(tmp_path):
    network = loaded(write_painter(tmp_path / "own.onnx"))
    picture, is_hole = scene()
    assert painted_by(network, picture, np.zeros_like(is_hole)) is None


def test_a_painter_that_changes_the_light_is_matched_at_the_rim(tmp_path):
    network = loaded(write_painter(tmp_path / "own.onnx", light=0.95))
    _, is_hole = scene()
    picture = np.full((SIDE, SIDE, 3), 0.6, np.float32)
    assert np.allclose(network.paint(picture, is_hole)[is_hole], 0.57, atol=1e-3)
    assert np.allclose(painted_by(network, picture, ~is_hole)[is_hole], 0.6, atol=1e-3)


@pytest.mark.parametrize(
    ("part", "whole", "shown"),
    [
        (Box(300, 200, 50, 40), Box(0, 0, 1000, 800), Box(69, 0, 512, 512)),
        (Box(400, 300, 400, 300), Box(0, 0, 1000, 900), Box(200, 50, 800, 800)),
        (Box(10, 20, 50, 40), Box(0, 0, 200, 120), Box(0, 0, 200, 120)),
    ],
)
def test_a_network_is_shown_a_square_around_what_it_paints_as_far_as_there_is_one(part, whole, shown):
    assert surroundings_of(part, whole) == shown


HEIGHT, WIDTH, COUNT = 96, 140, 6
HOLE = Box(40, 30, 24, 20)


def test_a_still_hole_is_painted_by_it_once_and_nothing_else_is(tmp_path):
    """What it paints is brighter than all around: it is not asked whether that fits."""
    still = texture(HEIGHT, WIDTH, seed=3)
    frames = [frame_of(still, index) for index in range(COUNT)]
    holes = [hole_of_boxes(HOLE)] * COUNT
    tally = InpaintStats()
    own = settings_of(write_painter(tmp_path / "own.onnx", tint=1.2))
    settings = replace(QUICK, painter=own)
    result = repaired(frames, holes, height=HEIGHT, width=WIDTH, settings=settings, tally=tally)
    assert tally.textured == tally.painted == COUNT * HOLE.area
    parts = [rgb_of(frame)[:, HOLE.rows, HOLE.columns] for frame in result]
    assert np.abs(parts[0].mean((1, 2)) - 1.2 * still.mean((1, 2))).max() < 0.03
    assert parts[0].std((1, 2)).max() < 0.01
    for part in parts[1:]:
        assert np.abs(part - parts[0]).max() <= 1.01 / 255


def test_a_run_says_which_painter_it_used(tmp_path, root, monkeypatch):
    monkeypatch.syspath_prepend(root / "examples")
    from small_clip import draw

    video, _ = draw(tmp_path)
    own = write_painter(tmp_path / "own.onnx", MIGAN)
    report = vrestore.inpaint(
        video, box="20,20,24,20", painter=own, quality="draft", stop=3, target=tmp_path / "clean.mkv"
    )
    assert report.settings["painter"] == {"file": str(own), "sha256": settings_of(own).sha256}
    assert report.details.paint.texture > 0
