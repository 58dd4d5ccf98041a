"""Networks from weights files and back: safetensors, loaded strictly, memory-mapped."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn

from vrestore.errors import ModelError
from vrestore.models.cards import Card, write_card, written_whole
from vrestore.models.cgidn.config import HAZE_CONFIGS
from vrestore.models.cgidn.network import CgIdn
from vrestore.models.library import SUFFIX, Weights, find_weights
from vrestore.models.meta_init import empty
from vrestore.models.tsam.config import PAPER, SMALL
from vrestore.models.tsam.network import Tsam

ARCHITECTURES: dict[str, Callable[[], nn.Module]] = {
    PAPER.name: partial(Tsam, PAPER),
    SMALL.name: partial(Tsam, SMALL),
    **{name: partial(CgIdn, config) for name, config in HAZE_CONFIGS.items()},
}
"""The architectures that a card or a file's header may name, and what makes each."""

# The types of safetensors that weights here may have; any other counts as bool, which no weight is.
_TYPES = {
    "F16": torch.float16,
    "BF16": torch.bfloat16,
    "F32": torch.float32,
    "I64": torch.int64,
}


def load_model(
    name_or_path: str | Path,
    *,
    device: str | torch.device = "cpu",
    dtype: torch.dtype = torch.float32,
) -> nn.Module:
    """Return the network of a model, with its weights, in eval mode.

    Where device and dtype are those of the file, its numbers are not copied: they are mapped into memory and
    read when first used.

    Args:
        name_or_path: see `vrestore.models.library.find_weights`.
        device: where the network goes.
        dtype: of its numbers.

    Raises:
        ModelError: there is no such model; the file is damaged, is not what its card says, or its entries are
            not exactly those of the network.
    """
    weights = find_weights(name_or_path)
    weights.sha256()
    with _opened(weights) as (file, network):
        # `assign` puts the mapped tensors in the place of the empty ones instead of copying into them.
        state = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 - it is no dict
        network.load_state_dict(state, strict=True, assign=True)
    return network.to(device=device, dtype=dtype).eval()


def verify(weights: Weights) -> str:
    """Check a file against its card and its network, and return its sha256; raises ModelError."""
    sha256 = weights.sha256()
    with _opened(weights) as (file, _):
        for key in file.keys():  # noqa: SIM118
            if not torch.isfinite(file.get_tensor(key)).all():
                raise ModelError(f"{str(weights.path)!r} holds numbers in {key!r} that are not finite")
    return sha256


def save_weights(network: nn.Module, path: Path, card: Card) -> Card:
    """Write the weights of a network as fp16, and its card beside them with the file's sha256.

    The same weights make the same file. What is there is overwritten. Returns the card as it was written.

    Raises:
        ValueError: the path does not end in the card's name.
        ModelError: the network is not of the card's architecture, or holds numbers that fp16 does not.
        TargetError: nothing can be written there.
    """
    state = {
        key: value.half() if value.is_floating_point() else value
        for key, value in network.state_dict().items()
    }
    return write_weights(state, path, card)


def write_weights(state: Mapping[str, Tensor], path: Path, card: Card) -> Card:
    """Write a state as it is, and its card beside it; see `save_weights`."""
    if path.name != f"{card.name}{SUFFIX}":
        raise ValueError(f"weights of {card.name!r} are called {card.name}{SUFFIX}, got {path.name!r}")
    problem = next(_differences(state, empty(ARCHITECTURES[card.architecture]).state_dict()), None)
    if problem is not None:
        raise ModelError(f"it is not a whole {card.architecture}: {problem}")
    for key, value in state.items():
        if not torch.isfinite(value).all():
            raise ModelError(f"{key!r} holds numbers that are not finite, or too large for {value.dtype}")
    # Two names of one tensor, and channels-last weights, are refused by safetensors: each gets its own
    # memory.
    whole = {
        key: value.detach().cpu().clone(memory_format=torch.contiguous_format) for key, value in state.items()
    }
    # One entry only: safetensors writes several in any order, and the file would not be the same twice.
    data = save(whole, metadata={"architecture": card.architecture})
    with written_whole(path) as part:
        part.write_bytes(data)
    written = replace(card, sha256=hashlib.sha256(data).hexdigest())
    write_card(written, path.with_suffix(".json"))
    return written


@contextmanager
def _opened(weights: Weights) -> Iterator[tuple[Any, nn.Module]]:
    """Map a file, and make its network without memory of its own, once the entries of both agree."""
    name = str(weights.path)
    try:
        with safe_open(weights.path, framework="pt") as file:
            architecture = _architecture(file, weights)
            network = empty(ARCHITECTURES[architecture])
            problem = next(_differences(_entries(file), network.state_dict()), None)
            if problem is not None:
                raise ModelError(
                    f"{name!r} is not a whole {architecture}: {problem}; install or import it again"
                )
            yield file, network
    except (SafetensorError, OSError) as error:
        raise ModelError(
            f"{name!r} is no whole safetensors file ({error}); install or import it again"
        ) from error


def _architecture(file: Any, weights: Weights) -> str:  # noqa: ANN401 - safetensors has no types
    name = str(weights.path)
    found: str | None = (file.metadata() or {}).get("architecture")
    if found not in ARCHITECTURES:
        raise ModelError(
            f"{name!r} gives its architecture as {found!r}, known are {', '.join(ARCHITECTURES)}; "
            "pass a file that vrestore has written"
        )
    if weights.card is not None and weights.card.architecture != found:
        raise ModelError(
            f"{name!r} holds {found!r}, its card says {weights.card.architecture!r}; "
            "put its own card beside it"
        )
    return found


def _entries(file: Any) -> dict[str, Tensor]:  # noqa: ANN401
    """Return what a file holds, as tensors without numbers."""
    entries = {}
    for key in file.keys():  # noqa: SIM118 - it is no dict
        part = file.get_slice(key)
        # On `meta` a tensor is its shape and type alone, so that files are compared before numbers are read.
        dtype = _TYPES.get(part.get_dtype(), torch.bool)
        entries[key] = torch.empty(part.get_shape(), dtype=dtype, device="meta")
    return entries


def _differences(found: Mapping[str, Tensor], wanted: Mapping[str, Tensor]) -> Iterator[str]:
    """Say where the entries of two states differ; how precise numbers are does not matter."""
    yield from (f"{key!r} is missing" for key in wanted if key not in found)
    yield from (f"{key!r} is not known" for key in found if key not in wanted)
    for key, value in wanted.items():
        if found[key].shape != value.shape:
            yield f"{key!r} has shape {tuple(found[key].shape)}, not {tuple(value.shape)}"
        if found[key].is_floating_point() != value.is_floating_point():
            yield f"{key!r} holds {found[key].dtype}, not {value.dtype}"
