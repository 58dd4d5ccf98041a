"""Dehazing on a device: the frames the CPU gives, each plane copied once each way, and no memory left."""

from dataclasses import asdict, replace
from functools import cache
from unittest import mock

import cuda_on_cpu
import numpy as np
import pytest
import torch
from clips import planes_in
from hazy import TINY, cleared, foggy_scenes, frames_of, stirred, write_foggy
from pretend import DEVICE, pretended
from textured import layout

import vrestore
from vrestore.device.transfers import Transfers
from vrestore.errors import DeviceError
from vrestore.frames import Color, MaskedFrame
from vrestore.methods.dehaze import stage, temporal
from vrestore.methods.dehaze.estimators.dark_channel import estimate_dark
from vrestore.methods.dehaze.estimators.network import network_estimator
from vrestore.methods.dehaze.opened import OpenedDehaze
from vrestore.methods.dehaze.render import Renderer
from vrestore.methods.dehaze.settings import DehazeSettings, DehazeStats, HazeState
from vrestore.methods.dehaze.stage import _arrived, dehaze
from vrestore.methods.segmenter import Segments
from vrestore.models.cgidn import align
from vrestore.models.cgidn.network import CgIdn
from vrestore.ops import Backend
from vrestore.threads import Arrived

METHODS = {"dcp": lambda: estimate_dark, "cgidn": lambda: network_estimator(stirred())}
ON_DEVICE = {"device": str(DEVICE), "kernels": "torch"}

MOST_SHARE = {8: 1e-3, 10: 1e-2, 12: 1e-2}
"""Of samples may differ by one code, by bits; seen are 3e-4 and 5.4e-3, where means end at a half."""

SETTINGS = {
    "gentle": {"strength": 0.5, "steady": 0.4},
    "one air a shot": {"air_light": "shot"},
    "its own air": {"air": (0.8, 0.8, 0.85)},
    "by night": {"night": True},
    "not steadied": {"steady": 0.0},
    "held back": {"keep_depth": True, "protect_sky": True, "color": 0.4, "strength": 0.6},
}


@cache
def foggy(name="yuv420p", *lengths, height=63, width=95):
    return frames_of(foggy_scenes(*(lengths or (9, 4)), height=height, width=width), name)


@cache
def on_cpu(name="yuv420p", *lengths, method="dcp", **size):
    """Return what the CPU makes of `foggy` frames."""
    return cleared(foggy(name, *lengths, **size), name, estimate=METHODS[method]())


def away(some, others, name):
    """Return the most codes that samples of frames are apart, and the share of those that are apart."""
    step = 64 if name.startswith("p010") else 1
    apart = [
        np.abs(one.astype(int) - other.astype(int)) // step
        for left, right in zip(some, others, strict=True)
        for one, other in zip(left.planes, right.planes, strict=True)
    ]
    count = sum(each.size for each in apart)
    return max(each.max() for each in apart), sum(int((each > 0).sum()) for each in apart) / count


def assert_near(some, others, name="yuv420p", bits=8):
    most, share = away(some, others, name)
    assert most <= 1
    assert share <= MOST_SHARE[bits]


def assert_same(some, others):
    assert away(some, others, "yuv420p") == (0, 0.0)


def on_device(frames, name="yuv420p", *, method="dcp", max_bytes=None, **how):
    with pretended(max_bytes=max_bytes):
        return cleared(frames, name, estimate=METHODS[method](), **ON_DEVICE, **how)


LAYOUTS = {
    "yuv420p": 8,
    "yuv422p10le": 10,
    "gray": 8,
    "rgb24": 8,
    "gbrp": 8,
    "nv12": 8,
    "p010le": 10,
    "gbrp12le": 12,
    "bgr0": 8,
}


@pytest.mark.parametrize(
    ("name", "method"),
    [
        *((name, "dcp") for name in LAYOUTS),
        ("yuv420p", "cgidn"),
        *(pytest.param(name, "cgidn", marks=pytest.mark.slow) for name in ("gray", "gbrp12le")),
    ],
)
def test_a_device_gives_what_the_cpu_gives(name, method):
    """Over a cut, in pictures of odd sides, interleaved or not, of any depth of bits."""
    found = on_device(foggy(name), name, method=method)
    assert_near(found, on_cpu(name, method=method), name, LAYOUTS[name])


