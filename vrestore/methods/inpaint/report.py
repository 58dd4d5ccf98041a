"""What inpainting found out: where the hidden pixels' colors came from."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from vrestore.methods.base import Values


@dataclass(frozen=True, slots=True)
class Origins:
    """Where the hidden pixels' colors came from, summed over all frames.

    `copied` were fetched from the past or the future, `blended` from both, `painted` from no frame.
    """

    copied: int = 0
    blended: int = 0
    painted: int = 0

    @property
    def total(self) -> int:
        """All hidden pixels."""
        return self.copied + self.blended + self.painted


@dataclass(frozen=True, slots=True)
class InpaintReport:
    """A MethodReport."""

    origins: Origins

    def line(self) -> str:
        """Return the shares as a person reads them."""
        origins = self.origins
        counts = (origins.copied, origins.blended, origins.painted)
        copied, blended, painted = (count / max(origins.total, 1) for count in counts)
        return (
            f"hole pixels: {copied:.1%} copied, {blended:.1%} blended, {painted:.1%} painted "
            "(no frame shows them)"
        )

    def to_dict(self) -> Values:
        """Return it for programs."""
        return {"origins": asdict(self.origins)}
