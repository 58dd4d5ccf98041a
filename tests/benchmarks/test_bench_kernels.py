"""What the kernels are timed on is what it says it is, and is told not to be measured without a device."""

import json

import cuda_on_cpu
import pytest
import torch
from close import assert_close

from benchmarks import kernels
from benchmarks.kernel_cases import (
    Sizes,
    deform_case,
    membrane_case,
    propagate_colors_case,
    propagate_features_case,
    seam_case,
    shift_align_case,
    warp_case,
)
from benchmarks.kernels import Case, Outcome, Timing, bars_of
from benchmarks.machine import write_results
from vrestore.ops import TORCH, Backend

CPU, FLOAT = torch.device("cpu"), torch.float32
SIZES = Sizes(count=3, channels=64, height=8, width=20, large_height=9, large_width=21)
CASES = {
    "warp": lambda: warp_case(SIZES, CPU, FLOAT, is_last=True),
    "warp_first": lambda: warp_case(SIZES, CPU, FLOAT, is_last=False),
    "shift_align": lambda: shift_align_case(SIZES, CPU, FLOAT, official=False),
    "shift_align_official": lambda: shift_align_case(SIZES, CPU, FLOAT, official=True),
    "propagate": lambda: propagate_features_case(SIZES, CPU, FLOAT),
    "propagate_colors": lambda: propagate_colors_case(SIZES, CPU),
    "deform": lambda: deform_case(SIZES, CPU, FLOAT),
    "membrane": lambda: membrane_case(SIZES, CPU),
    "seam": lambda: seam_case(SIZES, CPU),
}


def test_every_case_that_is_timed_is_tested():
    assert list(CASES) == list(kernels.CASES)


@pytest.mark.skipif(cuda_on_cpu.COMPILER is None, reason="NOT TESTED: g++ is not installed")
@pytest.mark.parametrize("name", CASES)
def test_both_kinds_do_the_work_of_a_case(name):
    torch.manual_seed(0)
    case = CASES[name]()
    backend = Backend("cupy", "a test", cuda_on_cpu.run, device_type="cpu")
    assert_close(case.run(backend), case.run(TORCH))
    assert all(rival().shape == case.run(TORCH).shape for rival in case.rivals.values())


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("warp", 3 * 8 * 20 * (2 * 64 + 2) * 4),
        ("shift_align", 3 * 8 * 20 * 2 * 64 * 4 + 2 * 8 * 20 * 6 * 4),
        ("propagate", 3 * 8 * 20 * (64 + 2 + 1 + 63 + 1) * 4),
        ("propagate_colors", 9 * 21 * (4 + 2 + 1 + 3 + 1) * 4),
        ("membrane", 8 * 20 * (2 * 3 * 4 + 3)),
        ("seam", 4 * (40 * (3 + 2) + 20 * (3 + 1 + 3))),
        ("deform", (3 * 4 * 10 * (2 * 16 + 3 * 8 * 9) + 16 * 16 * 9) * 4),
    ],
)
def test_the_bytes_that_must_move_are_counted_once(name, expected):
    assert CASES[name]().bytes_moved == expected


def test_an_outcome_is_set_against_its_bars():
    case = Case(torch.zeros, 100, min_share=0.7, min_ratio=4.0, rivals={"other": torch.zeros})
    times = [Timing(value, value, value) for value in (2.0, 10.0, 2.5)]
    outcome = Outcome(times[0], times[1], {"other": times[2]}, 100, 0.6, 0.0)
    assert [(bar.got, bar.is_met) for bar in bars_of("a", case, outcome)] == [
        (0.6, False),
        (5.0, True),
        (1.25, False),
    ]


def test_torch_without_memory_is_no_bar():
    case = Case(torch.zeros, 100, min_ratio=4.0)
    outcome = Outcome(Timing(1.0, 1.0, 1.0), None, {}, 100, 0.6, None)
    assert bars_of("a", case, outcome) == []


@pytest.mark.skipif(torch.cuda.is_available(), reason="a CUDA device is here")
def test_without_a_device_it_says_so_in_words_and_in_its_results(tmp_path, capsys):
    place = tmp_path / "kernels.json"
    kernels.main(["--json", str(place)])
    assert capsys.readouterr().out.startswith("not measured: ")
    values = json.loads(place.read_text())
    assert values["measured"] is False
    assert set(values["results"]) >= set(kernels.CASES)
    assert set(values["results"].values()) == {"not measured"}


@pytest.mark.skipif(torch.cuda.is_available(), reason="a CUDA device is here")
def test_without_a_device_what_was_measured_before_stays(tmp_path):
    place = tmp_path / "kernels.json"
    write_results(place, benchmark="kernels", settings={}, results={"warp": 1}, machine={})
    kernels.main(["--json", str(place)])
    assert json.loads(place.read_text())["results"] == {"warp": 1}


@pytest.mark.gpu
@pytest.mark.slow
def test_a_device_is_measured(tmp_path):
    place = tmp_path / "kernels.json"
    kernels.main(["--runs", "5", "--only", "warp,seam", "--json", str(place)])
    assert place.exists()
