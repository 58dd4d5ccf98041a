"""Inpainting on a device gives the CPU's frames, and goes on on the CPU when the device has no memory."""

import contextlib
import dataclasses
import itertools
from dataclasses import replace
from functools import cache, partial

import numpy as np
import pytest
import torch
from cuda_on_cpu import run as run_on_cpu
from networks import small
from pretend import DEVICE, pretended
from textured import hole_of_boxes, layout, noise_frame, panned, repaired, texture

from vrestore import ops
from vrestore.device.transfers import Transfers, moved
from vrestore.flow.cells import mean_of_cells
from vrestore.frames import Box, Color
from vrestore.media.color.convert import composite, known_rgb
from vrestore.methods.inpaint import spans
from vrestore.methods.inpaint.network import refine as paint
from vrestore.methods.inpaint.patches.device_color import DeviceColor
from vrestore.methods.inpaint.patches.gray import gray_filled, gray_without_hole, mean_of_codes
from vrestore.methods.inpaint.patches.patch import Patch, make_patch
from vrestore.methods.inpaint.propagation import blending, correspondence, passes, propagate, read_once
from vrestore.methods.inpaint.settings import InpaintStats, NetworkSettings, Settings
from vrestore.ops import Backend

HEIGHT, WIDTH = 64, 96
CPU = torch.device("cpu")
FORMATS = [
    "yuv420p",
    "yuv420p10le",
    "p010le",
    "yuv422p",
    "yuv444p",
    "yuv411p",
    "nv12",
    "gray",
    "rgb24",
    "gbrp12le",
    "yuva420p",
]
BOX = Box(8, 16, 45, 37)
CODES = torch.from_numpy(np.random.default_rng(1).random((3, 37, 45)).astype(np.float32))
SETTINGS = Settings(passes=2, chunk=6, look_ahead=6, threads=2, device=str(DEVICE))


@cache
def frames_of(format, count=9):
    """A panned texture in a layout, by the project's own conversion."""
    views = panned(texture(160, 220), count=count, height=HEIGHT, width=WIDTH, step=(3.0, 1.0))
    whole = Box(0, 0, WIDTH, HEIGHT)
    blanks = [noise_frame(layout(format), height=HEIGHT, width=WIDTH, index=index) for index in range(count)]
    every = np.full((HEIGHT, WIDTH), 255, np.uint8)
    return [
        composite(blank, whole, view, every, format=layout(format), color=Color())
        for blank, view in zip(blanks, views, strict=True)
    ]


def holes_of(count=9):
    """A walking hole, feathered, one frame without, and a second track."""
    holes = [hole_of_boxes(Box(20 + 3 * index, 22, 15, 13)) for index in range(count)]
    holes[4] = hole_of_boxes(Box(33, 22, 15, 13), Box(4, 50, 7, 9))
    soft = holes[2].alpha.copy()
    soft[:, :3] = 90
    holes[2] = replace(holes[2], alpha=soft)
    return holes


def differences(some, others):
    """Of all planes of two lists of frames, in code values."""
    return np.concatenate(
        [
            (a.astype(int) - b.astype(int)).ravel()
            for one, other in zip(some, others, strict=True)
            for a, b in zip(one.planes, other.planes, strict=True)
        ]
    )


@pytest.mark.parametrize("cell", [1, 2, 4, 8])
def test_cells_on_a_device_are_those_of_the_processor(cell):
    picture = np.random.default_rng(cell).integers(0, 256, (61, 90), dtype=np.uint8)
    assert np.array_equal(mean_of_codes(torch.from_numpy(picture), cell), mean_of_cells(picture, cell))


