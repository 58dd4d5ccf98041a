"""Every text that a launcher can ask for compiles for every architecture we promise, without a device."""

from itertools import product

import nvrtc
import pytest
import torch

from vrestore.kernels.deform import deform_conv
from vrestore.kernels.launch import ELEMENTS, source_of
from vrestore.kernels.membrane import membrane
from vrestore.kernels.propagate import fetch
from vrestore.kernels.seam import match_seam_gain
from vrestore.kernels.shift_align import place, shift_align
from vrestore.kernels.warp import warp

ARCHITECTURES = (
    "sm_90",
    *(pytest.param(name, marks=pytest.mark.slow) for name in ("sm_75", "sm_80", "sm_86", "sm_100")),
)
LAYOUTS = (torch.contiguous_format, torch.channels_last)
CHANNELS = (3, 16)
"""Those that only single elements divide, and those that fill a word of any type."""

pytestmark = pytest.mark.skipif(
    nvrtc.unavailable_reason() is not None, reason=f"NOT COMPILED: {nvrtc.unavailable_reason()}"
)


def ask_warp(asked):
    for dtype, layout, channels in product(ELEMENTS, LAYOUTS, CHANNELS):
        pictures = torch.zeros(1, channels, 2, 3, dtype=dtype).contiguous(memory_format=layout)
        warp(pictures, torch.zeros(1, 2, 2, 3), runner=asked.append)


def ask_propagate(asked):
    for dtype, channels, is_last in product(ELEMENTS, CHANNELS, (False, True)):
        weighted = torch.zeros(2, 3, channels, dtype=dtype).permute(2, 0, 1)
        weighted = weighted if is_last else weighted.contiguous()
        how = {"decay": 1.0, "least": 0.0, "sharpness": 0.5 * is_last}
        fetch(weighted, torch.zeros(1, 2), torch.zeros(1), **how, runner=asked.append)


def ask_shift_align(asked):
    motion = [torch.zeros(1, channels, 2, 3) for channels in (2, 2, 1, 1)]
    placed = place(*motion, height=2, width=3, official=True, runner=asked.append)
    for dtype, fold in product(ELEMENTS, (1, 8)):
        features = torch.zeros(2, 16, 2, 3, dtype=dtype)
        shift_align(features, placed, fold=fold, official=False, keeps_ends=False, runner=asked.append)


def ask_deform(asked):
    for dtype, channels, layout, is_masked in product(ELEMENTS, CHANNELS, LAYOUTS, (False, True)):
        offset = torch.zeros(1, 18, 3, 4).contiguous(memory_format=layout)
        mask = torch.zeros(1, 9, 3, 4) if is_masked else None
        frames = torch.zeros(1, channels, 3, 4, dtype=dtype)
        weight = torch.zeros(1, channels, 3, 3)
        deform_conv(frames, offset, mask, weight, padding=1, runner=asked.append)


def ask_membrane(asked):
    how = {"surroundings": 4, "relaxations": 4, "finest_relaxations": 3}
    membrane(torch.zeros(1, 2, 3), torch.ones(2, 3, dtype=torch.bool), **how, runner=asked.append)


def ask_seam(asked):
    how = {"left": 0, "top": 0, "rows": 1, "columns": 1, "cell": 4, "sure": 0.9, "largest": 0.2}
    for channels in (1, 2, 3):
        colors, points = torch.zeros(channels, 5), torch.zeros(5, 2)
        match_seam_gain(colors, torch.zeros(5), colors[:, 3:], points, **how, runner=asked.append)


ASKED = {
    "warp": ask_warp,
    "propagate": ask_propagate,
    "shift_align": ask_shift_align,
    "deform": ask_deform,
    "membrane": ask_membrane,
    "seam": ask_seam,
}


def texts_of(kernel):
    """All texts for a kernel, and the first once more with offsets of 64 bits."""
    launches = []
    ASKED[kernel](launches)
    defines = {launch.defines for launch in launches}
    wide = dict(launches[-1].defines) | {"INDEX": "long long"}
    return [source_of(kernel, each) for each in sorted(defines | {tuple(wide.items())})]


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("kernel", ASKED)
def test_every_text_compiles_without_a_warning(kernel, architecture):
    assert all(nvrtc.compile_for(architecture, text) for text in texts_of(kernel))


def test_every_shipped_kernel_is_compiled(root):
    assert {path.stem for path in (root / "kernels").glob("*.cu")} == set(ASKED)


def test_a_text_with_a_fault_does_not_compile():
    with pytest.raises(AssertionError, match="undefined"):
        nvrtc.compile_for("sm_90", source_of("warp", (("ELEMENT", "unheard_of"),)))
