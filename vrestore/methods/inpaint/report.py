"""What inpainting found out: where the hidden pixels' colors came from."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Self

from vrestore.methods.base import Values
from vrestore.methods.inpaint.settings import InpaintStats
from vrestore.methods.leftovers.findings import Leftovers


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
class GrainAdded:
    """In how many frames what was filled was given grain, and how strong: its deviation, of 255 levels.

    `mean_level` is None where none was given.
    """

    frames: int = 0
    mean_level: float | None = None

    @classmethod
    def counted(cls, stats: InpaintStats) -> Self:
        """Return what was counted while frames passed."""
        frames = stats.grain_frames
        return cls(frames, round(stats.grain_thousandths / 1000 / frames, 2) if frames else None)

    def line(self) -> str:
        """Return it as a person reads it, nothing where there is none."""
        return "" if not self.frames else f"; grain of {self.mean_level:g} levels in {self.frames} frames"


@dataclass(frozen=True, slots=True)
class OverlayShares:
    """What became of an overlay's pixels, summed over all frames: inverted, or filled.

    `residue` is how much of its edges' contrast is left, None where it has no edges.
    """

    restored: int
    filled: int
    residue: float | None

    @classmethod
    def counted(cls, stats: InpaintStats) -> Self:
        """Return what was counted of an overlay."""
        before, after = stats.overlay_edges_before, stats.overlay_edges_after
        residue = round(abs(after / before), 3) if before else None
        return cls(stats.overlay_restored, stats.overlay_filled, residue)

    def line(self) -> str:
        """Return the shares as a person reads them."""
        share = self.restored / max(self.restored + self.filled, 1)
        left = "" if self.residue is None else f"; {self.residue:.1%} of its edges are left"
        return f"overlay: {share:.1%} of its pixels restored, {1 - share:.1%} filled{left}"


@dataclass(frozen=True, slots=True)
class InpaintReport:
    """A MethodReport; `overlay` is None where none was restored, `leftovers` where nothing was looked for."""

    origins: Origins
    read_once: ReadOnce = ReadOnce()
    paint: Paint = Paint()
    grain: GrainAdded = GrainAdded()
    overlay: OverlayShares | None = None
    leftovers: Leftovers | None = None

    @classmethod
    def counted(cls, stats: InpaintStats, *, has_overlay: bool, leftovers: Leftovers | None = None) -> Self:
        """Return what was counted while frames passed."""
        read = stats.from_past + stats.from_future
        return cls(
            Origins(stats.copied, stats.blended, stats.painted),
            ReadOnce(stats.from_past, stats.from_future, round(stats.age_frames / read, 1) if read else None),
            Paint(stats.textured, stats.painted - stats.textured),
            GrainAdded.counted(stats),
            OverlayShares.counted(stats) if has_overlay else None,
            leftovers,
        )

    def line(self) -> str:
        """Return the shares as a person reads them."""
        line = self._fill_line() + self.grain.line()
        return line if self.overlay is None else f"{self.overlay.line()}; {line}"

    def _fill_line(self) -> str:
        origins, read = self.origins, self.read_once
        counts = (origins.copied, origins.blended, origins.painted, read.from_past, read.from_future)
        copied, blended, painted, past, future = (count / max(origins.total, 1) for count in counts)
        said = (
            f"hole pixels: {copied:.1%} copied, {blended:.1%} blended, {painted:.1%} painted "
            "(no frame shows them)"
        )
        if self.paint.texture:
            said += f", {self.paint.texture / max(origins.total, 1):.1%} with texture"
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
            "grain": asdict(self.grain),
            "overlay": None if self.overlay is None else asdict(self.overlay),
            "leftovers": None if self.leftovers is None else self.leftovers.to_dict(),
        }
