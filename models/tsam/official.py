"""The published TSAM checkpoint: the 408 entries of its generator, and what they are called here.

In that file every convolution of the decoder has its weights twice, once under a wrapper for spectral
normalisation whose result the network never used. Only `layer.weight` and `layer.bias` count; the vectors of
the power iteration (`weight_u`, `weight_v`) have no say and are left behind.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from vrestore.errors import ModelError
from vrestore.models.meta_init import empty
from vrestore.models.tsam.config import PAPER
from vrestore.models.tsam.network import Tsam

PREFIX = "generator.coarse_net."
_ENCODER = f"{PREFIX}downsample_module.base_model."
_DECODER = f"{PREFIX}upsample_module."
_BLOCK_PARTS = {
    "first.feature": "conv1.net",
    "first.gate": "conv1.gating_conv",
    "first_norm": "bn1",
    "second": "conv2",
    "second_norm": "bn2",
    "expand": "conv3",
    "expand_norm": "bn3",
    "shortcut": "downsample.0",
    "shortcut_norm": "downsample.1",
}
_DECODER_PARTS = {
    "steps.1.skip.conv.feature": "conv_c2.featureConv",
    "steps.1.skip.conv.gate": "conv_c2.gatingConv",
    "steps.0.skip.conv.feature": "conv_c4.featureConv",
    "steps.0.skip.conv.gate": "conv_c4.gatingConv",
    "steps.0.rise": "deconv1.conv.featureConv",
    "steps.0.merge.conv.feature": "conv9.featureConv",
    "steps.0.merge.conv.gate": "conv9.gatingConv",
    "steps.1.rise": "deconv2.conv.featureConv",
    "steps.1.merge.conv.feature": "conv10.featureConv",
    "steps.1.merge.conv.gate": "conv10.gatingConv",
    "steps.2.rise": "deconv3.conv.featureConv",
    "head.conv.feature": "conv11.featureConv",
    "head.conv.gate": "conv11.gatingConv",
}
"""Our names and theirs of the decoder's convolutions, in the order of the file."""


@dataclass(frozen=True)
class PickleEntry:
    """An entry of the published generator."""

    shape: tuple[int, ...]
    ours: str | None
    """The name of the parameter here; None where the entry has no say in the output."""
    is_copy: bool = False
    """Whether its value stands under another key as well, the one that is used."""


def official_entries() -> dict[str, PickleEntry]:
    """List the entries of the published generator by key, in the order of the file."""
    # From our own network's shapes, so that the two cannot come apart; on `meta` they cost no memory.
    made = empty(partial(Tsam, PAPER))
    shapes = {name: tuple(value.shape) for name, value in made.state_dict().items()}
    entries = {
        _encoder_key(name): PickleEntry(shapes[name], name) for name in shapes if name.startswith("encoder.")
    }
    for ours, part in _DECODER_PARTS.items():
        entries |= _decoder_entries(f"decoder.{ours}", f"{_DECODER}{part}", shapes)
    return entries


def from_official(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Translate the generator of a published checkpoint into the state of `Tsam(PAPER)`.

    Entries of other parts of the model are passed over.

    Raises:
        ModelError: A key is missing or not known, a shape is wrong, or two copies of a weight differ.
    """
    entries = official_entries()
    generator = {key: value for key, value in state.items() if key.startswith("generator.")}
    problem = next(_problems(generator, entries), None)
    if problem is not None:
        raise ModelError(
            f"not a checkpoint of the published TSAM: {problem}; take the file as its authors gave it"
        )
    return {
        entry.ours: generator[key]
        for key, entry in entries.items()
        if entry.ours is not None and not entry.is_copy
    }


def _problems(generator: Mapping[str, Tensor], entries: Mapping[str, PickleEntry]) -> Iterator[str]:
    yield from (f"{key!r} is missing" for key in entries if key not in generator)
    yield from (f"{key!r} is not known" for key in generator if key not in entries)
    used = {entry.ours: key for key, entry in entries.items() if not entry.is_copy}
    for key, entry in entries.items():
        shape = tuple(generator[key].shape)
        if shape != entry.shape:
            yield f"{key!r} has shape {shape}, not {entry.shape}"
    for key, entry in entries.items():
        if entry.is_copy and not torch.equal(generator[key], generator[used[entry.ours]]):
            yield f"{key!r} and {used[entry.ours]!r} differ"


def _encoder_key(name: str) -> str:
    """Return the published key of an entry of our encoder: `encoder.stages.0.1.first.gate.weight`."""
    part, _, leaf = name.removeprefix("encoder.").rpartition(".")
    if part.startswith("stem"):
        return f"{_ENCODER}{'bn1' if part == 'stem_norm' else 'conv1'}.{leaf}"
    # `stages.0.1.first.gate` is block 1 of the first stage: torchvision counts stages from 1, as `layer1`.
    _, stage, block, *rest = part.split(".")
    return f"{_ENCODER}layer{int(stage) + 1}.{block}.{_BLOCK_PARTS['.'.join(rest)]}.{leaf}"


def _decoder_entries(ours: str, theirs: str, shapes: Mapping[str, tuple[int, ...]]) -> dict[str, PickleEntry]:
    weight, bias = f"{ours}.weight", f"{ours}.bias"
    out_channels, in_channels, height, width = shapes[weight]
    # Spectral normalisation (Miyato et al. 2018) sees the kernel as a matrix of (out, in * height * width),
    # and keeps its first singular vectors u and v from step to step.
    copy_of_bias = {f"{theirs}.bias": PickleEntry(shapes[bias], bias, is_copy=True)}
    if "head" in ours:  # the only convolution that was not wrapped
        copies = {f"{theirs}.weight": PickleEntry(shapes[weight], weight, is_copy=True)} | copy_of_bias
    else:
        copies = copy_of_bias | {
            f"{theirs}.weight_orig": PickleEntry(shapes[weight], weight, is_copy=True),
            f"{theirs}.weight_u": PickleEntry((out_channels,), None),
            f"{theirs}.weight_v": PickleEntry((in_channels * height * width,), None),
        }
    return copies | {
        f"{theirs}.layer.weight": PickleEntry(shapes[weight], weight),
        f"{theirs}.layer.bias": PickleEntry(shapes[bias], bias),
    }
