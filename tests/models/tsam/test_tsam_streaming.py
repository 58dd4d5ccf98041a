"""A stream gives the numbers of the whole clip, however it is cut, and does not grow."""

import random
from collections import deque
from dataclasses import fields, is_dataclass
from functools import cache

import pytest
import torch
from close import assert_close
from networks import noise_clip, paper, small
from torch import nn

from vrestore.models.tsam.network import Clip
from vrestore.models.tsam.streaming import StreamState, finish, push

MAKERS = {"small": small, "paper": paper}
BOTH = pytest.mark.parametrize("name", MAKERS)
CHUNKS = [1, 2, 3, 7, 16]


@cache
def network(name, dtype=torch.float32):
    return MAKERS[name]().to(dtype)


@cache
def case(name, count, dtype=torch.float32):
    """A clip, its motion, and how it is filled as a whole."""
    clip, motion = noise_clip(count, seed=count)
    clip = Clip(clip.frames.to(dtype), clip.holes, clip.confidence.to(dtype), clip.hints.to(dtype))
    with torch.inference_mode():
        return clip, motion, network(name, dtype)(clip, motion)


def pushed(network, state, clip, motion, sizes):
    """Push the whole of `clip`, the chunks as long as `sizes` says."""
    start, filled = 0, []
    with torch.inference_mode():
        for size in sizes:
            stop = start + size
            filled.append(push(network, state, clip[start:stop], motion[max(start - 1, 0) : stop - 1]))
            start = stop
    return filled


def streamed(network, clip, motion, sizes):
    state = StreamState()
    filled = pushed(network, state, clip, motion, sizes)
    with torch.inference_mode():
        return torch.cat([*filled, *finish(network, state)])


