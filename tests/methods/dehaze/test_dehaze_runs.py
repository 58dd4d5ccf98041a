"""From a file to a file: what `vrestore.dehaze` does, says and leaves."""

import json
import re

import numpy as np
import pytest
import torch
from clips import packets_of, planes_in, stamps_of, with_company, write_clip, write_pictures
from hazy import clear_pictures, hazed, slanted_depth, write_weights

import vrestore
from vrestore.errors import InputError, ModelError, OutOfMemory, TargetError, UsageError
from vrestore.frames import Color
from vrestore.models.cgidn.config import CGIDN_SMALL
from vrestore.models.cgidn.network import CgIdn

DCP = {"method": "dcp"}
LOSSLESS = {"codec": "ffv1"} | DCP


@pytest.fixture
def foggy(tmp_path):
    """A clip of 12 frames under haze, lossless."""
    hazy = hazed(clear_pictures(12), slanted_depth())
    pictures = [np.rint(each.transpose(1, 2, 0) * 255).astype(np.uint8) for each in hazy]
    return write_pictures(tmp_path / "foggy.mkv", pictures, layout="yuv444p")


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """Untrained weights of the small network."""
    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("weights")
    return write_weights(folder / "cgidn-small.safetensors", CgIdn(CGIDN_SMALL))


def luma(path):
    return np.stack([planes[0] for planes in planes_in(path)]).astype(float)


def same(one, other):
    return all(
        (a == b).all()
        for left, right in zip(one, other, strict=True)
        for a, b in zip(left, right, strict=True)
    )


def test_the_result_is_clearer_and_lies_beside_the_source(foggy, tmp_path):
    report = vrestore.dehaze(foggy, strength=100, **DCP)
    assert report.target == str(tmp_path / "foggy.dehaze.mkv")
    assert luma(report.target).std() > 1.3 * luma(foggy).std()


def test_a_report_says_what_was_seen_and_done(foggy, tmp_path):
    report = vrestore.dehaze(foggy, target=tmp_path / "out.mkv", report=tmp_path / "r.json", **DCP)
    assert (report.frames, report.repaired_frames, report.scenes) == (12, 12, 1)
    assert (report.method, report.device, report.exit_code) == ("dcp", "cpu", 0)
    assert 0.3 < report.details.haze.transmission < 0.8
    written = json.loads((tmp_path / "r.json").read_text())
    assert written == json.loads(json.dumps(report.to_dict()))
    assert written["settings"]["steady"] == 0.9


@pytest.mark.parametrize("layout", ["yuv420p", "yuv422p10le", "yuv444p", "gray", "bgr0"])
def test_strength_0_with_ffv1_is_the_source_bit_for_bit(tmp_path, layout):
    source = write_clip(
        tmp_path / "in.mkv", codec="ffv1", layout=layout, height=45, width=63, frames=4, noise=True
    )
    report = vrestore.dehaze(source, strength=0, target=tmp_path / "out.mkv", **LOSSLESS)
    assert same(planes_in(source), planes_in(tmp_path / "out.mkv"))
    assert report.repaired_frames == 0


def test_all_else_in_the_file_stays(tmp_path):
    stamps = [0, 500, 1100, 1500, 2300, 2500, 3300, 3600]
    source = write_clip(tmp_path / "in.mkv", stamps=stamps, beside=with_company())
    vrestore.dehaze(source, target=tmp_path / "out.mkv", **DCP)
    for kind in ("audio", "subtitle"):
        assert packets_of(source, kind) == packets_of(tmp_path / "out.mkv", kind)
    assert stamps_of(source) == stamps_of(tmp_path / "out.mkv")


def test_ten_bits_and_color_tags_stay(tmp_path):
    color = Color(matrix=9, primaries=9, transfer=14, full_range=False)
    source = write_clip(tmp_path / "in.mkv", codec="ffv1", layout="yuv420p10le", color=color)
    vrestore.dehaze(source, target=tmp_path / "out.mkv", **LOSSLESS)
    with vrestore.open_video(tmp_path / "out.mkv") as reader:
        meta = reader.meta
    assert meta.pixel_format.name == "yuv420p10le"
    assert (meta.color.matrix, meta.color.primaries, meta.color.transfer) == (9, 9, 14)


def test_a_matte_is_written_beside(foggy, tmp_path):
    report = vrestore.dehaze(foggy, target=tmp_path / "out.mkv", matte=tmp_path / "haze.mp4", **DCP)
    assert str(tmp_path / "haze.mp4") in report.extra_files
    matte = luma(tmp_path / "haze.mp4")
    assert matte.shape == (12, 64, 96)
    assert matte[:, -10:].mean() > matte[:, :10].mean() + 30  # the haze is thickest at the top


def test_the_network_clears_with_weights_of_ones_own(foggy, tmp_path, weights):
    """Untrained it says that half of the light comes through everywhere."""
    target = tmp_path / "out.mkv"
    report = vrestore.dehaze(foggy, target=target, model=weights, codec="ffv1", strength=100)
    assert report.details.haze.transmission == pytest.approx(0.05 + 0.95 / 2, abs=0.01)
    assert report.details.haze.believed == 1
    assert luma(target).std() > 1.3 * luma(foggy).std()


