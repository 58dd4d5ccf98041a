"""Streams on a device that runs out of memory: the same pictures, in smaller parts or from the CPU."""

import pytest
import torch
from networks import noise_clip, paper, small

from vrestore.methods.inpaint.network.stream import Stream
from vrestore.models.tsam.streaming import StreamState, finish, push

NETWORKS = {"small": small, "paper": paper}
COUNT, CHUNK = 23, 8


def streamed(network, clip, motion, network_cpu_frames=lambda _: None):
    stream = Stream(network, network_cpu_frames)
    parts = []
    with torch.inference_mode():
        for start in range(0, COUNT, CHUNK):
            stop = min(start + CHUNK, COUNT)
            parts.append(stream.push(clip[start:stop], motion[max(0, start - 1) : stop - 1]))
        parts += stream.finish()
    return torch.cat(parts)


def expected(network, clip, motion):
    state = StreamState()
    with torch.inference_mode():
        return torch.cat([push(network, state, clip, motion), *finish(network, state)])


def fails(network, when):
    """Let the network's last layer run out of memory when `when` says so of its input; give what it saw."""
    last, seen = network.decoder.head, []

    def refuse(module, inputs):
        if module is last:  # and not its copy on the CPU
            seen.append(len(inputs[0]))
            if when(len(inputs[0]), len(seen)):
                raise torch.OutOfMemoryError("injected")

    last.register_forward_pre_hook(refuse)
    return seen


@pytest.mark.parametrize("name", ["small", pytest.param("paper", marks=pytest.mark.slow)])
def test_where_all_fits_it_is_the_plain_stream(name):
    network, (clip, motion) = NETWORKS[name](), noise_clip(COUNT)
    told = []
    assert (streamed(network, clip, motion, told.append) - expected(network, clip, motion)).abs().max() < 1e-5
    assert told == []


@pytest.mark.parametrize(
    ("name", "most"),
    [("small", 1), ("small", 2), ("small", 3), pytest.param("paper", 1, marks=pytest.mark.slow)],
)
def test_frames_go_through_in_parts_that_fit(name, most):
    network, (clip, motion) = NETWORKS[name](), noise_clip(COUNT)
    wanted, told = expected(network, clip, motion), []
    seen = fails(network, lambda count, _: count > most)
    assert (streamed(network, clip, motion, told.append) - wanted).abs().max() < 1e-5
    assert max(seen) > most
    assert told == []


@pytest.mark.parametrize(
    ("name", "first"),
    [("small", 1), ("small", 3), ("small", 8), pytest.param("paper", 8, marks=pytest.mark.slow)],
)
def test_where_nothing_fits_the_rest_comes_from_the_cpu(name, first):
    """The device fails from its `first`-th try on; the eighth is in what `finish` gives."""
    network, (clip, motion) = NETWORKS[name](), noise_clip(COUNT)
    wanted, told = expected(network, clip, motion), []
    fails(network, lambda _, tries: tries >= first)
    found = streamed(network, clip, motion, told.append)
    assert (found - wanted).abs().max() < 1e-5
    assert 0 < sum(told) <= COUNT
    assert first > 1 or sum(told) == COUNT


def test_a_cpu_that_runs_out_of_memory_is_an_error():
    network, (clip, motion) = small(), noise_clip(COUNT)
    network.decoder.head.register_forward_pre_hook(lambda *_: (_ for _ in ()).throw(torch.OutOfMemoryError()))
    with pytest.raises(torch.OutOfMemoryError):
        streamed(network, clip, motion)


def test_a_copy_of_a_state_goes_on_by_itself():
    network, (clip, motion) = small(), noise_clip(COUNT)
    one = StreamState()
    with torch.inference_mode():
        first = push(network, one, clip[:12], motion[:11])
        other = one.copy()
        ends = [
            torch.cat([push(network, state, clip[12:], motion[11:]), *finish(network, state)])
            for state in (one, other)
        ]
    assert torch.equal(*ends)
    assert len(first) + len(ends[0]) == COUNT