def test_sixteen_bits_are_cleared_on_a_device_too():
    """Their small codes hang on how sums are rounded: a quarter of the samples are apart, by up to 29."""
    frames = foggy("yuv444p16le")
    most, _ = away(on_device(frames, "yuv444p16le"), cleared(frames, "yuv444p16le"), "yuv444p16le")
    assert most <= 64


@pytest.mark.parametrize("case", SETTINGS)
def test_every_setting_does_the_same_on_a_device(case):
    frames, tallies = foggy(), [DehazeStats(), DehazeStats()]
    expected = cleared(frames, "yuv420p", tally=tallies[0], **SETTINGS[case])
    assert_near(on_device(frames, tally=tallies[1], **SETTINGS[case]), expected)
    assert tallies[1].cpu_fallback_frames == 0
    assert (tallies[0].frames, tallies[0].scenes) == (tallies[1].frames, tallies[1].scenes)
    assert tallies[1].transmission == pytest.approx(tallies[0].transmission)
    assert np.allclose(tallies[1].airs, tallies[0].airs, atol=1e-5)


@pytest.mark.parametrize("size", [(1, 1), (2, 3), (17, 400), (230, 410)], ids=str)
def test_pictures_of_any_size_are_cleared_on_a_device(size):
    shape = {"height": size[0], "width": size[1]}
    assert_near(on_device(foggy("yuv420p", 3, **shape)), on_cpu("yuv420p", 3, **shape))


def test_at_strength_0_a_device_gives_the_frames_themselves():
    frames = foggy()
    assert all(one is other for one, other in zip(on_device(frames, strength=0.0), frames, strict=True))


@pytest.mark.parametrize("method", ["dcp", pytest.param("cgidn", marks=pytest.mark.slow)])
def test_going_on_at_any_border_gives_the_same_frames_on_a_device(method):
    frames, cut, whole = foggy("yuv420p", 11, 4, height=64, width=96), Segments(3), DehazeStats()
    expected = on_device(frames, method=method)
    assert_same(on_device(frames, method=method, segments=cut, tally=whole), expected)
    assert list(cut.borders) == [6, 11]
    for border, carried in cut.borders.items():
        arrays = None if carried is None else HazeState.unpacked(carried.packed())
        rest, tally = Segments(3, start=border, carried=arrays), DehazeStats(**asdict(cut.tallies[border]))
        assert_same(on_device(frames, method=method, segments=rest, tally=tally)[border:], expected[border:])
        assert asdict(tally) == asdict(whole)


def test_what_is_seen_is_told_before_its_frame_and_lies_on_the_device():
    seen = []
    given = on_device(foggy(), observe=lambda veil: seen.append((veil.look.frame.index, veil.depth.device)))
    assert seen == [(frame.index, DEVICE) for frame in given]


def test_planes_go_up_once_and_come_down_once():
    frames, up, down = foggy(), [], []
    real_up, real_down = Transfers.up, Transfers.down
    with (
        mock.patch.object(Transfers, "up", lambda self, each: up.append(each) or real_up(self, each)),
        mock.patch.object(Transfers, "down", lambda self, each: down.append(each) or real_down(self, each)),
    ):
        on_device(frames)
    shapes = sorted(plane.shape for frame in frames for plane in frame.planes)
    looked_at = [(64, 96)] * len(frames)
    assert sorted(tuple(each.shape) for each in down) == sorted(shapes + looked_at)
    assert sorted(tuple(each.shape) for each in up if each.dtype == torch.uint8) == shapes
    flows = [each for each in up if each.dtype != torch.uint8]
    assert len(flows) == len(frames) - 2  # neither the first frame nor that of the cut has one before it


def test_frames_come_in_order_and_so_many_wait():
    begun = []

    def coming():
        for index in range(4):
            begun.append(index)
            yield Arrived(index)

    for waiting in (0, 1):
        begun.clear()
        assert [(frame, len(begun)) for frame in _arrived(coming(), waiting=waiting)] == [
            (index, min(index + 1 + waiting, 4)) for index in range(4)
        ]


@pytest.mark.parametrize(("how", "waiting"), [({}, 0), (ON_DEVICE, 1)], ids=["cpu", "device"])
def test_one_frame_waits_on_a_device_and_none_on_the_cpu(how, waiting):
    seen = []
    with pretended():
        frames = dehaze(
            (MaskedFrame(frame, None) for frame in foggy("yuv420p", 5)),
            format=layout("yuv420p"),
            color=Color(),
            settings=DehazeSettings(**how),
            tally=DehazeStats(),
            observe=seen.append,
        )
        assert [len(seen) for _ in frames] == [min(index + 1 + waiting, 5) for index in range(5)]


