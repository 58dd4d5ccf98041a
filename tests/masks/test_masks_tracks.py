"""Tracks of boxes: which holes belong together, and what is needed around them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vrestore.frames import Box
from vrestore.masks.tracks import ALIGNMENT, Track, find_tracks

HEIGHT, WIDTH, MARGIN = 101, 203, 10
LEFT, RIGHT = Box(20, 30, 7, 9), Box(150, 40, 11, 5)


def found(*parts, first=0, is_open=False, margin=MARGIN):
    return find_tracks(parts, first=first, is_open=is_open, margin=margin, height=HEIGHT, width=WIDTH)


def holes(*parts, **options):
    return [dict(track.holes) for track in found(*parts, **options)]


def track(holes, *, tail=None, tail_start=0, margin=MARGIN, height=HEIGHT, width=WIDTH):
    return Track(holes, tail, tail_start, margin, height, width)


def test_far_apart_holes_are_tracks_of_their_own():
    assert holes([LEFT, RIGHT], [LEFT, RIGHT]) == [{0: LEFT, 1: LEFT}, {0: RIGHT, 1: RIGHT}]


@pytest.mark.parametrize(("gap", "count"), [(2 * MARGIN - 1, 1), (2 * MARGIN, 2)], ids=["meet", "apart"])
def test_holes_are_together_where_their_surroundings_meet(gap, count):
    assert len(found([LEFT, Box(LEFT.x + LEFT.width + gap, 30, 5, 5)])) == count


def test_holes_of_a_frame_that_are_together_are_one_box():
    other = Box(30, 20, 4, 4)
    assert holes([LEFT, other]) == [{0: LEFT.union(other)}]


def test_a_hole_is_followed_as_it_moves():
    steps = [Box(20 + 15 * index, 30, 7, 9) for index in range(8)]
    assert holes(*([step] for step in steps)) == [dict(enumerate(steps))]


def test_a_hole_that_jumps_is_another_track():
    assert holes([LEFT], [RIGHT]) == [{0: LEFT}, {1: RIGHT}]


def test_holes_that_meet_later_are_together_from_the_start():
    middle = Box(80, 30, 20, 5)
    near = Box(60, 30, 10, 5), Box(105, 30, 10, 5)
    assert len(found([LEFT, RIGHT], list(near), [middle])) == 3
    assert len(found(list(near), [middle])) == 1


def test_holes_appear_and_disappear():
    tracks = holes([LEFT], [LEFT, RIGHT], [RIGHT], first=5)
    assert tracks == [{5: LEFT, 6: LEFT}, {6: RIGHT, 7: RIGHT}]


def test_a_hole_that_returns_to_its_place_is_a_track_anew():
    assert holes([LEFT, RIGHT], [RIGHT], [LEFT, RIGHT]) == [
        {0: LEFT},
        {0: RIGHT, 1: RIGHT, 2: RIGHT},
        {2: LEFT},
    ]


def test_no_holes_are_no_tracks():
    assert found() == []
    assert found([], []) == []


def test_an_open_track_stays_for_all_frames_that_follow():
    (only,) = found([LEFT], first=3, is_open=True)
    assert [only.hole(index) for index in (2, 3, 4, 10**9)] == [None, LEFT, LEFT, LEFT]


def test_a_closed_track_ends():
    (only,) = found([LEFT], [LEFT], first=3)
    assert [only.hole(index) for index in (2, 3, 4, 5)] == [None, LEFT, LEFT, None]


def test_of_open_tracks_only_those_of_the_last_frame_stay():
    left, right = found([LEFT, RIGHT], [RIGHT], is_open=True)
    assert (left.hole(7), right.hole(7)) == (None, RIGHT)


def test_the_canvas_is_the_hole_with_its_surroundings_in_whole_cells():
    assert track({4: Box(21, 31, 7, 9)}).canvas(4) == Box(8, 16, 32, 40)


@pytest.mark.parametrize("index", [3, 5], ids=["before", "after"])
def test_the_canvas_of_a_neighbor_shows_what_the_hole_needs(index):
    only = track({4: LEFT})
    assert only.canvas(index) == only.canvas(4)


def test_the_canvas_holds_the_neighbors_holes_too():
    only = track({1: Box(20, 30, 8, 8), 2: Box(40, 30, 8, 8), 3: Box(60, 30, 8, 8)})
    assert only.canvas(2).union(Box(20, 30, 48, 8)) == only.canvas(2)


@pytest.mark.parametrize("size", [(101, 203), (3, 2), (1, 1)], ids=["large", "small", "one"])
def test_far_from_its_holes_the_canvas_is_a_token(size):
    """A run goes on while another track has holes."""
    height, width = size
    only = track({4: Box(0, 0, 1, 1)}, height=height, width=width)
    assert only.canvas(9) == Box(0, 0, min(ALIGNMENT, width), min(ALIGNMENT, height))


def test_the_canvas_ends_at_the_pictures_edge():
    assert track({0: Box(198, 97, 5, 4)}).canvas(0) == Box(184, 80, 19, 21)


def box_within(draw, height, width):
    x, y = draw(st.integers(0, width - 1)), draw(st.integers(0, height - 1))
    return Box(x, y, draw(st.integers(1, width - x)), draw(st.integers(1, height - y)))


@st.composite
def stretches(draw):
    height, width = draw(st.integers(1, 70)), draw(st.integers(1, 90))
    count = draw(st.integers(1, 5))
    parts = [[box_within(draw, height, width) for _ in range(draw(st.integers(0, 3)))] for _ in range(count)]
    return parts, height, width, draw(st.integers(0, 12))


@given(stretches())
def test_every_hole_lies_in_a_track_and_its_canvas_in_the_picture(stretch):
    parts, height, width, margin = stretch
    tracks = find_tracks(parts, first=2, is_open=False, margin=margin, height=height, width=width)
    for index, boxes in enumerate(parts, start=2):
        for box in boxes:
            assert any(
                each.hole(index) and each.hole(index).union(box) == each.hole(index) for each in tracks
            )
        for each in tracks:
            canvas, hole = each.canvas(index), each.hole(index)
            assert canvas.union(Box(0, 0, width, height)) == Box(0, 0, width, height)
            assert hole is None or canvas.union(hole) == canvas


@given(stretches())
def test_a_frame_is_in_no_more_tracks_than_it_has_holes(stretch):
    parts, height, width, margin = stretch
    tracks = find_tracks(parts, first=0, is_open=False, margin=margin, height=height, width=width)
    for index, boxes in enumerate(parts):
        assert sum(each.hole(index) is not None for each in tracks) <= len(boxes)


@given(stretches())
def test_the_holes_of_a_track_leave_out_no_frame(stretch):
    parts, height, width, margin = stretch
    for each in find_tracks(parts, first=0, is_open=False, margin=margin, height=height, width=width):
        assert sorted(each.holes) == list(range(min(each.holes), max(each.holes) + 1))
