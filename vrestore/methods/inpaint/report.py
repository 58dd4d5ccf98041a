"""What inpainting found out: where the hidden pixels' colors came from."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from vrestore.methods.base import Values


@dataclass(frozen=True, slots=True)
class Origins:
    """Where the hidden pixels' colors came from, summed over all frames.

    `copied` were fetched from the past or the future, `blended` from both, `painted` from no frame. Of those
    fetched so many were read once, at full sharpness, in the end: `from_past` and `from_future`, out of
    frames that are `mean_age_frames` away in the mean, None where none were.
    """

    copied: int = 0
    blended: int = 0
    painted: int = 0
    from_past: int = 0
    from_future: int = 0
    mean_age_frames: float | None = None

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
        said = (
            f"hole pixels: {copied:.1%} copied, {blended:.1%} blended, {painted:.1%} painted "
            "(no frame shows them)"
        )
        if origins.mean_age_frames is None:
            return said
        past, future = (count / max(origins.total, 1) for count in (origins.from_past, origins.from_future))
        return (
            f"{said}; {past:.1%} read from earlier frames, {future:.1%} from later ones, "
            f"{origins.mean_age_frames:g} frames away on average"
        )

    def to_dict(self) -> Values:
        """Return it for programs."""
        return {"origins": asdict(self.origins)}
