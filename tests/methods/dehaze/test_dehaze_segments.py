"""Segments of a dehazed video: cutting changes nothing, and what goes on at a border gives the same."""

from dataclasses import asdict
from functools import cache

import pytest
import torch
from hazy import cleared, foggy_scenes, frames_of, stirred
from hypothesis import given, settings
from hypothesis import strategies as st

from vrestore.methods.dehaze.estimators.dark_channel import estimate_dark
from vrestore.methods.dehaze.estimators.network import network_estimator
from vrestore.methods.dehaze.settings import DehazeStats, HazeState
from vrestore.methods.dehaze.stage import FRAMES_BEFORE
from vrestore.methods.segmenter import Segments

METHODS = {"dcp": lambda: estimate_dark, "cgidn": lambda: network_estimator(stirred())}

SETTINGS = {
    "as it is": {},
    "gentle": {"strength": 0.5, "steady": 0.4},
    "one air a shot": {"air_light": "shot"},
    "its own air": {"air": (0.8, 0.8, 0.85)},
    "by night": {"night": True},
    "not steadied": {"steady": 0.0},
    "nothing": {"strength": 0.0},
    "held back": {"keep_depth": True, "protect_sky": True, "color": 0.4},
}


@cache
def foggy(*lengths):
    return frames_of(foggy_scenes(*lengths), "yuv420p")


def done(frames, *, method="dcp", **how):
    """Return what a list of frames becomes, and the depth of each that is seen."""
    seen = {}
    result = cleared(
        frames,
        "yuv420p",
        estimate=METHODS[method](),
        observe=lambda veil: seen.__setitem__(veil.look.frame.index, veil.depth),
        **how,
    )
    return result, seen


def assert_same(some, others):
    assert len(some) == len(others)
    for index, (one, other) in enumerate(zip(some, others, strict=True)):
        same = all((a == b).all() for a, b in zip(one.planes, other.planes, strict=True))
        assert same, f"frame {index} of them"


def carried_by_files(carried):
    """Return what is carried as a file gives it back."""
    return None if carried is None else HazeState.unpacked(carried.packed())


def check(frames, *, length, method="dcp", **how):
    """Cut, go on at every border, and compare with a run that is never cut; returns the borders."""
    whole, cut = DehazeStats(), Segments(length)
    expected, seen = done(frames, method=method, tally=whole, **how)
    assert_same(done(frames, method=method, segments=cut, **how)[0], expected)
    for border, carried in cut.borders.items():
        rest = Segments(length, start=border, carried=carried_by_files(carried))
        tally = DehazeStats(**asdict(cut.tallies[border]))
        again, seen_again = done(frames, method=method, segments=rest, tally=tally, **how)
        assert_same(again[border:], expected[border:])
        assert all(one is other for one, other in zip(again[:border], frames, strict=False))
        assert seen_again.keys() == set(range(border, len(frames)))
        assert all(torch.equal(seen_again[index], seen[index]) for index in seen_again)
        assert asdict(tally) == asdict(whole)
        assert list(rest.borders) == [each for each in cut.borders if each > border]
    return cut.borders


QUICK = {
    ("as it is", "cgidn"),
    *((case, "dcp") for case in ("as it is", "one air a shot", "by night", "nothing")),
}


@pytest.mark.parametrize(
    ("case", "method"),
    [
        pytest.param(case, method, marks=() if (case, method) in QUICK else pytest.mark.slow)
        for case in SETTINGS
        for method in METHODS
    ],
)
def test_going_on_at_any_border_gives_the_same_frames(method, case):
    """Borders within the frames that give a shot its air, behind them, and at a cut."""
    borders = check(foggy(15, 7), length=3, method=method, **SETTINGS[case])
    assert list(borders) == [6, 12, 15, 21]
    is_steadied = SETTINGS[case].get("steady") != 0
    assert [carried is not None for carried in borders.values()] == [is_steadied] * 2 + [False, is_steadied]


@pytest.mark.slow
@settings(max_examples=8, deadline=None)
@given(lengths=st.lists(st.integers(1, 12), min_size=1, max_size=3), length=st.integers(1, 6))
def test_any_scenes_and_length(lengths, length):
    check(foggy(*lengths), length=length, method="cgidn")


def test_a_segment_is_cut_at_twice_the_length_and_at_a_cut_that_comes_before():
    borders = check(foggy(9, 15), length=6)
    assert list(borders) == [9, 21]
    assert borders[9] is None
    assert borders[21].maps.shape[:2] == (1, 1)


def test_what_is_carried_is_used():
    frames = foggy(20)
    cut = Segments(length=5)
    expected, _ = done(frames, segments=cut)
    without, _ = done(frames, segments=Segments(length=5, start=10))
    assert (without[10].planes[0] != expected[10].planes[0]).any()


def test_a_border_is_told_before_its_frame_is_seen():
    cut, told = Segments(length=2), []
    cleared(
        foggy(9),
        "yuv420p",
        observe=lambda veil: told.append((veil.look.frame.index, max(cut.borders, default=0))),
        segments=cut,
    )
    assert told == [(index, index // 4 * 4) for index in range(9)]


def test_only_a_few_frames_before_a_border_are_looked_at():
    looked = []

    def estimate(looks):
        for veil in estimate_dark(looks):
            looked.append(veil.look.frame.index)
            yield veil

    frames = foggy(20)
    cleared(frames, "yuv420p", estimate=estimate, segments=Segments(length=5, start=15))
    assert looked == list(range(15 - FRAMES_BEFORE, 20))


@pytest.mark.parametrize("start", [1, 2, 7, 8])
def test_the_end_and_the_beginning_are_borders_too(start):
    frames = foggy(8)
    given = cleared(frames, "yuv420p", segments=Segments(length=9, start=start))
    assert [frame.index for frame in given] == list(range(8))


def test_what_is_taken_is_forgotten():
    cut, tally = Segments(length=2), DehazeStats()
    cleared(foggy(9), "yuv420p", segments=cut, tally=tally)
    counted, carried = cut.taken(4, tally)
    assert counted.frames == 4
    assert carried is not None
    assert 4 in cut.borders
    assert cut.borders[4] is None
    assert cut.taken(9, tally) == (tally, None)
