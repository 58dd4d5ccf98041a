"""HDR pictures as haze is looked at: PQ signals as an HLG display of 1000 cd/m² would be given them.

The law of haze is used on values as displayed, and what estimates haze has learned from such pictures. HLG is
made to be looked at on any display, so its signal is taken as it is. PQ (SMPTE ST 2084) is mapped to HLG's
signal by ITU-R BT.2408's bridge at 1000 cd/m², the system gamma of 1.2 taken for each color; what is brighter
is white there. The haze that is found is then said in PQ's own values, in which it is taken out.
"""

from __future__ import annotations

import torch
from torch import Tensor

PQ = 16
"""The transfer characteristics of H.273 that is mapped."""
SLOPE = 1.5
"""By so much what is shown rises with PQ's signal at medium brightness (from 0.4 to 0.65)."""

# SMPTE ST 2084, equations 4.1 and 5.1.
_M1, _M2, _C1, _C2, _C3 = 2610 / 16384, 2523 / 32, 3424 / 4096, 2413 / 128, 2392 / 128
_PEAK = 10.0  # PQ's 10000 cd/m² in those of the display
# ITU-R BT.2100, table 5: HLG's curve, and the system gamma at 1000 cd/m².
_A, _B, _C = 0.17883277, 0.28466892, 0.55991073
_KNEE, _GAMMA = 1 / 12, 1.2

_ALIKE = 0.01
"""Within so much of the air, in PQ's values, the law's two forms are one."""


def shown(signal: Tensor) -> Tensor:
    """Return PQ's values as they are looked at, both in [0, 1]."""
    root = signal.clamp(0, 1) ** (1 / _M2)
    light = ((root - _C1).clamp(min=0) / (_C2 - _C3 * root)) ** (1 / _M1) * _PEAK
    scene = light.clamp(max=1) ** (1 / _GAMMA)
    above = _A * torch.log((12 * scene - _B).clamp(min=1e-6)) + _C
    return torch.where(scene <= _KNEE, (3 * scene).sqrt(), above)


def signal_of(picture: Tensor) -> Tensor:
    """Return the values of PQ that are looked at as these, in [0, 1]."""
    picture = picture.clamp(0, 1)
    above = (torch.exp((picture - _C) / _A) + _B) / 12
    scene = torch.where(picture <= 0.5, picture.square() / 3, above)
    power = (scene.clamp(0, 1) ** _GAMMA / _PEAK) ** _M1
    return ((_C1 + _C2 * power) / (1 + _C3 * power)) ** _M2


def left_in_signal(left: Tensor, picture: Tensor, air: Tensor, cleared: Tensor, weights: Tensor) -> Tensor:
    """Return the transmission that does to PQ's luma what `left` does to what is looked at.

    Args:
        left: (1, 1, h, w), of what is looked at.
        picture: (1, 3, h, w), looked at.
        air: the color of the haze, looked at.
        cleared: the picture without the haze.
        weights: the share of each color in luma, (1, 3, 1, 1).
    """
    far, before, after = (
        (signal_of(each) * weights).sum(1, keepdim=True) for each in (air, picture, cleared)
    )
    away, wanted = before - far, after - far
    # Where the picture is the air, both are 0; there the curve is straight, and the transmission the same.
    ratio = away / torch.where(wanted.abs() < _ALIKE, torch.ones_like(wanted), wanted)
    return torch.where((wanted < -_ALIKE) & (away < 0), ratio, left).clamp(max=1)


def lift_in_signal(lift: float, level: float) -> float:
    """Return what PQ's values of a level that is looked at are multiplied by, to multiply that by `lift`."""
    before, after = signal_of(torch.tensor([level, level * lift])).tolist()
    return float(after / before)
