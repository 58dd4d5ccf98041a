"""The published network: its 408 entries, and its output for weights made by a rule."""

import hashlib

import numpy as np
import pytest
import torch
from networks import paper, published_state

from vrestore.errors import ModelError
from vrestore.models.tsam.config import PAPER
from vrestore.models.tsam.network import Tsam
from vrestore.models.tsam.official import from_official, official_entries

KEYS_SHA256 = "a5fde1290a742bbde40651b239b87862f8a340837ddf4389ee6b13c373933ccb"
"""Of the lines `key [shape]` of the published generator, in its order."""


@pytest.fixture(scope="module")
def entries():
    return official_entries()


@pytest.fixture(scope="module")
def published():
    return published_state()


def test_the_entries_are_those_of_the_published_generator(entries):
    lines = [f"{key} {list(entry.shape)}\n" for key, entry in entries.items()]
    assert len(lines) == 408
    assert hashlib.sha256("".join(lines).encode()).hexdigest() == KEYS_SHA256


def test_the_published_generator_loads_strictly(published):
    with torch.device("meta"):
        network = Tsam(PAPER)
    network.load_state_dict(from_official(published), strict=True, assign=True)
    assert sum(parameter.numel() for parameter in network.parameters()) == 31_661_510


def test_other_parts_of_a_checkpoint_are_passed_over(published):
    state = published | {"vgg.slice1.0.weight": torch.zeros(1), "advloss.real_label": torch.zeros(())}
    assert from_official(state).keys() == from_official(published).keys()


GATE = "generator.coarse_net.upsample_module.conv9.gatingConv"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({f"{GATE}.weight_u": None}, r"weight_u' is missing"),
        ({f"{GATE}.extra": torch.zeros(1)}, r"extra' is not known"),
        ({f"{GATE}.layer.bias": torch.zeros(255)}, r"layer.bias' has shape \(255,\), not \(256,\)"),
        ({f"{GATE}.weight_orig": torch.zeros(256, 256, 3, 3)}, r"weight_orig' and '.*layer.weight' differ"),
    ],
    ids=["missing", "unknown", "shape", "copies"],
)
def test_what_is_not_the_published_generator_is_refused(published, change, words):
    changed = {key: value for key, value in (published | change).items() if value is not None}
    with pytest.raises(ModelError, match=words):
        from_official(changed)


def test_the_output_is_that_of_the_published_network(golden):
    """Worst seen: 1.3e-5, on values up to 2.8."""
    with torch.inference_mode():
        filled = paper()(golden.clip, golden.motion)
    np.testing.assert_allclose(filled, golden.filled, rtol=0, atol=1e-4)
