"""What FFmpeg says while something is done: for some things its log is the only place to learn them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

import av

_LEVEL = Lock()  # the level is the process's: what one thread restores must not be what another has set


@contextmanager
def ffmpeg_heard(level: int) -> Iterator[list[str]]:
    """Yield a list that holds, at the end, what FFmpeg said in this thread, up to a level of `av.logging`.

    While it is heard, whatever thread of FFmpeg says something, at any level, waits for the interpreter's
    lock. A decoder with threads of its own must not be freed then before they rest (`FileFeed.close`).
    """
    said: list[str] = []
    with _LEVEL, av.logging.Capture() as lines:
        before, skips = av.logging.get_level(), av.logging.get_skip_repeated()
        av.logging.set_level(level)
        av.logging.set_skip_repeated(False)  # or what was said last before is not heard when said again
        try:
            yield said
        finally:
            av.logging.set_skip_repeated(skips)
            av.logging.set_level(before)
            said += [line[2] for line in lines]
