"""What a run of frames with holes reads: shots by index, and the tracks of their holes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from vrestore.frames import Box, Hole, HoleSummary
from vrestore.masks.tracks import Track, find_tracks
from vrestore.methods.shots import Shot


class FrameBuffer:
    """Shots by index, read when first asked for and kept until forgotten; they begin with number `first`."""

    def __init__(self, shots: Iterator[Shot], *, first: int = 0) -> None:
        self._shots = shots
        self._kept: dict[int, Shot] = {}
        self._next = first

    def get(self, index: int) -> Shot | None:
        """Return a shot, None past the end and for what is forgotten."""
        # Tracks ask for frames in turns, each a little ahead of what all have seen.
        while self._next <= index:
            shot = next(self._shots, None)
            if shot is None:
                return None
            self._kept[self._next] = shot
            self._next += 1
        return self._kept.get(index)

    def forget_before(self, index: int) -> None:
        """Let go of the shots before that index."""
        for old in [i for i in self._kept if i < index]:
            del self._kept[old]


def tracks_from(
    first: int,
    parts_of_first: Sequence[Box],
    summaries: Sequence[HoleSummary | None],
    margin: int,
    height: int,
    width: int,
) -> list[Track]:
    """Find the tracks of the run that starts at frame `first`; the last summary holds for ever.

    `parts_of_first` are those of the first frame's own hole, not of its summary: where boxes have times,
    summaries may be a frame off.
    """
    parts = [parts_of_first]
    for index in range(first + 1, len(summaries)):
        summary = summaries[index]
        # The first frame without a hole ends it.
        if summary is None:
            break
        parts.append(summary.parts)
    last = summaries[-1]
    # The last summary stands for all frames that follow, so the hole may go on for ever.
    is_open = last is not None and first + len(parts) >= len(summaries) and last.parts == parts[-1]
    return find_tracks(parts, first=first, is_open=is_open, margin=margin, height=height, width=width)


def are_tracked(tracks: Sequence[Track], index: int, hole: Hole | None) -> bool:
    """Tell whether tracks hold the whole hole of a frame; where summaries were off, they may not."""
    boxes = [track.hole(index) for track in tracks]
    parts = () if hole is None else hole.parts
    return all(any(box is not None and box.union(part) == box for box in boxes) for part in parts)
