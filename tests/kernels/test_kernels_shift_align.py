"""The shift-and-align kernels against their definition."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from close import assert_close
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from vrestore.kernels.shift_align import place, shift_align
from vrestore.ops.warp.shift_align import Motion
from vrestore.ops.warp.shift_align import shift_align as twin

TYPES = pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
OFFICIAL = pytest.mark.parametrize("official", [True, False], ids=["official", "ours"])


def drawn(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def motion_of(pairs, height, width, *, seed=0, reach=3.0):
    """Flow that also leaves the picture; a third of the pixels in doubt, some of them fully."""
    doubts = [2 * torch.rand(drawn(pairs, 1, height, width).shape) - 0.7 for _ in range(2)]
    return Motion(
        reach * drawn(pairs, 2, height, width, seed=seed + 1),
        reach * drawn(pairs, 2, height, width, seed=seed + 2),
        *(occlusion.clamp(0, 1) for occlusion in doubts),
    )


def aligned_by(machine, features, motion, *, fold, official, clip_end="zeros", **changes):
    def runner(launch):
        machine.runner(replace(launch, **changes))

    parts = (motion.forward, motion.backward, motion.forward_doubt, motion.backward_doubt)
    height, width = features.shape[-2:]
    put = [machine.put(part) for part in parts]
    placed = place(*put, height=height, width=width, official=official, runner=runner)
    result = shift_align(
        machine.put(features),
        placed,
        fold=fold,
        official=official,
        keeps_ends=clip_end == "own",
        runner=runner,
    )
    return result.cpu()


@pytest.fixture(autouse=True)
def _seeded():
    torch.manual_seed(0)


def test_the_published_unit_case(machine):
    """As Zou et al.'s network computes it: half-pixel grid, zero border, one test for both directions."""
    frames = torch.arange(1.0, 97.0).reshape(3, 4, 2, 4)
    motion = Motion(*(torch.zeros(2, count, 2, 4) for count in (2, 2, 1, 1)))
    motion.forward[0, 0] = 1
    motion.forward[1, 1] = 0.5
    motion.backward[0, 0] = -1
    motion.backward[1, 0] = 9
    motion.forward_doubt[0, 0, 0, 0] = 1
    motion.backward_doubt[0, 0, 1, 1] = 1
    motion.backward_doubt[0, 0, 1, 2] = 0.99
    aligned = aligned_by(machine, frames, motion, fold=1, official=True)
    expected = frames.clone()
    expected[0, 0] = torch.tensor([[1, 17.41667, 15, 4], [18.75, 19.41667, 16.66667, 8]])
    expected[0, 1] = 0
    expected[1, 0] = torch.tensor([[32.5, 65.83333, 67.16667, 34], [37, 38, 39, 40]])
    expected[1, 1] = torch.tensor([[0, 3.75, 5.08333, 44], [0, 46, 7.08333, 48]])
    expected[2, 0] = 0
    expected[2, 1] = torch.tensor([[0, 0, 0, 0], [77, 78, 79, 80]])
    np.testing.assert_allclose(aligned, expected, rtol=0, atol=1e-5)


@TYPES
@OFFICIAL
@pytest.mark.parametrize("fold", [3, 16], ids=["odd", "words"])
def test_the_kernels_do_what_the_definition_says(machine, dtype, official, fold):
    frames, motion = drawn(3, 48, 7, 19).relu().to(dtype), motion_of(2, 7, 19)
    result = aligned_by(machine, frames, motion, fold=fold, official=official)
    assert result.dtype == dtype
    assert result.is_contiguous(memory_format=torch.channels_last)
    assert_close(result, twin(frames.float(), motion, fold=fold, official=official), dtype=dtype)


@OFFICIAL
@pytest.mark.parametrize("clip_end", ["zeros", "own"])
@pytest.mark.parametrize(
    "size", [(14, 38), (1, 1), (5, 11), (31, 23)], ids=["half", "one-pixel-flow", "enlarged", "uneven"]
)
def test_flow_may_be_of_any_size(machine, official, clip_end, size):
    frames, motion = drawn(4, 8, 7, 19).relu(), motion_of(3, *size)
    options = {"fold": 2, "official": official, "clip_end": clip_end}
    assert_close(aligned_by(machine, frames, motion, **options), twin(frames, motion, **options))


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    frames=st.integers(1, 4),
    fold=st.sampled_from([1, 2, 4, 12, 20]),
    rest=st.sampled_from([0, 1, 4]),
    size=st.tuples(st.integers(1, 9), st.integers(1, 35)),
    official=st.booleans(),
    clip_end=st.sampled_from(["zeros", "own"]),
    seed=st.integers(0, 99),
)
def test_sizes_of_any_kind_are_covered(machine, frames, fold, rest, size, official, clip_end, seed):
    features = drawn(frames, 2 * fold + rest, *size, seed=seed)
    motion = motion_of(frames - 1, *size, seed=seed)
    options = {"fold": fold, "official": official, "clip_end": clip_end}
    assert_close(aligned_by(machine, features, motion, **options), twin(features, motion, **options))


@OFFICIAL
def test_one_block_does_the_work_of_all(machine, official):
    frames, motion = drawn(3, 8, 9, 35), motion_of(2, 9, 35)
    one = aligned_by(machine, frames, motion, fold=4, official=official, blocks=1)
    assert torch.equal(one, aligned_by(machine, frames, motion, fold=4, official=official))


@OFFICIAL
def test_more_channels_than_lanes_are_summed(machine, official):
    """40 words of 4 from the next frame: each of 32 lanes has one or two."""
    frames, motion = drawn(2, 320, 3, 5).relu(), motion_of(1, 3, 5)
    result = aligned_by(machine, frames, motion, fold=160, official=official)
    assert_close(result, twin(frames, motion, fold=160, official=official))


@OFFICIAL
def test_views_are_read_as_they_are(machine, official):
    frames = drawn(4, 9, 21, 7).transpose(2, 3)[1:, 1:]
    motion = motion_of(2, 21, 7)
    motion = Motion(*(part.transpose(2, 3) for part in vars(motion).values()))
    result = aligned_by(machine, frames, motion, fold=2, official=official)
    assert_close(result, twin(frames, motion, fold=2, official=official))


@OFFICIAL
def test_what_is_not_trusted_is_not_read(machine, official):
    """A neighbor that is no number does not come through."""
    frames, motion = drawn(2, 8, 3, 5), motion_of(1, 3, 5)
    motion.forward_doubt.fill_(1)
    frames[1] = torch.nan
    result = aligned_by(machine, frames, motion, fold=4, official=official)
    assert torch.equal(result[0, :4], frames[0, :4])


@pytest.mark.parametrize("fold", [0, 5])
def test_a_fold_that_does_not_fit_is_refused(machine, fold):
    with pytest.raises(ValueError, match=f"fold is 1 to 4 of 8 channels, got {fold}"):
        aligned_by(machine, drawn(2, 8, 3, 5), motion_of(1, 3, 5), fold=fold, official=False)