@pytest.mark.parametrize("method", ["dcp", pytest.param("cgidn", marks=pytest.mark.slow)])
def test_a_device_without_memory_leaves_all_to_the_cpu(method):
    frames, tally = foggy(), DehazeStats()
    assert_same(on_device(frames, method=method, max_bytes=0, tally=tally), on_cpu(method=method))
    assert tally.cpu_fallback_frames == len(frames)


@pytest.mark.parametrize("method", ["dcp", pytest.param("cgidn", marks=pytest.mark.slow)])
@pytest.mark.parametrize(
    ("size", "max_bytes"),
    [((100, 164), 2_000), ((100, 164), 30_000), ((100, 164), 80_000), ((400, 640), 900_000)],
    ids=["not a plane", "not luma as numbers", "not the small picture", "the small picture"],
)
def test_what_a_small_device_has_no_memory_for_the_cpu_does(method, size, max_bytes):
    """Some of the planes go up, or all that is small, and the rest does not."""
    shape, tally = {"height": size[0], "width": size[1]}, DehazeStats()
    frames = foggy("yuv420p", 3, 2, **shape)
    found = on_device(frames, method=method, max_bytes=max_bytes, tally=tally)
    assert_near(found, on_cpu("yuv420p", 3, 2, method=method, **shape))
    assert tally.cpu_fallback_frames == len(frames)


@pytest.mark.parametrize("part", ["_measure_noise", "_measure_lift", "_applied", "_write"])
def test_a_frame_that_a_device_fails_at_is_done_by_the_cpu_as_if_nothing_had_been(part):
    """What the shot remembers is as it was before, wherever in the frame it failed."""
    frames, tally, calls = foggy("yuv420p", 9), DehazeStats(), []
    real = getattr(Renderer, part)

    def failing(self, *arguments):
        calls.append(part)
        result = real(self, *arguments)
        if len(calls) == 4:
            raise torch.OutOfMemoryError("injected")
        return result

    with mock.patch.object(Renderer, part, failing):
        found = on_device(frames, tally=tally)
    assert_near(found, on_cpu("yuv420p", 9))
    assert tally.cpu_fallback_frames == 1


@pytest.mark.parametrize("part", [pytest.param("encode", marks=pytest.mark.slow), "clear"])
def test_a_network_that_a_device_fails_at_goes_on_on_the_cpu_for_that_frame(part):
    frames, tally, calls = foggy("yuv420p", 17), DehazeStats(), []
    real = getattr(CgIdn, part)

    def failing(self, seen):
        there = next(self.parameters()).device
        calls.append(there)
        if len(calls) in {3, 7}:
            raise torch.OutOfMemoryError("injected")
        return real(self, seen)

    with mock.patch.object(CgIdn, part, failing):
        found = on_device(frames, method="cgidn", tally=tally)
    assert_near(found, on_cpu("yuv420p", 17, method="cgidn"))
    assert tally.cpu_fallback_frames == 2
    # The network sees every second frame.
    assert [there.type for there in calls] == ["cuda"] * 3 + ["cpu"] + ["cuda"] * 3 + ["cpu"] + ["cuda"] * 3


def test_a_cpu_that_runs_out_of_memory_is_an_error():
    with (
        mock.patch.object(Renderer, "_applied", side_effect=torch.OutOfMemoryError("injected")),
        pytest.raises(torch.OutOfMemoryError),
    ):
        on_device(foggy())


def test_a_device_is_served_by_the_backend_that_was_selected_for_it(monkeypatch):
    wanted, calls = [], []
    chosen = Backend("torch", "a test")

    def select(device, *, asked="auto"):
        wanted.append((torch.device(device).type, asked))
        return chosen

    def counted(home, name):
        real = getattr(home, name)

        def work(*given, backend, **how):
            calls.append((name, backend is chosen))
            return real(*given, backend=backend, **how)

        monkeypatch.setattr(home, name, work)

    monkeypatch.setattr(stage, "select", select)
    counted(temporal, "warp")
    counted(align, "deform_conv")
    on_device(foggy("yuv420p", 3), method="cgidn")
    assert wanted == [("cuda", "torch")]
    assert {is_chosen for _, is_chosen in calls} == {True}
    layers = sum(name.endswith("offset.weight") for name, _ in CgIdn(TINY).named_parameters())
    names = [name for name, _ in calls]
    # Of three frames two are seen, each with the other beside it; what lacks is the frame itself.
    assert names.count("deform_conv") == 2 * layers
    assert names.count("warp") == 3 * 2


