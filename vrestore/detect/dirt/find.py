"""Mark the dirt of every frame, a few frames behind."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import numpy as np

from vrestore.detect.base import View
from vrestore.detect.dirt.candidates import find_candidates
from vrestore.detect.dirt.judge import marked
from vrestore.detect.dirt.neighbors import REACH, Neighborhood, Window
from vrestore.detect.dirt.options import DirtOptions
from vrestore.errors import MaskError
from vrestore.flow.estimator import make_estimator
from vrestore.frames import Frame, MaskArray, MaskedFrame
from vrestore.media.preview.luma import small_luma
from vrestore.methods.shots import Shot, mark_cuts
from vrestore.threads import mapped, one_thread_here

LEAST_FRAMES = 3
"""A scene of fewer frames has no neighbors that could tell."""


def find_dirt(view: View, frames: Iterator[Frame], options: DirtOptions) -> Iterator[MaskArray]:
    """Yield what is dirt in each frame; raises MaskError for a video of too few frames."""
    shots = mark_cuts((MaskedFrame(frame, None) for frame in frames), format=view.meta.pixel_format)
    count = 0
    with ThreadPoolExecutor(min(2, view.threads), "flow", initializer=one_thread_here) as executor:
        near = Neighborhood(make_estimator("fast", scale=1), executor, has_lines=options.scratches)
        least = 1 - options.sensitivity / 100
        # One ahead: it is judged while the flows of frames to come are estimated.
        masks = mapped(executor, partial(_mask, least=least), _windows(shots, view, near), ahead=1)
        for mask in masks:
            count += 1
            yield mask
    if count < LEAST_FRAMES:
        raise MaskError(
            f"{count} frame(s) are too few to tell dirt from the picture; at least {LEAST_FRAMES} are needed"
        )


def _windows(shots: Iterator[Shot], view: View, near: Neighborhood) -> Iterator[Window]:
    """Yield every frame with those around it of the same scene."""
    done, count = 0, 0
    for shot in shots:
        if shot.starts_scene:
            yield from (near.around(number) for number in range(done, count))
            near, done, count = near.anew(), 0, 0
        near.add(count, small_luma(shot.frame, view.meta.pixel_format, lines=view.meta.height))
        count += 1
        while done + REACH < count:
            yield near.around(done)
            done += 1
    yield from (near.around(number) for number in range(done, count))


def _mask(window: Window, *, least: float) -> MaskArray:
    picture = window.pictures[window.number]
    moved = window.moved()
    if len(moved) < LEAST_FRAMES - 1:
        return np.zeros(picture.shape, np.bool_)
    specks = marked(find_candidates(picture.astype(np.float32), moved, window.doubt()), least=least)
    return specks | window.scratches() if window.lines else specks
