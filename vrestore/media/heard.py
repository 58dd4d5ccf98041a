"""What FFmpeg says while something is done: for some things its log is the only place to learn them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

import av

_LET_SPEAK_SECONDS = 0.002


@contextmanager
def ffmpeg_heard(level: int) -> Iterator[list[str]]:
    """Give a list that holds, at the end, what FFmpeg said in this thread, up to a level of `av.logging`."""
    said: list[str] = []
    before = av.logging.get_level()
    av.logging.set_level(level)
    try:
        with av.logging.Capture() as lines:
            try:
                yield said
            finally:
                said += [line[2] for line in lines]
    finally:
        av.logging.set_level(before)
        # A decoder's thread that speaks meanwhile waits for the interpreter's lock. Were the decoder freed
        # before it got that, each would wait for the other without end.
        time.sleep(_LET_SPEAK_SECONDS)
