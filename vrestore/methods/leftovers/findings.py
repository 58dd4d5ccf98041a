"""What is told of leftovers: where there are any, and what to do."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from fractions import Fraction
from typing import Literal

from vrestore.frames import VideoMeta
from vrestore.methods.base import Values
from vrestore.methods.leftovers.look import Judgement
from vrestore.methods.leftovers.moments import LINES

Kind = Literal["rim", "shadow"]

MOST_NAMED = 3
"""Frames that a line names."""

LEAST_SHARE = 0.2
"""Of the frames of which anything is told; where fewer have a rim, or a shadow, it is taken for chance."""


@dataclass(frozen=True, slots=True)
class LeftFrame:
    """A frame in which something is left: its number, its time in seconds, and how much it is.

    That is how wide a rim is, in pixels, or how much light a shadow takes, see `Shadow`.
    """

    kind: Kind
    frame: int
    seconds: float
    amount: float


@dataclass(frozen=True, slots=True)
class Leftovers:
    """What is left after filling: `looked_at` frames, of `told` of which there is something to say.

    `rim_frames` and `shadow_frames` of these have one left; `worst` are the worst of each, the worst first.
    `grow` is by how many pixels more the mask should be widened, 0 where it need not be.
    """

    looked_at: int
    told: int
    rim_frames: int
    shadow_frames: int
    worst: tuple[LeftFrame, ...]
    grow: int

    def lines(self, *, grown: int) -> list[str]:
        """Say where and what to do, a line for each kind; `grown` is how far the mask is widened already."""
        said = []
        if self.rim_frames:
            said.append(
                f"a rim of what was removed seems to be left in {self.rim_frames} of {self.told} frames that "
                f"were looked at, most at {self._places('rim')}; "
                f"pass --grow {grown + self.grow}, or --grow auto"
            )
        if self.shadow_frames:
            said.append(
                f"a shadow of what was removed seems to be left in {self.shadow_frames} of {self.told} "
                f"frames that were looked at, most at {self._places('shadow')}; pass --grow shadow"
            )
        return said

    def to_dict(self) -> Values:
        """Return it for programs."""
        return {**asdict(self), "worst": [asdict(each) for each in self.worst]}

    def _places(self, kind: Kind) -> str:
        worst = [each for each in self.worst if each.kind == kind]
        times = ", ".join(time_words(each.seconds) for each in worst)
        return f"{times} (frames {', '.join(str(each.frame) for each in worst)})"


def leftovers_of(
    judgements: Sequence[Judgement],
    meta: VideoMeta,
    seconds: Callable[[Judgement], float],
    *,
    first: int = 0,
) -> Leftovers:
    """Add up what was found in a few frames; what is in hardly any of them is taken for chance.

    Frames are counted from frame `first` on.
    """
    told = [each for each in judgements if each.is_told]
    rims = _believed([each for each in told if each.rim], told)
    shadows = _believed([each for each in told if each.has_shadow], told)
    surest = sorted(rims, key=lambda each: -each.excess)[:MOST_NAMED]
    darkest = sorted(shadows, key=lambda each: -each.weight)[:MOST_NAMED]
    worst = [
        *(LeftFrame("rim", each.number - first, seconds(each), rim_pixels([each], meta)) for each in surest),
        *(LeftFrame("shadow", each.number - first, seconds(each), round(each.weight, 2)) for each in darkest),
    ]
    grow = rim_pixels(rims, meta)
    return Leftovers(len(judgements), len(told), len(rims), len(shadows), tuple(worst), grow)


def rim_pixels(judgements: Sequence[Judgement], meta: VideoMeta) -> int:
    """Return how many pixels of a video wide the rims of frames are, 0 where none has one."""
    widths = sorted(each.rim for each in judgements if each.rim)
    if not widths:
        return 0
    # The last pixel of a rim is half the background's, and looks like neither.
    wide = widths[(len(widths) - 1) * 4 // 5] + 1
    return math.ceil(wide * max(1.0, meta.height / LINES))


def time_words(seconds: float) -> str:
    """Return a time as players show it, with hundredths: `1:02.50`."""
    hundredths = round(seconds * 100)
    minutes, rest = divmod(hundredths, 6000)
    hours, minutes = divmod(minutes, 60)
    begin = f"{hours}:{minutes:02}" if hours else f"{minutes}"
    return f"{begin}:{rest // 100:02}.{rest % 100:02}"


def seconds_by(meta: VideoMeta, first_pts: int | None) -> Callable[[Judgement], float]:
    """Return what tells the seconds from the first frame to one that was looked at."""

    def seconds(judgement: Judgement) -> float:
        since = Fraction(judgement.pts - (first_pts or 0)) * meta.time_base
        return round(float(since), 3)

    return seconds


def _believed(found: list[Judgement], told: list[Judgement]) -> list[Judgement]:
    return found if len(found) >= max(2, LEAST_SHARE * len(told)) else []
