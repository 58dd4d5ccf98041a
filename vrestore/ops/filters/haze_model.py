"""Koschmieder's law (1924): what a camera sees through haze, and how to see without it.

`hazy = clear * t + air * (1 - t)` with transmission `t = exp(-depth)`. Taken at values as displayed, as
nearly all that work with it do; in linear light depths would differ, the law would not.
"""

from __future__ import annotations

from torch import Tensor


def scatter(clear: Tensor, transmission: Tensor, air: Tensor) -> Tensor:
    """Put haze between the camera and pictures (N, 3, H, W).

    Args:
        transmission: (N, 1, H, W) in (0, 1].
        air: the color of the haze, (N, 3, 1, 1) or (N, 3, H, W).
    """
    return clear * transmission + air * (1 - transmission)


def unscatter(
    hazy: Tensor, transmission: Tensor, air: Tensor, *, strength: float = 1.0, least: float = 0.1
) -> Tensor:
    """Take haze away from pictures (N, 3, H, W); the result is not cut to [0, 1].

    What is left is the same haze made thinner, of transmission `t ** (1 - strength)`: nothing changes at
    strength 0, at 1 all of it goes. Contrast grows at most by 1 / `least`.
    """
    # J = (I - A) / t + A is the law solved for the clear picture; t ** strength leaves t ** (1 - strength).
    # The first bound keeps 0 ** 0 and its gradient finite, the second keeps noise from growing.
    gain = transmission.clamp(min=1e-6).pow(strength).clamp(min=least).reciprocal()
    return (hazy - air) * gain + air
