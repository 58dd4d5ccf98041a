"""Segments: a run that goes on at a border gives what the run before would have given."""

from dataclasses import asdict

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from textured import QUICK, frame_of, hole_of_boxes, hole_psnr, layout, panned, rgb_of, summaries_of, texture

from vrestore.frames import Box, Color, MaskedFrame
from vrestore.methods.inpaint.settings import InpaintStats, SpanState
from vrestore.methods.inpaint.stage import inpaint
from vrestore.methods.segmenter import Segments

HEIGHT, WIDTH = 64, 80


def scene(count, *, seed=0, step=(1.0, 0.4)):
    world = texture(HEIGHT + 60, WIDTH + 60, seed=seed)
    return panned(world, count=count, height=HEIGHT, width=WIDTH, step=step)


def filled(pictures, holes, segments=None, tally=None):
    frames = [frame_of(picture, index) for index, picture in enumerate(pictures)]
    return inpaint(
        map(MaskedFrame, frames, holes),
        summaries=summaries_of(holes),
        height=HEIGHT,
        width=WIDTH,
        format=layout("rgb24"),
        color=Color(),
        settings=QUICK,
        tally=tally if tally is not None else InpaintStats(),
        segments=segments,
    )


def planes(frames):
    return [frame.planes[0] for frame in frames]


def assert_same(some, others):
    assert len(some) == len(others)
    for index, (one, other) in enumerate(zip(some, others, strict=True)):
        assert np.array_equal(one, other), f"frame {index} of them"


STILL = hole_of_boxes(Box(30, 20, 14, 12))
PAIR = hole_of_boxes(Box(4, 4, 8, 8), Box(60, 44, 10, 10))


def with_gaps(count):
    return [PAIR if 18 <= index < 30 else STILL if index % 11 > 2 else None for index in range(count)]


CASES = {
    "one long run": (lambda: scene(40), [STILL] * 40),
    "gaps and two tracks": (lambda: scene(40), with_gaps(40)),
    "a cut": (lambda: [*scene(17), *scene(23, seed=5)], [STILL] * 40),
    "painted": (lambda: scene(30, step=(0.0, 0.0)), [STILL] * 30),
    "no hole": (lambda: scene(24), [None] * 24),
}


@pytest.mark.parametrize("name", CASES)
def test_going_on_at_any_border_gives_the_same_frames(name):
    make, holes = CASES[name]
    pictures, whole = make(), Segments(length=7)
    expected = planes(filled(pictures, holes, whole))
    assert len(whole.borders) >= 2
    for border, carried in whole.borders.items():
        carried = carried and SpanState.unpacked(carried.packed())  # as it is kept on the disk
        rest = Segments(length=7, start=border, carried=carried)
        again = planes(filled(pictures, holes, rest))
        assert_same(again[border:], expected[border:])
        assert_same(again[:border], [frame_of(each, 0).planes[0] for each in pictures[:border]])
        assert list(rest.borders) == [each for each in whole.borders if each > border]


def test_a_run_is_cut_at_twice_the_length_and_carries_what_it_knows():
    segments = Segments(length=6)
    list(filled(scene(30), [STILL] * 30, segments))
    assert list(segments.borders) == [12, 24]
    for carried in segments.borders.values():
        assert carried.first == 0
        assert carried.parts == STILL.parts
        assert [each.shape for each in carried.colors] == [(3, STILL.pixel_count)]
        assert (carried.confidence[0] > 0).any()


def test_what_is_painted_is_the_same_behind_a_border():
    pictures, segments = scene(16, step=(0.0, 0.0)), Segments(length=4)
    whole = planes(filled(pictures, [STILL] * 16, segments))
    assert list(segments.borders) == [8]
    for index, plane in enumerate(whole):
        change = np.abs(plane.astype(int) - whole[0].astype(int)).max()
        assert change <= 2, f"frame {index}"


def test_what_is_carried_is_used():
    """The camera leaves what it has shown: only what is carried still knows it."""
    pictures, holes = scene(30, step=(0.0, 0.0)), [STILL] * 30
    holes = [hole_of_boxes(Box(30 if index > 3 else 0, 20, 14, 12)) for index in range(30)]
    segments = Segments(length=6)
    list(filled(pictures, holes, segments))
    border, carried = list(segments.borders.items())[-1]
    known = planes(filled(pictures, holes, Segments(length=6, start=border, carried=carried)))
    blank = planes(filled(pictures, holes, Segments(length=6, start=border)))

    def quality(result):
        shown = [plane.reshape(HEIGHT, WIDTH, 3).transpose(2, 0, 1) / np.float32(255) for plane in result]
        return hole_psnr(shown[border:], pictures[border:], holes[border:])

    assert quality(known) > quality(blank) + 4


def test_a_segment_without_need_ends_at_a_hole_free_frame():
    holes = [None if index == 9 else STILL for index in range(20)]
    segments = Segments(length=8)
    list(filled(scene(20), holes, segments))
    assert segments.borders == {9: None}


def test_a_border_is_told_before_its_frame_is_given_and_with_what_was_counted():
    pictures, segments, tally = scene(30), Segments(length=6), InpaintStats()
    holes = [STILL] * 30
    for index, frame in enumerate(filled(pictures, holes, segments, tally)):
        assert frame.index == index
        assert all(border <= index for border in segments.borders)
        assert (index in (12, 24)) == (index in segments.borders and index == max(segments.borders))
    assert segments.tallies[12].repaired_frames == 12
    rest = InpaintStats()
    list(filled(pictures, holes, Segments(length=6, start=12, carried=segments.borders[12]), rest))
    sums = {
        name: asdict(segments.tallies[12])[name] + value
        for name, value in asdict(rest).items()
        if name != "max_tracks"
    }
    assert sums == {name: value for name, value in asdict(tally).items() if name != "max_tracks"}


def test_without_segments_nothing_is_cut():
    pictures, holes = scene(20), [STILL] * 20
    assert_same(planes(filled(pictures, holes, Segments(length=50))), planes(filled(pictures, holes)))


@settings(max_examples=12, deadline=None)
@given(
    holes=st.lists(st.sampled_from([None, STILL, PAIR]), min_size=1, max_size=24),
    length=st.integers(1, 9),
    data=st.data(),
)
def test_any_holes_and_length(holes, length, data):
    pictures, whole = scene(len(holes)), Segments(length=length)
    expected = planes(filled(pictures, holes, whole))
    if whole.borders:
        border = data.draw(st.sampled_from(sorted(whole.borders)))
        rest = Segments(length=length, start=border, carried=whole.borders[border])
        assert_same(planes(filled(pictures, holes, rest))[border:], expected[border:])


def test_quality_holds_across_a_border():
    pictures, holes = scene(40), [STILL] * 40
    cut = [rgb_of(frame) for frame in filled(pictures, holes, Segments(length=6))]
    whole = [rgb_of(frame) for frame in filled(pictures, holes)]
    assert hole_psnr(cut, pictures, holes) > hole_psnr(whole, pictures, holes) - 1.0
