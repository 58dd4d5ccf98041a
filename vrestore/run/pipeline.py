"""The one loop: source, masks, method, sink. Knows neither PyAV nor any network.

Decoding and encoding run in threads of their own with bounded queues between them and the method, which
runs in the caller's. An error in a thread is raised in the caller as it is, and stops the others.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from queue import Empty, Full, Queue
from typing import Generic, TypeVar

from vrestore.frames import Frame, MaskedFrame
from vrestore.progress import Progress, ProgressEvent
from vrestore.protocols import FrameSink, FrameTransform, MaskSource

T = TypeVar("T")

QUEUE_FRAMES = 4
_POLL_SECONDS = 0.1


@dataclass(slots=True)
class Timings:
    """Seconds each part was at work, waiting for the others not counted."""

    seconds: dict[str, float] = field(default_factory=dict)

    def add(self, part: str, seconds: float) -> None:
        """Count some more seconds for a part."""
        self.seconds[part] = self.seconds.get(part, 0.0) + seconds


def run(
    source: Iterable[Frame],
    masks: MaskSource,
    method: FrameTransform,
    sink: FrameSink,
    *,
    stage: str = "inpaint",
    progress: Progress,
    frames: int | None,
    before_and_after: Callable[[Frame, Frame], None] | None = None,
    cut: Callable[[MaskedFrame, Frame], Frame] | None = None,
    timings: Timings | None = None,
    waiting: int = QUEUE_FRAMES,
) -> int:
    """Send every frame through the method to the sink; returns the number of frames.

    `stage` is what progress is told that this is, with the frames that the sink has taken. `before_and_after`
    is told every frame as it was and as it is now; what `cut` makes of the two is written in its place. At
    most `waiting` frames wait for the sink, so that it has work while the method is at something long. The
    method must take every frame and yield as many; if it does not, ValueError is raised.
    """
    clock = timings or Timings()
    stop = threading.Event()
    originals: dict[int, MaskedFrame] = {}

    def masked() -> Iterator[MaskedFrame]:
        for frame in source:
            yield MaskedFrame(frame, masks.hole(frame))

    def noted(items: Iterator[MaskedFrame]) -> Iterator[MaskedFrame]:
        for item in items:
            if before_and_after is not None or cut is not None:
                originals[item.frame.index] = item
            yield item

    def write(frame: Frame) -> None:
        original = originals.pop(frame.index, None)
        if before_and_after is not None and original is not None:
            before_and_after(original.frame, frame)
        sink.write(frame if cut is None or original is None else cut(original, frame))

    told = 0

    def tell() -> None:
        nonlocal told
        while told < encoding.count:
            told += 1
            progress(ProgressEvent("progress", stage, told, frames))

    decoding = _Feeder(masked(), "decode", clock, stop)
    encoding = _Drain(write, "encode", clock, stop, waiting)
    count = 0
    try:
        for frame in _timed(method(noted(iter(decoding))), clock, decoding):
            encoding.put(frame)
            count += 1
            tell()
        encoding.finish(meanwhile=tell)
        # A method that stops early leaves frames in the queue, which would be missing without a word.
        if count != decoding.count or decoding.has_more():
            raise ValueError(f"the method took {decoding.count} frames and gave {count}")
    finally:
        stop.set()
        decoding.join()
        encoding.join()
    return count


def _timed(frames: Iterator[Frame], clock: Timings, decoding: _Feeder[MaskedFrame]) -> Iterator[Frame]:
    """Count the method's own seconds: those in its generator, without waiting for the decoder."""
    while True:
        began, waited = time.perf_counter(), decoding.waited
        frame = next(frames, None)
        clock.add("restore", time.perf_counter() - began - (decoding.waited - waited))
        if frame is None:
            return
        yield frame


@dataclass(frozen=True, slots=True)
class _End:
    error: BaseException | None = None


class _Feeder(Generic[T]):
    """Pulls an iterator in a thread; iterating yields its items and raises its error."""

    def __init__(self, items: Iterator[T], name: str, clock: Timings, stop: threading.Event) -> None:
        self._items, self._name, self._clock, self._stop = items, name, clock, stop
        self._queue: Queue[T | _End] = Queue(QUEUE_FRAMES)
        self._thread = threading.Thread(target=self._pull, name=name, daemon=True)
        self.count, self.waited = 0, 0.0
        self._is_over = False
        self._thread.start()

    def __iter__(self) -> Iterator[T]:
        while not self._is_over:
            began = time.perf_counter()
            item = self._queue.get()
            self.waited += time.perf_counter() - began
            if isinstance(item, _End):
                self._is_over = True
                if item.error is not None:
                    raise item.error
                return
            self.count += 1
            yield item

    def has_more(self) -> bool:
        """Take one more item, and tell whether there was one."""
        return next(iter(self), None) is not None

    def join(self) -> None:
        self._thread.join()

    def _pull(self) -> None:
        end = _End()
        try:
            while not self._stop.is_set():
                began = time.perf_counter()
                item = next(self._items, None)
                self._clock.add(self._name, time.perf_counter() - began)
                if item is None:
                    break
                self._put(item)
        except BaseException as error:  # noqa: BLE001 - raised again in the caller
            end = _End(error)
        self._put(end)

    def _put(self, item: T | _End) -> None:
        # With a time-out: a put that waits for ever would keep a stopped run from ending.
        while not self._stop.is_set():
            try:
                self._queue.put(item, timeout=_POLL_SECONDS)
            except Full:
                continue
            return


class _Drain(Generic[T]):
    """Calls a function on items in a thread; its error is raised by the next `put` or by `finish`."""

    def __init__(
        self, take: Callable[[T], None], name: str, clock: Timings, stop: threading.Event, waiting: int
    ) -> None:
        self._take, self._name, self._clock, self._stop = take, name, clock, stop
        self._queue: Queue[T | _End] = Queue(waiting)
        self.count = 0
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._work, name=name, daemon=True)
        self._thread.start()

    def put(self, item: T | _End) -> None:
        while True:
            if self._error is not None:
                raise self._error
            try:
                self._queue.put(item, timeout=_POLL_SECONDS)
            except Full:
                continue
            return

    def finish(self, meanwhile: Callable[[], None]) -> None:
        """Wait until all items are taken, and call `meanwhile` now and then, at last after the last."""
        self.put(_End())
        while self._thread.is_alive():
            self._thread.join(_POLL_SECONDS)
            meanwhile()
        meanwhile()
        if self._error is not None:
            raise self._error

    def join(self) -> None:
        self._thread.join()

    def _work(self) -> None:
        try:
            while not self._stop.is_set():
                try:
                    item = self._queue.get(timeout=_POLL_SECONDS)
                except Empty:
                    continue
                if isinstance(item, _End):
                    return
                began = time.perf_counter()
                self._take(item)
                self._clock.add(self._name, time.perf_counter() - began)
                self.count += 1
        except BaseException as error:  # noqa: BLE001 - raised again in the caller
            self._error = error
