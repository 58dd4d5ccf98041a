"""Networks with weights made by a rule, and clips of noise for them."""

from functools import cache

import numpy as np
import torch

from vrestore.models.meta_init import empty
from vrestore.models.tsam.config import PAPER, SMALL
from vrestore.models.tsam.network import Clip, Tsam
from vrestore.models.tsam.official import from_official, official_entries
from vrestore.ops.warp.shift_align import Motion


def small(config=SMALL):
    """Ours with seeded weights; the head is as large as the rest, so that what it is given shows."""
    torch.manual_seed(0)
    network = Tsam(config).eval()
    with torch.no_grad():
        network.decoder.head.weight.mul_(10)
    return network


def paper(config=PAPER):
    """The published network's shape with the golden check's weights."""
    network = empty(lambda: Tsam(config)).eval()  # draws no 32 million weights for nothing
    state = from_official(published_state())
    network.load_state_dict({key: value.clone() for key, value in state.items()}, assign=True)
    return network


def published_state():
    """A generator as it stands in a published checkpoint, its weights made by the golden check's rule."""
    return dict(_published())


@cache
def _published():
    entries = official_entries()
    state = {key: _weight(key, index, entry.shape) for index, (key, entry) in enumerate(entries.items())}
    used = {entry.ours: key for key, entry in entries.items() if not entry.is_copy}
    return state | {key: state[used[entry.ours]] for key, entry in entries.items() if entry.is_copy}


def noise_clip(count, height=16, width=32, *, seed=0):
    """A clip of noise with a walking hole, and motion that also leaves the picture, a part of it in doubt."""
    rng = np.random.default_rng(seed)

    def noise(*shape):
        return torch.from_numpy(rng.random(shape, dtype=np.float32))

    holes = torch.zeros(count, 1, height, width, dtype=torch.bool)
    for index in range(count):
        holes[index, :, 3:11, 5 + index % 9 : 20 + index % 9] = True
    confidence = torch.where(holes, noise(count, 1, height, width), 1)
    pairs = count - 1
    flows = (8 * noise(pairs, 2, height, width) - 4 for _ in range(2))
    doubts = ((noise(pairs, 1, height, width) < 0.2).float() for _ in range(2))
    clip = Clip(noise(count, 3, height, width), holes, confidence, noise(count, 4, height, width))
    return clip, Motion(*flows, *doubts)


def _weight(key, index, shape):
    """A linear congruential sequence in int64, scaled by what the entry is."""
    flat = np.arange(np.prod(shape, dtype=int), dtype=np.int64)
    u = ((flat * 1103515245 + 7919 * index + 12345) % 2**31) / 2**31
    leaf = key.rpartition(".")[2]
    if leaf == "num_batches_tracked":
        return torch.tensor(0)
    if len(shape) == 4:
        values = (2 * u - 1) * np.sqrt(6 / np.prod(shape[1:]))
    elif leaf in {"weight", "running_var"}:
        values = 0.5 + u
    else:
        values = 0.2 * (u - 0.5)
    return torch.from_numpy(values.astype(np.float32).reshape(shape))
