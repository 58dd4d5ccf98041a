"""Networks make nothing on the CPU that belongs on their device."""

import pytest
import torch

from vrestore.models.tsam.config import PAPER, SMALL
from vrestore.models.tsam.network import Clip, Tsam
from vrestore.models.tsam.streaming import StreamState, push
from vrestore.ops.warp.shift_align import Motion

HEIGHT, WIDTH = 64, 96


def clip(config, count):
    picture = torch.zeros(count, 3, HEIGHT, WIDTH)
    flat = torch.zeros(count, 1, HEIGHT, WIDTH)
    return Clip(picture, flat > 0, flat, torch.zeros(count, config.hint_channels, HEIGHT, WIDTH))


def motion(count):
    flow, occlusion = (
        torch.zeros(count, 2, HEIGHT // 2, WIDTH // 2),
        torch.zeros(count, 1, HEIGHT // 2, WIDTH // 2),
    )
    return Motion(flow, flow, occlusion, occlusion)


@pytest.mark.parametrize("config", [SMALL, PAPER], ids=lambda config: config.name)
def test_a_stream_stays_on_its_device(config):
    """The meta device keeps no numbers, and refuses to mix with the CPU as a CUDA device does."""
    device = torch.device("meta")
    network = Tsam(config).to(device=device, dtype=torch.bfloat16).eval()
    state = StreamState()
    with torch.no_grad():
        pictures = [
            push(network, state, clip(config, count).to(device), motion(count - first).to(device))
            for first, count in ((1, 40), (0, 4))
        ]
    assert len(pictures[0]) > 0
    assert len(pictures[1]) == 4
    assert {each.device.type for each in pictures} == {"meta"}


@pytest.mark.gpu
def test_a_network_gives_on_a_device_what_it_gives_on_the_cpu():
    torch.manual_seed(0)
    network = Tsam(SMALL).eval()
    still, pairs = clip(SMALL, 16), motion(15)
    noise = Clip(
        torch.rand_like(still.frames),
        torch.rand_like(still.confidence) > 0.7,
        still.confidence,
        still.hints,
    )
    device = torch.device("cuda")
    with torch.inference_mode():
        expected = network(noise, pairs)
        found = network.to(device)(noise.to(device), pairs.to(device)).cpu()
    assert float((found - expected).abs().max()) < 1e-3
