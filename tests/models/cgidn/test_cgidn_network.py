"""The dehazing network: what it gives before it has learnt anything, and that windows share their frames."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from close import assert_close

from vrestore.methods.dehaze.thumbnail import MULTIPLE
from vrestore.models.cgidn.align import Align, cost_volume
from vrestore.models.cgidn.config import CGIDN, CGIDN_SMALL, HAZE_CONFIGS
from vrestore.models.cgidn.haze_head import Haze
from vrestore.models.cgidn.network import CgIdn
from vrestore.ops.filters.dark_channel import dark_air

TINY = replace(CGIDN_SMALL, name="tiny", channels=(8, 12, 16), align_channels=8, offset_groups=2, radius=1)
PICTURES = replace(
    CGIDN,
    name="tiny-pictures",
    frames=3,
    stem_kernel=3,
    channels=(4, 8, 8, 12, 16),
    align_channels=8,
    offset_groups=2,
    radius=1,
    scale_blocks=1,
    bottleneck_blocks=1,
    decoder_blocks=1,
)
BOTH = pytest.mark.parametrize("config", [TINY, PICTURES], ids=["haze", "picture"])


def made(config, *, seed=0, stirred=True):
    """A network; stirred, its heads are not at zero, so that every part has its say."""
    torch.manual_seed(seed)
    network = CgIdn(config).eval()
    if stirred:
        with torch.no_grad():
            for parameter in network.parameters():
                parameter.add_(0.02 * torch.randn_like(parameter))
    return network


def clips(config, *, count=2, height=32, width=48):
    values = np.random.default_rng(3).random((count, config.frames, 3, height, width), np.float32)
    return torch.from_numpy(values)


def parts(result):
    return [result.depth, result.air, result.tint] if isinstance(result, Haze) else [result]


def test_an_untrained_network_takes_half_of_the_priors_air_and_one_depth_everywhere():
    network, frames = made(TINY, stirred=False), clips(TINY)
    haze = network(frames)
    middle = frames[:, 1]
    assert_close(haze.air, (dark_air(middle) + middle.mean((-2, -1))) / 2)
    assert_close((-haze.depth).exp(), torch.full((2, 1, 8, 12), 0.05 + 0.95 / 2), dtype="float32")
    assert not haze.tint.any()


def test_the_air_is_read_off_where_the_network_looks():
    """All attention on one cell, and none of the prior: the color of that cell."""
    network, frames = made(TINY, stirred=False), clips(TINY)
    head = network.head.air
    with torch.no_grad():
        head.mend[-1].bias[:3] = 50.0
        head.attention.weight.fill_(1e4)
    features = network.encode(frames[:, 1])
    deepest = torch.zeros(2, TINY.channels[-1], 2, 3)
    deepest[:, :, 1, 2] = 1.0
    pooled = torch.zeros(2, 2 * TINY.channels[-1])
    air = head(features.picture, features.air, deepest, pooled)
    cell = frames[:, 1][..., 16:, 32:].mean((-2, -1))
    assert_close(air, cell)


def test_haze_is_a_depth_of_a_quarter_the_size_an_air_and_a_tint():
    haze = made(TINY)(clips(TINY))
    assert haze.depth.shape == (2, 1, 8, 12)
    assert haze.air.shape == (2, 3)
    assert haze.tint.shape == (2, 3, 2, 3)
    assert (haze.depth >= 0).all()


@pytest.mark.parametrize("output", ["image", "residual"])
def test_pictures_have_the_size_of_the_frames(output):
    config = replace(PICTURES, output=output)
    assert made(config)(clips(config)).shape == (2, 3, 32, 48)


def test_an_untrained_residual_changes_nothing():
    config = replace(PICTURES, output="residual")
    frames = clips(config)
    assert_close(made(config, stirred=False)(frames), frames[:, 1])


@BOTH
def test_frames_encoded_one_by_one_give_what_the_clip_gives(config):
    """The cache: a frame is encoded once for every window that it is in."""
    network, frames = made(config), clips(config)
    with torch.inference_mode():
        encoded = [network.encode(frames[:, index]) for index in range(config.frames)]
        for alone, whole in zip(parts(network.clear(encoded)), parts(network(frames)), strict=True):
            assert_close(alone, whole)


@BOTH
def test_a_picture_alone_is_its_own_neighbors(config):
    network, frames = made(config), clips(config)
    with torch.inference_mode():
        encoded = network.encode(frames[:, 0])
        still = parts(network.clear([encoded] * config.frames))
        for alone, expected in zip(parts(network(frames[:, :1])), still, strict=True):
            assert_close(alone, expected)


@BOTH
def test_clips_of_a_batch_do_not_see_each_other(config):
    network, frames = made(config), clips(config)
    with torch.inference_mode():
        for alone, both in zip(parts(network(frames[1:])), parts(network(frames)), strict=True):
            assert_close(alone, both[1:])


@BOTH
def test_neighbors_have_a_say(config):
    network, frames = made(config), clips(config)
    other = frames.clone()
    other[:, 0] = 1 - other[:, 0]
    with torch.inference_mode():
        assert any(
            (a - b).abs().max() > 1e-6
            for a, b in zip(parts(network(frames)), parts(network(other)), strict=True)
        )


@BOTH
def test_every_parameter_learns(config):
    network = made(config).train()
    encoded = network.encode(clips(config).transpose(0, 1).flatten(0, 1))
    result = network.clear([encoded.frame(index, config.frames) for index in range(config.frames)])
    total = sum(part.square().sum() for part in parts(result)) + encoded.cleared.square().sum()
    total.backward()
    still = [name for name, each in network.named_parameters() if each.grad is None or not each.grad.any()]
    assert not still


@pytest.mark.parametrize("switch", ["confidence_in_matching", "confidence_in_fusion", "boosted"])
def test_a_switch_changes_what_is_given_and_no_parameter(switch):
    on, off = made(TINY), made(replace(TINY, **{switch: False}))
    off.load_state_dict(on.state_dict())
    frames = clips(TINY)
    with torch.inference_mode():
        assert (on(frames).depth - off(frames).depth).abs().max() > 1e-6


def test_the_cost_volume_is_likeness_at_every_shift():
    ours, theirs = (torch.randn(1, 5, 4, 6, generator=torch.Generator().manual_seed(seed)) for seed in (1, 2))
    costs = cost_volume(ours, theirs, radius=1)
    assert costs.shape == (1, 9, 4, 6)
    a, b = ours[0].double().numpy(), theirs[0].double().numpy()
    for k, (dy, dx) in enumerate((dy, dx) for dy in (-1, 0, 1) for dx in (-1, 0, 1)):
        for y, x in np.ndindex(4, 6):
            expected = 0.0
            if 0 <= y + dy < 4 and 0 <= x + dx < 6:
                one, other = a[:, y, x], b[:, y + dy, x + dx]
                expected = one @ other / np.linalg.norm(one) / np.linalg.norm(other)
            assert abs(float(costs[0, k, y, x]) - expected) < 1e-5


def test_untrained_offsets_are_zero():
    align = made(TINY, stirred=False).align
    assert isinstance(align, Align)
    assert not any(head.weight.any() or head.bias.any() for head in align.offset_heads())


def test_the_small_one_ships_in_under_20_mb():
    count = sum(parameter.numel() for parameter in CgIdn(CGIDN_SMALL).parameters())
    assert 2 * count < 20e6


def test_configurations_go_by_their_names():
    assert {name: config.name for name, config in HAZE_CONFIGS.items()} == {
        "cgidn": "cgidn",
        "cgidn-small": "cgidn-small",
    }


@pytest.mark.parametrize("config", HAZE_CONFIGS.values(), ids=lambda config: config.name)
def test_the_sides_that_pictures_are_padded_to_halve_at_every_scale(config):
    assert MULTIPLE % (config.shrink * 2 ** (len(config.channels) - 1)) == 0


@pytest.mark.parametrize(
    ("change", "message"), [({"frames": 4}, "odd number"), ({"align_from": 4}, "alignment is at scales")]
)
def test_a_shape_that_cannot_be_is_refused(change, message):
    with pytest.raises(ValueError, match=message):
        replace(TINY, **change)
