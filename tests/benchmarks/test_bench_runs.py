"""What the benchmarks of speed and memory stand on, and a smallest run of each command."""

import json
import shutil
import sys
from itertools import pairwise

import av
import pytest

from benchmarks import inpaint_quality, memory, network_speed, speed
from benchmarks.bars import Bar
from benchmarks.clips import find_data
from benchmarks.command import CommandFailed, run
from benchmarks.footage import SMALL, Footage, box_of, make
from benchmarks.machine import describe_machine, write_results

MEBIBYTE = 2**20


@pytest.mark.parametrize(
    ("rule", "got", "is_met"),
    [("at least", 15.0, True), ("at least", 14.9, False), ("at most", 1.25, True), ("at most", 1.26, False)],
)
def test_a_bar_is_met_or_missed(rule, got, is_met):
    assert Bar("speed", got, rule, 15.0 if rule == "at least" else 1.25).is_met is is_met


@pytest.mark.alone
def test_a_run_tells_its_own_peak_not_that_of_who_started_it():
    ballast = bytearray(300 * MEBIBYTE)
    ballast[:: 2**12] = b"x" * len(ballast[:: 2**12])
    ran = run(sys.executable, "-I", "-S", "-c", "x = b'x' * (100 << 20)")
    assert 100 * MEBIBYTE < ran.peak_bytes < 150 * MEBIBYTE
    assert ran.seconds > 0


def test_a_run_that_fails_is_told_with_its_last_words():
    with pytest.raises(CommandFailed, match=r"exit code 3 of .*out of luck"):
        run(sys.executable, "-I", "-c", "import sys; print('out of luck', file=sys.stderr); sys.exit(3)")


def test_a_failure_that_is_expected_is_given_back():
    ran = run(sys.executable, "-I", "-c", "print('no'); raise SystemExit(8)", accepted=8)
    assert (ran.exit_code, ran.said) == (8, "no")


def test_a_box_covers_its_share():
    lengths = [float(word.removesuffix("%")) for word in box_of(0.05).split(",")]
    assert lengths[2] * lengths[3] / 100**2 == pytest.approx(0.05, rel=1e-3)
    assert lengths[0] + lengths[2] / 2 == pytest.approx(50, abs=0.01)


def test_results_say_where_they_come_from(tmp_path):
    place = tmp_path / "results" / "a.json"
    write_results(place, benchmark="a", settings={}, results={"x": 1}, machine=describe_machine())
    values = json.loads(place.read_text())
    assert values["machine"]["software"]["torch"]
    assert values["machine"]["machine"]["processor"]
    assert values["results"] == {"x": 1}


def grays(path):
    with av.open(str(path)) as container:
        for frame in container.decode(video=0):
            yield frame.to_ndarray(format="gray")


@pytest.fixture
def clips():
    """The folder of real clips, or None where the drawn one is used instead."""
    return find_data(None)


@pytest.mark.slow
def test_footage_runs_to_and_fro_and_is_marked_where_asked(clips, tmp_path):
    made = make(Footage(tmp_path / "a.mp4", tmp_path / "a.mkv", 104, SMALL, 40, 43), clips)
    with av.open(str(made.video)) as container:
        frames = [
            frame.to_ndarray(format="gray")[::8, ::8].astype(int) for frame in container.decode(video=0)
        ]
    with av.open(str(made.mask)) as container:
        masks = [frame.to_ndarray(format="gray") for frame in container.decode(video=0)]
    assert [number for number, mask in enumerate(masks) if mask.any()] == [40, 41, 42]
    assert len(frames) == len(masks) == 104
    assert masks[0].shape == tuple(SMALL)
    steps = [abs(after - before).mean() for before, after in pairwise(frames)]
    assert abs(frames[48] - frames[50]).mean() < min(steps)  # 49 is the turning point


@pytest.mark.slow
@pytest.mark.data
def test_the_quality_benchmark_runs(data, tmp_path):
    place, sheet = tmp_path / "quality.json", tmp_path / "sheet.png"
    words = ["--data", str(data), "--clips", "libby", "--frames", "3", "--size", "216x120"]
    inpaint_quality.main([*words, "--workers", "2", "--json", str(place), "--sheet", str(sheet)])
    kinds = json.loads(place.read_text())["results"]
    assert kinds["moving"]["clips"]["davis_libby"]["propagate"]["hole_psnr"] > 10
    assert kinds["stationary"]["bar"] is None  # 3 frames are not what the bar is for
    assert sheet.stat().st_size > 0


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="the ffmpeg command line is what speed is held to")
def test_the_speed_benchmark_runs(tmp_path):
    place = tmp_path / "speed.json"
    speed.main(["--runs", "1", "--frames", "4", "--json", str(place)])
    results = json.loads(place.read_text())["results"]
    assert results["holes"]["moving object"]["frames"] == 4
    assert results["sparse"]["ffmpeg_seconds"] > 0
    assert results["network"]["1080p"]["frames"] == 1
    assert len(results["bars"]) == 7


@pytest.mark.slow
@pytest.mark.alone
def test_the_memory_benchmark_runs(tmp_path):
    place = tmp_path / "memory.json"
    memory.main(["--frames", "2", "--json", str(place)])
    results = json.loads(place.read_text())["results"]
    assert [peak["frames"] for peak in results["length"].values()] == [2, 20]
    assert set(results["bounds"]) == set(memory.BOUNDS)


@pytest.mark.slow
def test_the_benchmark_of_the_networks_runs(tmp_path, capsys):
    place = tmp_path / "network_speed.json"
    network_speed.main(["--size", "64x48", "--frames", "4", "--rounds", "1", "--json", str(place)])
    results = json.loads(place.read_text())["results"]
    assert set(results["frames_per_second"]) == {"tsam", "tsam-small"}
    assert [bar["rule"] for bar in results["bars"]] == ["at least"] * 2
    assert str(place) in capsys.readouterr().out.replace("\n", "")