@pytest.mark.parametrize("cell", [2, 4])
@pytest.mark.parametrize("size", [(0, 0), (9, 11), (30, 40)])
def test_a_patch_on_a_device_is_that_of_the_processor(cell, size):
    hidden = np.zeros(CODES.shape[1:], bool)
    hidden[5 : 5 + size[0], 3 : 3 + size[1]] = True
    rgb = CODES * torch.from_numpy(~hidden)
    here = make_patch(3, BOX, rgb.numpy(), hidden)
    with pretended():
        there = make_patch(3, BOX, rgb.to(DEVICE), hidden)
        assert torch.equal(moved(there, CPU).codes, here.codes)
        for channels in (1, 3):
            assert torch.equal(there.rim_values(channels).cpu(), here.rim_values(channels))
            assert torch.equal(there.picture(here.hole, channels).cpu(), here.picture(here.hole, channels))
        luma = torch.rand(1, here.hidden_count)
        assert np.array_equal(gray_filled(there, luma.to(DEVICE), cell), gray_filled(here, luma, cell))
        closed = gray_without_hole(there, cell).astype(int) - gray_without_hole(here, cell)
    assert np.abs(closed).max() <= 1


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize(
    "box", [Box(0, 0, WIDTH, HEIGHT), Box(17, 5, 31, 27), Box(WIDTH - 9, HEIGHT - 7, 9, 7)]
)
def test_colors_on_a_device_are_those_of_the_processor(format, box):
    rng = np.random.default_rng(5)
    frame = noise_frame(layout(format), height=HEIGHT, width=WIDTH, index=0)
    alpha = np.zeros((box.height, box.width), np.uint8)
    alpha[2:-2, 1:-3] = rng.choice([0, 1, 128, 255], (box.height - 4, box.width - 4))
    how = {"format": layout(format), "color": Color()}
    rgb = rng.random((3, box.height, box.width)).astype(np.float32) * 1.2 - 0.1
    with pretended():
        device = DeviceColor(Transfers(DEVICE), **how)
        known = device.known_rgb(frame, box, alpha).cpu()
        written = device.composite(frame, box, torch.from_numpy(rgb).to(DEVICE), alpha).result()
    assert np.abs(known.numpy() - known_rgb(frame, box, alpha, **how)).max() < 1e-5
    apart = differences([written], [composite(frame, box, rgb, alpha, **how)])
    step = 1 << layout(format).components[0].shift
    assert np.abs(apart).max() <= step
    assert np.count_nonzero(apart) <= 3


@pytest.fixture
def frames():
    return frames_of("yuv420p")


def on_cpu(frames, holes, format="yuv420p"):
    size = {"height": HEIGHT, "width": WIDTH, "format": format}
    return repaired(frames, holes, settings=replace(SETTINGS, device="cpu"), **size)


def on_device(frames, holes, format="yuv420p", *, settings=SETTINGS, tally=None):
    size = {"height": HEIGHT, "width": WIDTH, "format": format}
    with pretended():
        return repaired(frames, holes, settings=settings, tally=tally, **size)


@pytest.fixture(scope="module")
def expected():
    """The frames as the processor fills them."""
    return on_cpu(frames_of("yuv420p"), holes_of())


@pytest.mark.parametrize("format", ["yuv420p", "p010le", "gray", "gbrp12le"])
def test_frames_are_those_of_the_processor(format):
    frames, holes = frames_of(format), holes_of()
    apart = np.abs(differences(on_device(frames, holes, format), on_cpu(frames, holes, format)))
    # A place between two 32nds of a pixel is rounded either way: a level of 8 bits, in few of them.
    samples = layout(format)
    level = 2 ** (samples.bits - 8 + samples.components[0].shift)
    assert apart.max() <= 1.5 * level
    assert np.count_nonzero(apart >= level) <= 2 + apart.size // 1000


def test_the_holes_are_filled_on_the_device(frames, monkeypatch):
    devices = set()
    real = passes.propagate
    monkeypatch.setattr(
        passes,
        "propagate",
        lambda links, **how: (devices.add(f.patch.device) or f for f in real(links, **how)),
    )
    tally = InpaintStats()
    on_device(frames, holes_of(), tally=tally)
    assert devices == {DEVICE}
    assert tally.cpu_fallback_frames == 0


NETWORK = NetworkSettings("small", 1, "fp32", str(DEVICE))


@contextlib.contextmanager
def small_network():
    """Let refiners take a small network that is in no file."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(paint, "load_model", lambda *_, device, **__: small().to(device))
        patched.setattr(paint, "in_channels_last", lambda network: network)
        paint.load_refiner.cache_clear()
        yield
        paint.load_refiner.cache_clear()


@pytest.fixture(scope="module")
def corrected():
    """The frames as a small network corrects them on the CPU."""
    settings = replace(SETTINGS, device="cpu", network=replace(NETWORK, device="cpu"))
    size = {"height": HEIGHT, "width": WIDTH, "format": "yuv420p"}
    with small_network():
        return repaired(frames_of("yuv420p"), holes_of(), settings=settings, **size)


def corrected_on_device(frames):
    with small_network():
        return on_device(frames, holes_of(), settings=replace(SETTINGS, network=NETWORK))


KERNELS = {"membrane", "place", "propagate", "seam", "shift_align"}


@pytest.mark.parametrize("kernels", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_a_network_corrects_on_the_device_too(frames, corrected, monkeypatch, kernels):
    launched = set()
    if kernels:
        chosen = Backend("cupy", "by the kernels' text", partial(run_behind, launched))
        for module in (paint, ops):
            monkeypatch.setattr(module, "select", lambda *_, **__: chosen)
    apart = np.abs(differences(corrected_on_device(frames), corrected))
    assert apart.max() <= 1
    assert np.count_nonzero(apart) <= apart.size // 1000
    assert launched == (KERNELS if kernels else set())


def run_behind(launched, launch):
    """Run a kernel's own text on the memory behind the pretended device."""
    launched.add(launch.function)
    inner = tuple(getattr(argument, "inner", argument) for argument in launch.arguments)
    run_on_cpu(replace(launch, arguments=inner))


