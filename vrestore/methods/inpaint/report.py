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
class ReadOnce:
    """How many of the fetched pixels were read once in the end, at full sharpness, and from how far away.

    `mean_age_frames` is how many frames away these lie in the mean, None where there are none.
    """

    from_past: int = 0
    from_future: int = 0
    mean_age_frames: float | None = None


@dataclass(frozen=True, slots=True)
class Paint:
    """How what no frame shows was painted: with `texture`, or `smooth`, in pixels of all frames."""

    texture: int = 0
    smooth: int = 0


@dataclass(frozen=True, slots=True)
class InpaintReport:
    """A MethodReport."""

    origins: Origins
    read_once: ReadOnce = ReadOnce()
    paint: Paint = Paint()

    def line(self) -> str:
        """Return the shares as a person reads them."""
        origins, read = self.origins, self.read_once
        counts = (origins.copied, origins.blended, origins.painted, read.from_past, read.from_future)
        copied, blended, painted, past, future = (count / max(origins.total, 1) for count in counts)
        said = (
            f"hole pixels: {copied:.1%} copied, {blended:.1%} blended, {painted:.1%} painted "
            "(no frame shows them)"
        )
        if self.paint.texture:
            said += f", {self.paint.texture / max(origins.total, 1):.1%} of them with texture"
        if read.mean_age_frames is None:
            return said
        return (
            f"{said}; {past:.1%} read from earlier frames, {future:.1%} from later ones, "
            f"{read.mean_age_frames:g} frames away on average"
        )

    def to_dict(self) -> Values:
        """Return it for programs."""
        return {
            "origins": asdict(self.origins),
            "read_once": asdict(self.read_once),
            "paint": asdict(self.paint),
        }
