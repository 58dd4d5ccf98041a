"""The loop: order, bounds, and errors that reach the caller while every thread ends."""

import threading
from collections.abc import Iterator
from itertools import islice

import numpy as np
import pytest

from vrestore.frames import Box, Frame, Hole
from vrestore.run.pipeline import QUEUE_FRAMES, Timings, run

HOLE = Hole(Box(1, 2, 3, 2), np.full((2, 3), 255, np.uint8), (Box(1, 2, 3, 2),))


def frame(index):
    return Frame((np.full((5, 7), index % 256, np.uint8),), 100 + index, 1, index)


def frames(count):
    return [frame(index) for index in range(count)]


class Masks:
    """A hole in every frame with an odd index."""

    summaries = ()

    def hole(self, frame):
        return HOLE if frame.index % 2 else None


class Sink:
    """A list that frames are written to, which may fail at one of them."""

    def __init__(self, fails_at=None, error=None):
        self.written, self.fails_at, self.error = [], fails_at, error

    def write(self, frame):
        if frame.index == self.fails_at:
            raise self.error
        self.written.append(frame)


def silent(event):
    """Take no notice."""


def untouched(items):
    return (item.frame for item in items)


def sent(source, method=untouched, sink=None, masks=None, **options):
    """Run the loop with what is not given made up."""
    options = {"progress": silent, "frames": None} | options
    return run(source, masks or Masks(), method, sink or Sink(), **options)


@pytest.fixture(autouse=True)
def _no_thread_is_left():
    before = set(threading.enumerate())
    yield
    assert set(threading.enumerate()) <= before


@pytest.mark.parametrize("count", [0, 1, 37])
def test_every_frame_reaches_the_sink_in_order(count):
    source, sink = frames(count), Sink()
    assert sent(source, sink=sink) == count
    assert [id(frame) for frame in sink.written] == [id(frame) for frame in source]


def test_the_method_sees_each_frame_with_its_hole():
    seen = []

    def method(items):
        for item in items:
            seen.append((item.frame.index, item.hole))
            yield item.frame

    sent(frames(4), method)
    assert seen == [(0, None), (1, HOLE), (2, None), (3, HOLE)]


def test_a_method_may_hold_frames_back():
    def method(items):
        yield from list(untouched(items))

    sink = Sink()
    assert sent(frames(30), method, sink) == 30
    assert [frame.index for frame in sink.written] == list(range(30))


def test_progress_counts_to_the_last_frame():
    events = []
    sent(frames(3), progress=events.append, frames=3)
    assert [(event.event, event.frame, event.frames) for event in events] == [
        ("progress", 1, 3),
        ("progress", 2, 3),
        ("progress", 3, 3),
    ]


def test_before_and_after_are_told_in_pairs():
    def method(items):
        return (frame.with_planes({0: frame.planes[0] + 100}) for frame in untouched(items))

    pairs = []
    sent(frames(9), method, before_and_after=lambda *pair: pairs.append(pair))
    assert [(int(a.planes[0][0, 0]), int(b.planes[0][0, 0])) for a, b in pairs] == [
        (index, index + 100) for index in range(9)
    ]


def test_the_time_of_each_part_is_counted():
    timings = Timings()
    sent(frames(2), timings=timings)
    assert set(timings.seconds) == {"decode", "restore", "encode"}
    assert min(timings.seconds.values()) >= 0


class Count:
    """A number that can be waited for."""

    def __init__(self):
        self.value, self._changed = 0, threading.Condition()

    def add(self):
        with self._changed:
            self.value += 1
            self._changed.notify_all()

    def reaches(self, value, *, seconds):
        with self._changed:
            return self._changed.wait_for(lambda: self.value >= value, timeout=seconds)


def test_the_decoder_runs_ahead_by_a_bounded_number_of_frames():
    read, allowed = Count(), 1 + QUEUE_FRAMES + 1  # with the method, in the queue, on its way there
    reached = []

    def source():
        for each in frames(60):
            read.add()
            yield each

    def method(items):
        for item in items:
            if not reached:
                reached.append(read.reaches(allowed, seconds=30))
                reached.append(read.reaches(allowed + 1, seconds=0.3))
            yield item.frame

    sent(source(), method)
    assert reached == [True, False]


