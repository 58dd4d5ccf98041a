"""The bytes that a run of every method needs: interpreter, decoder, encoder and queues between them."""

from __future__ import annotations

from vrestore.frames import VideoMeta

BASE_BYTES = 330 * 2**20
"""The interpreter with torch, OpenCV and FFmpeg loaded, before the first frame."""


CODEC_FRAMES = 75
"""Frames inside decoder and encoder (x264: look-ahead, references and one frame a thread)."""


QUEUED_FRAMES = 4
"""Frames between decoder and method."""


WAITING_BYTES = 64 * 2**20


LEAST_WAITING, MOST_WAITING = 4, 96
"""Of the frames that wait for the encoder: as many as fit, so that it has work while holes are filled."""


def frames_waiting(meta: VideoMeta) -> int:
    """Return how many frames of a video may wait for the encoder."""
    return min(max(WAITING_BYTES // meta.frame_bytes, LEAST_WAITING), MOST_WAITING)