def equal_chunks(count, size):
    return [size] * (count // size) + [count % size] * (count % size > 0)


def random_chunks(count, seed):
    cuts = sorted(random.Random(seed).sample(range(1, count), count // 4))
    return [stop - start for start, stop in zip([0, *cuts], [*cuts, count], strict=True)]


def assert_same(actual, expected, bound):
    assert actual.shape == expected.shape
    assert (actual - expected).abs().max() <= bound * expected.abs().max()


LENGTHS = [
    *(("small", count) for count in (1, 2, 3, 8, 23)),
    *(("paper", count) for count in (1, 2, 3)),
    *(pytest.param("paper", count, marks=pytest.mark.slow) for count in (8, 23)),
]


@pytest.mark.parametrize(("name", "count"), LENGTHS)
@pytest.mark.parametrize("size", CHUNKS)
def test_a_stream_gives_what_the_whole_clip_gives(name, count, size):
    """Worst seen: 7e-6 (paper), 3e-7 (small): convolutions round differently for other numbers of frames."""
    clip, motion, whole = case(name, count)
    assert_same(streamed(network(name), clip, motion, equal_chunks(count, size)), whole, 1e-5)


@pytest.mark.parametrize(
    ("name", "seed"),
    [
        *(("small", seed) for seed in range(3)),
        ("paper", 0),
        *(pytest.param("paper", seed, marks=pytest.mark.slow) for seed in (1, 2)),
    ],
)
def test_a_stream_cut_anywhere_gives_what_the_whole_clip_gives(name, seed):
    clip, motion, whole = case(name, 23)
    assert_same(streamed(network(name), clip, motion, random_chunks(23, seed)), whole, 1e-5)


@pytest.mark.parametrize("name", ["small", pytest.param("paper", marks=pytest.mark.slow)])
def test_in_double_precision_nothing_is_left_of_the_difference(name):
    clip, motion, whole = case(name, 23, torch.float64)
    assert_close(streamed(network(name, torch.float64), clip, motion, random_chunks(23, 7)), whole)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "count"), [("small", 60), ("paper", 41)])
def test_a_longer_stream_gives_what_the_whole_clip_gives(name, count):
    clip, motion, whole = case(name, count)
    for sizes in (*(equal_chunks(count, size) for size in CHUNKS), random_chunks(count, count)):
        assert_same(streamed(network(name), clip, motion, sizes), whole, 1e-5)


@BOTH
@pytest.mark.parametrize("size", [1, 7])
def test_every_convolution_sees_every_frame_once(name, size):
    clip, motion, _ = case(name, 23)
    seen = dict.fromkeys((layer for layer in network(name).modules() if isinstance(layer, nn.Conv2d)), 0)

    def count(layer, given, made):
        seen[layer] += len(made)

    hooks = [layer.register_forward_hook(count) for layer in seen]
    streamed(network(name), clip, motion, equal_chunks(23, size))
    for hook in hooks:
        hook.remove()
    assert set(seen.values()) == {23}


LATENCY = {"small": 10, "paper": 19}


@BOTH
def test_a_frame_is_given_when_its_last_neighbor_came(name):
    clip, motion, _ = case(name, 23)
    filled = pushed(network(name), StreamState(), clip, motion, [1] * 23)
    assert [len(part) for part in filled] == [0] * LATENCY[name] + [1] * (23 - LATENCY[name])


def stored_bytes(state):
    """What a state keeps alive, each piece of memory counted once."""
    storages = [tensor.untyped_storage() for tensor in tensors_of(state)]
    return sum({storage.data_ptr(): storage.nbytes() for storage in storages}.values())


def tensors_of(part):
    if isinstance(part, torch.Tensor):
        yield part
    elif isinstance(part, dict):
        yield from tensors_of(list(part.values()))
    elif isinstance(part, list | deque):
        for member in part:
            yield from tensors_of(member)
    elif is_dataclass(part):
        yield from tensors_of([getattr(part, field.name) for field in fields(part)])


@pytest.mark.parametrize(
    ("name", "size"),
    [("small", 1), ("small", 4), ("paper", 4), pytest.param("paper", 1, marks=pytest.mark.slow)],
)
def test_what_a_stream_keeps_does_not_grow(name, size):
    state, kept = StreamState(), []
    for seed in range(60 // size):
        clip, motion = noise_clip(size + 1, seed=seed)
        pairs = motion if seed else motion[:-1]
        with torch.inference_mode():
            push(network(name), state, Clip(*(part[:size].clone() for part in vars(clip).values())), pairs)
        kept.append(stored_bytes(state))
    assert kept[-1] == kept[len(kept) // 2]


@BOTH
def test_a_held_frame_does_not_hold_its_chunk(name):
    clip, motion, _ = case(name, 23)
    state = StreamState()
    pushed(network(name), state, clip, motion, [16, 7])
    for tensor in tensors_of(state.held):
        assert tensor.untyped_storage().nbytes() == tensor.numel() * tensor.element_size()


@BOTH
def test_a_finished_stream_keeps_no_frames(name):
    clip, motion, _ = case(name, 8)
    state = StreamState()
    pushed(network(name), state, clip, motion, [5, 3])
    with torch.inference_mode():
        assert len(list(finish(network(name), state))) == 8
    assert not any(held.frame is not None for held in state.held.values())
    assert not any(state.waiting.values())
    assert list(finish(network(name), state)) == []


def test_a_stream_of_nothing_ends_at_once():
    assert list(finish(network("small"), StreamState())) == []


@pytest.mark.parametrize(("frames", "pairs"), [(2, 0), (2, 2), (0, 0)], ids=["missing", "more", "no-frames"])
def test_motion_comes_in_pairs_of_neighbors(frames, pairs):
    clip, motion, _ = case("small", 8)
    with pytest.raises(ValueError, match=f"{frames} frames after 0 came with {pairs} pairs"):
        push(network("small"), StreamState(), clip[:frames], motion[:pairs])


def test_a_finished_stream_takes_no_frames():
    clip, motion, _ = case("small", 1)
    state = StreamState()
    pushed(network("small"), state, clip, motion, [1])
    list(finish(network("small"), state))
    with pytest.raises(ValueError, match="a new one needs a new state"):
        push(network("small"), state, clip, motion)
