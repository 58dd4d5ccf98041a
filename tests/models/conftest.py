"""What the published network gave for weights made by a rule."""

import os
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
import torch
from networks import noise_clip

from vrestore.models.tsam.network import Clip
from vrestore.ops.warp.shift_align import Motion


@dataclass(frozen=True)
class Golden:
    clip: Clip
    motion: Motion
    filled: torch.Tensor


@pytest.fixture(scope="session")
def golden(root):
    """From VRESTORE_SHARED or ../shared, else a skip; what that network does not look at is noise."""
    path = Path(os.environ.get("VRESTORE_SHARED", root.parent / "shared")) / "golden" / "tsam_golden.npz"
    if not path.is_file():
        pytest.skip(
            "NOT TESTED against the published network: VRESTORE_SHARED and ../shared have no golden folder"
        )
    values = {name: torch.from_numpy(stored)[0] for name, stored in np.load(path).items()}
    noise, _ = noise_clip(*values["img"][:, 0].shape)
    clip = replace(noise, frames=values["img"], holes=values["mask"] == 0)
    motion = Motion(*(values[name] for name in ("flow_fwd", "flow_bwd", "inv_fwd", "inv_bwd")))
    return Golden(clip, motion, values["out"])
