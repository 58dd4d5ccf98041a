"""Sound whose packets are counted: how many samples one has, where a container does not say it."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import av
from av.stream import Stream

if TYPE_CHECKING:
    from vrestore.media.container.feed import AnyPacket

FRAMED = {"aac", "ac3", "flac"}
"""Codecs of which each packet has as many samples as the one before."""


@contextmanager
def framed(stream: Stream, packets: Iterable[AnyPacket]) -> Iterator[Stream]:
    """Yield a stream as it is described when some of its packets are read out of Matroska.

    AVI describes sound as blocks of some bytes. Copied into another AVI that makes its packets seem as long
    as so many bytes last, and sound runs away from the picture; Matroska says how many samples they have.
    """
    file = io.BytesIO()
    with av.open(file, "w", format="matroska") as output:
        copy = output.add_stream_from_template(stream, opaque=True)
        for packet in packets:
            packet.stream = copy
            output.mux(packet)
    file.seek(0)
    with av.open(file, format="matroska") as again:
        yield again.streams[0]