WORK = {
    "cut": (DeviceColor, "known_rgb"),
    "close": (passes, "gray_without_hole"),
    "link": (correspondence._Way, "step"),
    "look": (Patch, "rim_values"),
    "fetch": (propagate, "fetch"),
    "meet": (propagate, "match_seam_gain"),
    "smooth": (blending, "membrane"),
    "show": (passes, "gray_filled"),
    "soften": (spans, "regularize"),
    "carry": (propagate, "carried_on"),
    "read": (read_once, "_fetched"),
    "put back": (DeviceColor, "composite"),
}
NETWORK_WORK = {
    "window": (paint, "window_of"),
    "clip": (paint, "clip_of"),
    "paint": (paint._Stretch, "_corrected"),
}


def is_there(given):
    """Tell whether what work is given lies on the device."""
    return any(each.device == DEVICE for each in tensors_in(given))


def tensors_in(given):
    if isinstance(given, torch.Tensor):
        return [given]
    if isinstance(given, list | tuple):
        return [tensor for each in given for tensor in tensors_in(each)]
    if dataclasses.is_dataclass(given):
        return tensors_in([getattr(given, field.name) for field in dataclasses.fields(given)])
    return []


def failing(monkeypatch, home, name, after):
    """Let work on the device fail for want of memory from a call on; returns a list that grows with each."""
    real, calls, failures = getattr(home, name), itertools.count(), []

    def work(*given, **how):
        subject = given[-1:] if home is paint._Stretch else given
        if (home is DeviceColor or is_there(subject)) and next(calls) >= after:
            failures.append(name)
            raise torch.OutOfMemoryError
        return real(*given, **how)

    monkeypatch.setattr(home, name, work)
    return failures


@pytest.mark.parametrize("after", [0, 5])
@pytest.mark.parametrize("work", WORK)
def test_without_memory_the_processor_goes_on(frames, expected, monkeypatch, work, after):
    """Whatever of the device's work fails, at once or later on."""
    failures, tally = failing(monkeypatch, *WORK[work], after), InpaintStats()
    holes = holes_of()
    if work == "smooth":  # only where nothing is ever seen
        frames = [replace(frames[0], index=index, pts=10 * index) for index in range(len(frames))]
        holes = [holes[0]] * len(frames)
        expected = on_cpu(frames, holes)
    apart = np.abs(differences(on_device(frames, holes, tally=tally), expected))
    assert apart.max() <= 1
    assert np.count_nonzero(apart) <= 2 + apart.size // 1000
    assert failures
    assert (tally.cpu_fallback_frames > 0) == (work != "put back")


@pytest.mark.parametrize("after", [0, pytest.param(1, marks=pytest.mark.slow)])
@pytest.mark.parametrize("work", NETWORK_WORK)
def test_without_memory_beside_the_network_the_processor_goes_on(frames, corrected, monkeypatch, work, after):
    failures = failing(monkeypatch, *NETWORK_WORK[work], after)
    apart = np.abs(differences(corrected_on_device(frames), corrected))
    assert apart.max() <= 1
    assert np.count_nonzero(apart) <= apart.size // 1000
    assert failures


@pytest.mark.gpu
@pytest.mark.parametrize("kernels", ["torch", "auto"])
@pytest.mark.parametrize("format", FORMATS)
def test_a_real_device_gives_what_the_processor_gives(format, kernels):
    """Within two codes but for a few: sums are added up in another order there."""
    size = {"height": HEIGHT, "width": WIDTH, "format": format}
    settings = replace(SETTINGS, kernels=kernels)
    expected = repaired(frames_of(format), holes_of(), settings=replace(settings, device="cpu"), **size)
    tally = InpaintStats()
    got = repaired(frames_of(format), holes_of(), settings=settings, tally=tally, **size)
    step = 1 << layout(format).components[0].shift
    apart = np.abs(differences(got, expected)) // step
    assert tally.cpu_fallback_frames == 0
    assert apart.max() <= max(2, layout(format).peak // 100)
    assert np.count_nonzero(apart > 1) <= apart.size // 1000


@pytest.mark.gpu
def test_a_real_device_without_memory_ends_no_run(frames):
    """Bounded to less than its pool already has, so that whatever is asked of it next is refused."""
    size = {"height": HEIGHT, "width": WIDTH, "format": "yuv420p"}
    expected = repaired(frames, holes_of(), settings=replace(SETTINGS, device="cpu"), **size)
    torch.cuda.empty_cache()
    torch.cuda.set_per_process_memory_fraction(1e-9, DEVICE)
    tally = InpaintStats()
    try:
        got = repaired(frames, holes_of(), settings=SETTINGS, tally=tally, **size)
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0, DEVICE)
    assert tally.cpu_fallback_frames > 0
    assert np.abs(differences(got, expected)).max() <= 2
