"""Numbers that go along with packets and pictures through decoders and filters, as what PyAV calls opaque."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import av

if TYPE_CHECKING:
    from vrestore.media.container.feed import AnyPacket


@dataclass(frozen=True, slots=True)
class _Number:
    """A number as an object of its own.

    PyAV keeps such objects by their identity and forgets one when the first that carries it is freed; small
    integers are the same object for all that carry them.
    """

    value: int


def set_number(item: AnyPacket | av.VideoFrame, number: int) -> None:
    """Give a packet or a picture a number, which what is made of it has too."""
    item.opaque = _Number(number)


def number_of(item: AnyPacket | av.VideoFrame) -> int | None:
    """Return the number that was given, None where there is none."""
    return item.opaque.value if isinstance(item.opaque, _Number) else None
