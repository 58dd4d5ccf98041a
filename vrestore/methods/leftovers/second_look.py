"""A look at a few frames of what was written: whether something of the object is left around the holes."""

from __future__ import annotations

from vrestore.errors import InputError
from vrestore.masks.masks import Masks
from vrestore.media.reader import VideoReader, open_video
from vrestore.methods.base import Context
from vrestore.methods.leftovers.findings import Leftovers, leftovers_of, seconds_by
from vrestore.methods.leftovers.sampling import frames_with_holes, look_at, sampled
from vrestore.progress import ProgressEvent

LEAST_FRAMES = 22
"""A hole that is in fewer frames is not looked at: hardly any frame shows what lies around it."""


def second_look(context: Context, masks: Masks) -> Leftovers | None:
    """Look at a few dozen frames of a result that is whole; None where it cannot be read, or is too short.

    Frames and times are those of the result.
    """
    meta, first = context.meta, context.first_index
    if context.target == "-" or meta.numbers.is_made:
        return None
    numbers = frames_with_holes(masks, start=first, count=meta.frame_count)
    if len(numbers) < LEAST_FRAMES:
        return None
    context.progress(ProgressEvent("stage", "leftovers"))

    def opens(start: int, stop: int) -> VideoReader:
        return open_video(context.target, start=start - first, stop=stop - first, threads=context.threads)

    try:
        with open_video(context.target, threads=1) as made:
            result, first_pts = made.meta, made.first_pts
        judgements = list(look_at(sampled(numbers), masks, result, opens))
    except InputError:  # such as what only a certain player reads
        return None
    return leftovers_of(judgements, result, seconds_by(result, first_pts), first=first)
