"""What dehazing found out: how much haze there was, and of what color."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from vrestore.methods.base import Values

ALL_BELIEVED = 0.995
"""A greater share of the change is all of it, as it is written."""


@dataclass(frozen=True, slots=True)
class HazeSeen:
    """What haze was found: `transmission` is the mean share of light that comes through, 1 is clear air.

    `air_lights` are the colors of the haze at the start of each scene, RGB in [0, 1]. `believed` is the share
    of the change that was made, 1 where it is certain that there is haze.
    """

    transmission: float
    air_lights: list[tuple[float, float, float]]
    believed: float


@dataclass(frozen=True, slots=True)
class DehazeReport:
    """A MethodReport."""

    haze: HazeSeen

    def line(self) -> str:
        """Return it as a person reads it."""
        airs = self.haze.air_lights
        colors = ["#" + "".join(f"{round(255 * part):02x}" for part in air) for air in airs[:4]]
        more = ", ..." if len(airs) > len(colors) else ""
        line = (
            f"haze: {self.haze.transmission:.0%} of the light comes through; "
            f"color {', '.join(colors) or 'not seen'}{more}"
        )
        if self.haze.believed < ALL_BELIEVED:
            line += (
                f"; it may be none, as it is thick nowhere: {self.haze.believed:.0%} of the change was made, "
                "--haze yes makes all of it"
            )
        return line

    def to_dict(self) -> Values:
        """Return it for programs."""
        return {"haze": asdict(self.haze)}