@pytest.mark.parametrize("waiting", [1, QUEUE_FRAMES, 20])
def test_the_method_runs_ahead_of_the_encoder_by_a_bounded_number_of_frames(waiting):
    given, allowed = Count(), 1 + waiting + 1  # with the encoder, in the queue, on its way there
    reached, sink = [], Sink()

    def method(items):
        for item in items:
            given.add()
            yield item.frame

    def write(frame):
        if not reached:
            reached.append(given.reaches(allowed, seconds=30))
            reached.append(given.reaches(allowed + 1, seconds=0.3))

    sink.write = write
    sent(frames(60), method, sink, waiting=waiting)
    assert reached == [True, False]


def test_progress_tells_what_the_sink_has_taken():
    told, sink, given = [], Sink(), Count()

    def method(items):
        for item in items:
            given.add()
            yield item.frame

    def write(frame):
        assert given.reaches(10, seconds=30)
        assert all(event.frame <= frame.index for event in told)

    sink.write = write
    sent(frames(12), method, sink, progress=told.append, waiting=20)
    assert [event.frame for event in told] == list(range(1, 13))


class OddError(Exception):
    """An error that nobody knows but the test."""


@pytest.fixture
def error():
    return OddError("as it is")


def failing(items: Iterator, at, error):
    """Yield the first `at` items, then raise."""
    yield from islice(items, at)
    raise error


POSITIONS = pytest.mark.parametrize("at", [0, 1, 20, 40], ids=["first", "second", "middle", "end"])


@POSITIONS
def test_an_error_of_the_decoder_reaches_the_caller_as_it_is(at, error):
    with pytest.raises(OddError) as caught:
        sent(failing(iter(frames(40)), at, error))
    assert caught.value is error


def test_an_error_of_the_masks_reaches_the_caller_as_it_is(error):
    class BadMasks(Masks):
        def hole(self, frame):
            if frame.index == 7:
                raise error
            return HOLE

    with pytest.raises(OddError) as caught:
        sent(frames(40), masks=BadMasks())
    assert caught.value is error


@POSITIONS
def test_an_error_of_the_method_reaches_the_caller_as_it_is(at, error):
    with pytest.raises(OddError) as caught:
        sent(frames(40), lambda items: failing(untouched(items), at, error))
    assert caught.value is error


@pytest.mark.parametrize("at", [0, 1, 20, 39], ids=["first", "second", "middle", "last"])
def test_an_error_of_the_encoder_reaches_the_caller_as_it_is(at, error):
    with pytest.raises(OddError) as caught:
        sent(frames(40), sink=Sink(at, error))
    assert caught.value is error


@pytest.mark.parametrize("at", [2, 39], ids=["early", "last"])
def test_an_error_of_the_encoder_ends_a_method_that_gives_all_at_its_end(at, error):
    def method(items):
        yield from list(untouched(items))

    with pytest.raises(OddError):
        sent(frames(40), method, Sink(at, error))


def test_an_error_of_who_compares_reaches_the_caller(error):
    def compare(before, after):
        raise error

    with pytest.raises(OddError):
        sent(frames(40), before_and_after=compare)


def test_an_error_of_who_shows_progress_reaches_the_caller(error):
    def progress(event):
        raise error

    with pytest.raises(OddError):
        sent(frames(40), progress=progress)


@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit, MemoryError])
def test_an_interruption_of_the_method_passes_and_stops_the_decoder(kind):
    read = []

    def source():
        for each in frames(1000):
            read.append(each.index)
            yield each

    with pytest.raises(kind):
        sent(source(), lambda items: failing(untouched(items), 3, kind()))
    assert len(read) < 50


def test_an_interruption_closes_the_method():
    """Its own threads end with it."""
    closed = []

    def method(items):
        try:
            yield from untouched(items)
        finally:
            closed.append(True)

    def progress(event):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        sent(frames(40), method, progress=progress)
    assert closed == [True]


def test_a_method_that_swallows_frames_is_an_error():
    with pytest.raises(ValueError, match="took 9 frames and gave 8"):
        sent(frames(9), lambda items: islice(untouched(items), 1, None))


def test_a_method_that_makes_up_frames_is_an_error():
    def method(items):
        for item in items:
            yield item.frame
        yield frame(99)

    with pytest.raises(ValueError, match="took 9 frames and gave 10"):
        sent(frames(9), method)


@pytest.mark.parametrize("count", [9, 90], ids=["few", "many"])
def test_a_method_that_stops_early_is_an_error(count):
    """What it never took would be missing from the target without a word."""
    with pytest.raises(ValueError, match="the method took"):
        sent(frames(count), lambda items: islice(untouched(items), 5))


def test_a_method_that_never_asks_for_more_than_there_are_is_none():
    assert sent(frames(9), lambda items: islice(untouched(items), 9)) == 9
