"""What a device is measured by does its work on the processor too, and says where nothing can be measured."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from clips import write_pictures
from rich.console import Console

from benchmarks import gpu, gpu_parts
from benchmarks.command import Account, Run
from benchmarks.footage import Footage
from benchmarks.gpu_parts import DEHAZE, PROPAGATE, Bench, difference, summed_up
from benchmarks.machine import write_results

MEBIBYTE = 2**20


def ran(seconds, work_seconds, device_bytes):
    run = Run(0, seconds, 2 * seconds, 100 * MEBIBYTE, "")
    return run, Account(60, 60, 0, work_seconds, {"restore": work_seconds}, {}, device_bytes)


def test_rates_are_of_the_work_and_starting_is_told_apart():
    speed = summed_up([ran(5, 3, MEBIBYTE), ran(6, 4, 3 * MEBIBYTE), ran(4, 2, None)])
    assert (speed.rate, speed.lowest_rate, speed.highest_rate) == (20, 15, 30)
    assert speed.start_seconds == 2
    assert speed.device_peak_bytes == 3 * MEBIBYTE


def test_a_report_that_does_not_tell_the_devices_memory_leaves_it_open():
    assert summed_up([ran(5, 3, None)]).device_peak_bytes is None


def test_the_difference_of_two_videos_is_counted_in_code_values(tmp_path):
    pictures = [np.full((8, 10), value, np.uint8) for value in (20, 30)]
    one = write_pictures(tmp_path / "a.mkv", pictures)
    pictures[1][2, 3], pictures[1][0, 0] = 37, 29
    other = write_pictures(tmp_path / "b.mkv", pictures)
    assert difference(one, one) == gpu_parts.Difference(0, 0.0, 0.0)
    found = difference(one, other)
    assert (found.largest, found.mean, found.share) == (7, 8 / 160, 2 / 160)


class Told(Bench):
    """A bench whose videos are not made and whose runs take no time; reports tell these peaks."""

    def __init__(self, peaks, **words):
        super().__init__(Path(), None, 1, 1000, (PROPAGATE,), **words)
        object.__setattr__(self, "peaks", iter(peaks))

    def footage(self, size, length):
        return Footage(Path("a.mp4"), Path("a.mkv"), round(1000 * length), size)

    def run(self, work, footage, *words, accepted=0):
        return ran(5, 3, next(self.peaks))


@pytest.mark.parametrize(("peaks", "is_met"), [((100, 105), True), ((100, 106), False)])
def test_growth_with_the_length_is_held_to_its_bar(peaks, is_met):
    (bar,) = gpu_parts.measure_length(Told(peaks)).bars
    assert bar.is_met is is_met


def test_peaks_are_held_to_the_bounds_given(monkeypatch):
    monkeypatch.setattr(gpu_parts, "free_device_bytes", lambda device: 10 * 2**30)
    outcome = gpu_parts.measure_bounds(Told([2**31, 2**32 + 1, 2**33]))
    assert [bar.is_met for bar in outcome.bars] == [True, False, True]
    assert outcome.figures["inpaint, default"]["allowed_bytes"] == 8 * 2**30


def test_speeds_are_held_to_the_bars_of_their_sizes():
    outcome = gpu_parts.measure_speed(Told([None] * 8))
    assert [(bar.what, bar.got, bar.bound) for bar in outcome.bars] == [
        ("frames/s, inpaint 432x240", 20, 150),
        ("frames/s, inpaint 1920x1080", 20, 40),
    ]


@pytest.mark.skipif(torch.cuda.is_available(), reason="a CUDA device is here")
def test_without_a_device_it_says_so_in_one_line_and_in_its_results(tmp_path, capsys):
    place = tmp_path / "gpu.json"
    gpu.main(["--json", str(place)])
    said = capsys.readouterr().out
    assert said.startswith("not measured: ")
    assert said.count("\n") == 1
    values = json.loads(place.read_text())
    assert values["measured"] is False
    assert set(values["results"]["speed"]) == set(gpu_parts.SCENES)
    assert {bar["got"] for bar in values["results"]["bars"]} == {"not measured"}
    assert {bar["bound"] for bar in values["results"]["bars"]} == {150, 40, 1, 1.05}


@pytest.mark.skipif(torch.cuda.is_available(), reason="a CUDA device is here")
def test_without_a_device_what_was_measured_before_stays(tmp_path):
    place = tmp_path / "gpu.json"
    write_results(place, benchmark="gpu", settings={}, results={"speed": 1}, machine={})
    gpu.main(["--json", str(place)])
    assert json.loads(place.read_text())["results"] == {"speed": 1}


def test_the_network_is_measured_where_there_are_weights_for_it():
    assert gpu.works_of(None) == (PROPAGATE, DEHAZE)
    assert gpu.works_of(Path("a.safetensors"))[1].on("cuda", 0.07)[-2:] == ["--device", "cuda"]


@pytest.mark.slow
def test_every_part_runs_on_the_processor_in_a_devices_stead(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(gpu_parts, "AGREEMENT_FRAMES", 3)

    def measured(work, *parts):
        bench = Bench(tmp_path, None, 1, 4, (work,), scenes=("432x240",), device="cpu")
        return gpu.measure(bench, list(parts), Console())

    speed = measured(DEHAZE, "speed")
    assert speed["speed"].figures["432x240"]["dehaze"]["device"]["frames"] == 4
    gpu.show(speed, Console())
    assert "dehaze 432x240" in capsys.readouterr().out
    others = measured(PROPAGATE, *(["bounds"] if torch.cuda.is_available() else []), "length", "agreement")
    assert others["agreement"].figures["inpaint"] == {"largest": 0, "mean": 0.0, "share": 0.0}
    assert others["length"].figures["inpaint, 4 frames"] == {"device_peak_bytes": None}
    gpu.show(others, Console())


@pytest.mark.gpu
@pytest.mark.slow
def test_a_device_is_measured(tmp_path):
    place = tmp_path / "gpu.json"
    gpu.main(["--runs", "1", "--frames", "20", "--sizes", "432x240", "--json", str(place)])
    assert json.loads(place.read_text())["results"]["bounds"]["2GiB"]["device_peak_bytes"] > 0
