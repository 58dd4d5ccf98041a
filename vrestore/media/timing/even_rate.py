"""Places for frames in a container that shows them at an even rate, some places left empty."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

_SLIGHT = Fraction(1, 1000)
"""Seconds that nobody sees; many containers round times to as much."""
_MOST_PLACES = 10
"""Places a frame on average: an empty one costs some bytes, and every player counts them."""


@dataclass(frozen=True, slots=True)
class EvenRate:
    """Frames that are due at `stamps`, in `time_base`, at the `places` of an even `rate`, counted from 0.

    No frame is shown more than `off_seconds` from its time since the first.
    """

    rate: Fraction
    time_base: Fraction
    stamps: Sequence[int]
    places: Sequence[int]
    off_seconds: Fraction

    @property
    def is_exact(self) -> bool:
        """Whether all frames are shown when they are due, but for what a container's ticks round."""
        return self.off_seconds <= max(_SLIGHT, self.time_base)

    def place(self, stamp: int, *, after: int) -> int:
        """Return the place of a frame; one that was not expected comes into the nearest behind another."""
        position = bisect_left(self.stamps, stamp)
        if self.stamps[position : position + 1] == array("q", [stamp]):
            return self.places[position]
        ahead = (stamp - self.stamps[0]) * self.time_base * self.rate
        return max(after + 1, self.places[0] + round(ahead))

    def off(self, stamp: int, place: int) -> Fraction:
        """Return by how many seconds a frame in a place is shown beside its time."""
        due = (stamp - self.stamps[0]) * self.time_base
        return abs((place - self.places[0]) / self.rate - due)

    def loss(self, container: str) -> list[str]:
        """Say what the container loses of the times, nothing where it keeps them."""
        if self.is_exact:
            return []
        return [
            f"the times of frames ({container} shows them at an even {float(self.rate):.5g} a second, up to "
            f"{float(self.off_seconds):.3f} s beside their time; .mkv keeps them)"
        ]


def even_rate(
    stamps: array[int],
    *,
    time_base: Fraction,
    rates: Iterable[Fraction | None],
    origin: int = 0,
    has_gaps: bool = True,
) -> EvenRate:
    """Return the first of some rates at which all frames are in time, else that at which they are nearest.

    Args:
        stamps: when at least one frame is shown, in order.
        time_base: seconds in a step of them.
        rates: frames a second, the first one as it is declared; unknown ones are passed over.
        origin: the stamp of the place 0.
        has_gaps: whether places may be left empty; frames follow each other else.
    """
    known = list(dict.fromkeys(filter(None, rates)))
    steps = [after - before for before, after in pairwise(stamps) if after > before]
    if steps and has_gaps:
        known.append(1 / (min(steps) * time_base))
    found: list[EvenRate] = []
    for rate in known:
        one = _placed(stamps, time_base, rate, origin, has_gaps=has_gaps)
        is_costly = one.places[-1] - one.places[0] >= _MOST_PLACES * len(stamps)
        if one.is_exact and not is_costly:
            return one
        if not found or not is_costly:
            found.append(one)
    return min(found, key=lambda one: one.off_seconds)


def _placed(
    stamps: array[int], time_base: Fraction, rate: Fraction, origin: int, *, has_gaps: bool
) -> EvenRate:
    ticks = time_base * rate
    above, below = ticks.numerator, ticks.denominator  # whole numbers: films have 200 000 frames
    first = max(0, round((stamps[0] - origin) * ticks))
    places, off = array("q"), 0
    for index, stamp in enumerate(stamps):
        due = (stamp - stamps[0]) * above
        place = first + ((2 * due + below) // (2 * below) if has_gaps else index)
        places.append(max(place, places[-1] + 1) if places else place)
        off = max(off, abs((places[-1] - first) * below - due))
    return EvenRate(rate, time_base, stamps, places, Fraction(off, below) / rate)
