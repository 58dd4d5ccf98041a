"""The published TSAM checkpoint, made into weights of ours."""

from __future__ import annotations

import hashlib
from pathlib import Path

from torch import Tensor

from vrestore.errors import ModelError
from vrestore.files import check_target, writing
from vrestore.models.cards import Card, Data
from vrestore.models.checkpoint import Checkpoint, open_checkpoint
from vrestore.models.library import Weights, find_weights, place_for
from vrestore.models.tsam.config import PAPER
from vrestore.models.tsam.official import PREFIX, from_official
from vrestore.models.unpickle import StoredTensor
from vrestore.models.weights import write_weights


def import_official(checkpoint: Path, *, name: str, overwrite: bool = False) -> Weights:
    """Convert a checkpoint as the authors of TSAM gave it, and keep it in the user's folder under a name.

    Nothing that the file holds is run. Its numbers are kept as they are, in fp32.

    Raises:
        UsageError: the name is none, or that of a shipped model.
        ModelError: the file is not there, is damaged, holds what no weights need, or its generator is not
            entry by entry the published one.
        TargetError: the name is taken and may not be overwritten, or nothing can be written there.
    """
    # The name is checked first, because reading a checkpoint takes a while.
    place = place_for(name)
    if not checkpoint.is_file():
        raise ModelError(f"there is no file {str(checkpoint)!r}; pass the checkpoint as it was downloaded")
    try:
        with open_checkpoint(checkpoint) as opened:
            state = from_official(_generator(opened))
            card = _card(name, checkpoint, epoch=_epoch(opened))
        with writing(str(place)):
            place.parent.mkdir(parents=True, exist_ok=True)
        target = check_target(place, sources=[checkpoint], overwrite=overwrite)
        write_weights(state, target, card)
    except OSError as error:
        raise ModelError(f"{str(checkpoint)!r} cannot be imported ({error.strerror})") from error
    except ModelError as error:
        raise ModelError(f"{str(checkpoint)!r} was refused, nothing in it was run: {error}") from error
    return find_weights(name)


def _generator(checkpoint: Checkpoint) -> dict[str, Tensor]:
    """Read the generator alone: the discriminator, VGG and the optimisers stay in the file."""
    content = checkpoint.content
    state = content.get("state_dict") if isinstance(content, dict) else None
    if not isinstance(state, dict):
        raise ModelError("it has no 'state_dict'; take the file as its authors gave it")
    tensors = checkpoint.tensors(
        {key: value for key, value in state.items() if _is_generator(key) and isinstance(value, StoredTensor)}
    )
    # 32 bits whatever the file has: nothing is lost, and files of this architecture are all of one type.
    return {key: value.float() if value.is_floating_point() else value for key, value in tensors.items()}


def _is_generator(key: object) -> bool:
    return isinstance(key, str) and key.startswith(PREFIX)


def _epoch(checkpoint: Checkpoint) -> str:
    epoch = checkpoint.content.get("epoch") if isinstance(checkpoint.content, dict) else None
    return f"epoch {epoch}" if isinstance(epoch, int) else "of an epoch not known"


def _card(name: str, checkpoint: Path, *, epoch: str) -> Card:
    with checkpoint.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    return Card(
        name=name,
        version=epoch,
        architecture=PAPER.name,
        summary=f"The published TSAM (Zou et al., CVPR 2021), from {checkpoint.name}, sha256 {sha256}.",
        licence="none stated by its authors; ask them before you use it for more than research",
        data=(Data("FVI (the part from YouTube-VOS) or DAVIS; the file does not say which", "not stated"),),
        command=f"vrestore models import {checkpoint.name} --name {name}",
        seed=None,
        steps=None,
        machine="not known",
        quality=(),
    )
