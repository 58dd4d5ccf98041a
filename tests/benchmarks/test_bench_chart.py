"""The chart shows the figures there are, and says of each that is missing that it was not measured."""

from xml.etree import ElementTree

import pytest

from benchmarks import chart
from benchmarks.gpu_parts import SCENES
from benchmarks.kernels import CASES
from benchmarks.machine import RESULTS

NAMESPACE = "{http://www.w3.org/2000/svg}"
MACHINE = {
    "device": {"name": "a <device>", "driver": "580.1", "CUDA of torch": "13.0"},
    "date": "2026-01-02T03:04:05+00:00",
}


def kernel(milliseconds, torch_milliseconds, share):
    other = None if torch_milliseconds is None else {"median": torch_milliseconds}
    return {"kernel": {"median": milliseconds}, "torch": other, "share_of_copy": share}


def speed(rate, cpu_rate):
    return {"device": {"rate": rate}, "cpu": {"rate": cpu_rate}}


KERNELS = {
    "measured": True,
    "machine": MACHINE,
    "results": {"warp": kernel(1.0, 2.5, 0.8), "deform": kernel(1.0, None, 0.4)},
}
SPEEDS = {
    "measured": True,
    "machine": MACHINE,
    "results": {
        "speed": {"432x240": {"inpaint": speed(200.0, 50.0)}, "1920x1080": {"dehaze": speed(40.0, 4.0)}}
    },
}


def shown(*panels):
    tree = ElementTree.fromstring(chart.drawn(panels))
    texts = [element.text for element in tree.iter(f"{NAMESPACE}text")]
    bars = [int(element.get("width")) for element in tree.iter(f"{NAMESPACE}rect")][1:]
    return texts, bars


def test_kernels_are_shown_as_shares_of_a_copy_and_times_torch():
    texts, bars = shown(chart.kernels_panel(KERNELS))
    assert "80%, 2.5 times torch" in texts
    assert "40%" in texts
    assert bars == [264, 132]
    assert texts.count("not measured") == len(CASES) - 2
    assert texts[-1] == "a <device>, driver 580.1, CUDA 13.0, 2026-01-02"


def test_speeds_are_shown_by_size_beside_those_of_the_processor():
    texts, bars = shown(chart.speed_panel(SPEEDS))
    assert texts[texts.index("inpaint 432x240") + 1] == "200.0, 4.0 times the CPU"
    assert "40.0, 10.0 times the CPU" in texts
    assert bars == [330, 82, 66, 7]
    assert texts.count("not measured") == 3 * len(SCENES) - 2


@pytest.mark.parametrize("make", [chart.kernels_panel, chart.speed_panel])
def test_without_results_every_line_says_so(make, tmp_path):
    texts, bars = shown(make(chart.read(tmp_path / "none.json")))
    assert texts[-1] == "not measured: there are no results"
    assert texts.count("not measured") == (len(texts) - 2) / 2
    assert bars == []


def test_the_chart_of_the_repository_is_that_of_its_results(tmp_path, capsys):
    chart.main(["--svg", str(tmp_path / "gpu.svg")])
    drawn = (tmp_path / "gpu.svg").read_text(encoding="utf-8")
    assert drawn == chart.PLACE.read_text(encoding="utf-8")
    assert len(drawn) < 60_000
    assert all((RESULTS / name).exists() for name in ("kernels.json", "gpu.json"))
