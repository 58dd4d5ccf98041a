"""A survey finds the borders that inpainting chooses, and what lies between free ones needs nothing else."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from textured import QUICK, frame_of, hole_of_boxes, layout, panned, summaries_of, texture

from vrestore.frames import Box, Color, MaskedFrame
from vrestore.methods.inpaint.settings import InpaintStats
from vrestore.methods.inpaint.span_tracker import SpanTracker, survey
from vrestore.methods.inpaint.stage import inpaint
from vrestore.methods.segmenter import Segments
from vrestore.methods.sharding import Shard
from vrestore.methods.shots import mark_cuts

HEIGHT, WIDTH = 64, 80
STILL = hole_of_boxes(Box(30, 20, 14, 12))
PAIR = hole_of_boxes(Box(4, 4, 8, 8), Box(60, 44, 10, 10))
FAR = hole_of_boxes(Box(60, 44, 10, 10))


def scene(count, *, seed=0):
    world = texture(HEIGHT + 60, WIDTH + 60, seed=seed)
    return panned(world, count=count, height=HEIGHT, width=WIDTH, step=(1.0, 0.4))


def masked(pictures, holes):
    return [
        MaskedFrame(frame_of(picture, index), hole)
        for index, (picture, hole) in enumerate(zip(pictures, holes, strict=True))
    ]


def filled(items, holes, segments, *, part=None, summaries=None):
    return inpaint(
        iter(items),
        summaries=summaries or summaries_of(holes),
        height=HEIGHT,
        width=WIDTH,
        format=layout("rgb24"),
        color=Color(),
        settings=QUICK,
        tally=InpaintStats(),
        segments=segments,
        part=part,
    )


def surveyed(items, holes, *, length, summaries=None):
    course = SpanTracker(summaries or summaries_of(holes), margin=QUICK.margin, height=HEIGHT, width=WIDTH)
    return list(survey(mark_cuts(iter(items), format=layout("rgb24")), course, length=length))


def parts_of(met):
    """Yield (start, part) for each stretch between free borders."""
    cuts = {index for index, each in enumerate(met) if each.shot.starts_scene}
    starts = [index for index, each in enumerate(met) if each.starts_segment and each.is_free]
    for start, stop in zip(starts, [*starts[1:], len(met)], strict=True):
        yield start, Shard(max(0, start - 1), stop, frozenset(cuts))


CASES = {
    "one long run": (lambda: scene(40), [STILL] * 40),
    "gaps and two tracks": (
        lambda: scene(40),
        [PAIR if 18 <= index < 30 else STILL if index % 11 > 2 else None for index in range(40)],
    ),
    "a cut": (lambda: [*scene(17), *scene(23, seed=5)], [STILL] * 40),
    "two cuts and another hole": (
        lambda: [*scene(11), *scene(9, seed=5), *scene(20, seed=3)],
        [STILL] * 25 + [FAR] * 15,
    ),
    "no hole": (lambda: scene(24), [None] * 24),
    "one frame": (lambda: scene(1), [STILL]),
}


LONG = ("one long run", "a cut", "two cuts and another hole")


@pytest.mark.parametrize(
    ("name", "length"),
    [
        pytest.param(name, length, marks=pytest.mark.slow if length != 4 and name in LONG else ())
        for name in CASES
        for length in (1, 4, 7)
    ],
)
def test_a_survey_finds_the_borders_and_what_they_need(name, length):
    make, holes = CASES[name]
    items, segments = masked(make(), holes), Segments(length=length)
    list(filled(items, holes, segments))
    met = surveyed(items, holes, length=length)
    borders = {index: each.is_free for index, each in enumerate(met) if each.starts_segment}
    assert borders.pop(0)
    assert borders == {index: carried is None for index, carried in segments.borders.items()}


@pytest.mark.parametrize("name", CASES)
def test_parts_in_any_order_give_what_the_whole_gives(name):
    make, holes = CASES[name]
    items, segments = masked(make(), holes), Segments(length=4)
    expected = [frame.planes[0] for frame in filled(items, holes, segments)]
    found = {}
    for start, part in reversed(list(parts_of(surveyed(items, holes, length=4)))):
        own = Segments(length=4, start=start)
        frames = list(filled(items[part.first : part.stop + 1], holes, own, part=part))
        assert len(frames) == len(items[part.first : part.stop + 1])
        found |= {frame.index: frame.planes[0] for frame in frames if start <= frame.index < part.stop}
        assert set(own.borders) == {border for border in segments.borders if start < border < part.stop}
    assert sorted(found) == list(range(len(items)))
    assert all(np.array_equal(found[index], plane) for index, plane in enumerate(expected))


@settings(max_examples=12, deadline=None)
@given(
    holes=st.lists(st.sampled_from([None, STILL, PAIR, FAR]), min_size=1, max_size=24),
    cut=st.integers(0, 24),
    length=st.integers(1, 9),
    shift=st.integers(0, 1),
)
def test_any_holes_cut_and_length(holes, cut, length, shift):
    """Also with summaries that are a frame off, as they may be where boxes have times."""
    cut = min(cut, len(holes))
    items = masked([*scene(cut), *scene(len(holes) - cut, seed=5)], holes)
    summaries, segments = summaries_of([*holes[shift:], *holes[:shift]]), Segments(length=length)
    list(filled(items, holes, segments, summaries=summaries))
    met = surveyed(items, holes, length=length, summaries=summaries)
    borders = {index: each.is_free for index, each in enumerate(met) if each.starts_segment and index}
    assert borders == {index: carried is None for index, carried in segments.borders.items()}