@pytest.mark.skipif(cuda_on_cpu.COMPILER is None, reason="NOT TESTED: g++ is not installed")
def test_the_kernels_themselves_give_what_torch_gives(monkeypatch):
    """Their own text, built for the CPU, where the network aligns and where haze follows the flow."""
    frames = foggy("yuv420p", 4)
    expected = cleared(frames, "yuv420p", estimate=METHODS["cgidn"]())
    launched = []

    def run(launch):
        launched.append(launch.kernel)
        cuda_on_cpu.run(launch)

    selected = Backend("cupy", "a test", run, device_type="cpu")
    monkeypatch.setattr(stage, "select", lambda *_, **__: selected)
    assert_near(cleared(frames, "yuv420p", estimate=METHODS["cgidn"]()), expected)
    assert set(launched) == {"deform", "warp"}


def test_kernels_that_cannot_run_are_refused():
    with pytest.raises(DeviceError, match="--kernels cupy was asked for, but the kernels are for CUDA"):
        cleared(foggy(), "yuv420p", kernels="cupy")


@pytest.mark.parametrize("is_on_device", [False, True])
def test_a_network_in_16_bits_sees_nearly_the_same_haze(is_on_device):
    """Nearly, and not the very same, or it was not in 16 bits."""
    frames = foggy("yuv420p", 5)
    full = cleared(frames, "yuv420p", estimate=network_estimator(stirred()))
    estimate = network_estimator(stirred(), precision="bf16")
    if is_on_device:
        with pretended():
            half = cleared(frames, "yuv420p", estimate=estimate, device=str(DEVICE), kernels="torch")
    else:
        half = cleared(frames, "yuv420p", estimate=estimate)
    most, share = away(full, half, "yuv420p")
    assert share > 0
    assert most <= 6


@pytest.mark.parametrize(
    ("asked", "device", "used"), [("auto", "cpu", "fp32"), ("bf16", "cpu", "bf16"), ("auto", "cuda", "bf16")]
)
def test_the_report_says_in_what_precision_the_network_saw(tmp_path, asked, device, used):
    source = write_foggy(tmp_path / "in.mkv", 3)
    with pretended():
        how = {"device": device, "precision": asked, "kernels": "torch"}
        report = vrestore.dehaze(source, target=tmp_path / "out.mkv", **how)
    assert report.settings["network"]["precision"] == used


def test_the_report_says_what_a_device_had_no_memory_for(tmp_path, monkeypatch):
    source = write_foggy(tmp_path / "in.mkv", 6)
    options = {"method": "dcp", "codec": "ffv1", "kernels": "torch"}
    vrestore.dehaze(source, target=tmp_path / "cpu.mkv", **options)
    real = OpenedDehaze._settings
    monkeypatch.setattr(OpenedDehaze, "_settings", lambda opened: replace(real(opened), device=str(DEVICE)))
    with pretended(max_bytes=1000):
        report = vrestore.dehaze(source, target=tmp_path / "out.mkv", **options)
    words = "had too little memory for all that 6 frames need; the rest of it was done by the CPU"
    assert sum(words in warning for warning in report.warnings) == 1
    assert report.settings["kernels"] == "torch"
    pairs = zip(planes_in(tmp_path / "cpu.mkv"), planes_in(tmp_path / "out.mkv"), strict=True)
    assert all((a == b).all() for one, other in pairs for a, b in zip(one, other, strict=True))


@pytest.mark.gpu
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", ["yuv420p", "yuv422p10le", "rgb24"])
def test_a_real_device_gives_what_the_cpu_gives(name, method):
    """Within two codes: sums are added up in another order there, and what is haziest may be a neighbor."""
    frames = foggy(name, 13, 5, height=230, width=410)
    device = f"cuda:{torch.cuda.current_device()}"
    found = cleared(frames, name, estimate=METHODS[method](), device=device)
    most, _ = away(found, cleared(frames, name, estimate=METHODS[method]()), name)
    assert most <= 2