def test_what_may_be_clear_is_changed_less_and_the_report_says_so(foggy, tmp_path):
    """A faded picture is no proof of haze."""
    faded = 0.12 + 0.8 * clear_pictures(4)
    pictures = [np.rint(each.transpose(1, 2, 0) * 255).astype(np.uint8) for each in faded]
    clear = write_pictures(tmp_path / "clear.mkv", pictures, layout="yuv444p")
    reports = {
        haze: vrestore.dehaze(clear, target=tmp_path / f"{haze}.mkv", haze=haze, **DCP)
        for haze in ("auto", "yes")
    }
    seen = {haze: report.details.haze for haze, report in reports.items()}
    assert seen["yes"].believed == 1
    assert seen["auto"].believed < 0.9
    assert "--haze yes" in reports["auto"].details.line()
    assert "--haze yes" not in reports["yes"].details.line()
    before = luma(clear)
    changes = {haze: np.abs(luma(tmp_path / f"{haze}.mkv") - before).mean() for haze in reports}
    assert changes["auto"] < 0.95 * changes["yes"]


def test_the_same_words_give_the_same_frames_with_any_threads(foggy, tmp_path, weights):
    options = {"method": "cgidn", "model": weights, "codec": "ffv1"}
    for threads in (1, 2):
        vrestore.dehaze(foggy, target=tmp_path / f"{threads}.mkv", threads=threads, **options)
    assert np.abs(luma(tmp_path / "1.mkv") - luma(tmp_path / "2.mkv")).max() <= 1


def test_a_part_is_cleared_as_a_video_of_its_own(foggy, tmp_path):
    report = vrestore.dehaze(foggy, target=tmp_path / "out.mkv", start=3, stop=8, **LOSSLESS)
    assert report.frames == len(planes_in(tmp_path / "out.mkv")) == 5


def test_linear_light_is_refused(tmp_path):
    color = Color(matrix=9, primaries=9, transfer=8, full_range=False)
    source = write_clip(tmp_path / "in.mkv", codec="ffv1", layout="yuv420p10le", color=color)
    with pytest.raises(InputError, match=r"coded in linear light.*convert it to BT\.709 first"):
        vrestore.dehaze(source, target=tmp_path / "out.mkv", **DCP)
    assert not (tmp_path / "out.mkv").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"strength": 101}, "strength is from 0 to 100, got 101"),
        ({"strength": -1}, "strength is from 0 to 100, got -1"),
        ({"strength": float("nan")}, "strength is from 0 to 100, got nan"),
        ({"color": 300}, "color is from 0 to 100, got 300"),
        ({"steady": 1.5}, "steady is from 0 to 1, got 1.5"),
        ({"airlight": "gray"}, "airlight is auto, shot or a color such as #d8dce0, got 'gray'"),
        ({"airlight": "#12345"}, "got '#12345'"),
        ({"method": "magic"}, "method"),
        ({"method": "dcp", "model": "x.safetensors"}, "--model is for the method cgidn"),
        ({"threads": -1}, "threads"),
        ({"segment": -1}, "a segment is 0 s (none) or longer, got -1"),
    ],
)
def test_what_cannot_be_asked_for_is_said_in_a_line(foggy, options, message):
    with pytest.raises(UsageError, match=re.escape(message)) as failure:
        vrestore.dehaze(foggy, **options)
    assert "\n" not in str(failure.value)


def test_weights_that_are_not_there_are_told(foggy, tmp_path):
    with pytest.raises(ModelError, match=r"none\.safetensors"):
        vrestore.dehaze(foggy, method="cgidn", model=tmp_path / "none.safetensors")
    assert not (tmp_path / "foggy.dehaze.mkv").exists()


def test_a_target_that_exists_is_kept(foggy, tmp_path):
    (tmp_path / "foggy.dehaze.mkv").write_bytes(b"mine")
    with pytest.raises(TargetError, match="exists"):
        vrestore.dehaze(foggy, **DCP)
    assert (tmp_path / "foggy.dehaze.mkv").read_bytes() == b"mine"


def test_the_matte_may_not_be_the_result(foggy, tmp_path):
    with pytest.raises(TargetError, match="--matte"):
        vrestore.dehaze(foggy, target=tmp_path / "a.mp4", matte=tmp_path / "a.mp4", **DCP)


def test_too_little_memory_is_said_before_the_work(foggy):
    with pytest.raises(OutOfMemory, match="memory"):
        vrestore.dehaze(foggy, memory=1, **DCP)


def test_a_plan_says_what_would_be_and_writes_nothing(foggy, tmp_path):
    plan = vrestore.plan_dehaze(foggy, **DCP)
    assert plan.plan.method == "dcp"
    assert plan.plan.expected_bytes > 0
    assert [path.name for path in tmp_path.iterdir()] == ["foggy.mkv"]
