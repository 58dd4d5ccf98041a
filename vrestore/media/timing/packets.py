"""When packets are due, in seconds of their file."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vrestore.media.container.feed import AnyPacket


def packet_end(packet: AnyPacket) -> float:
    """Return until when a subtitle is shown; when any other packet is due."""
    lasts = (packet.duration or 0) * (packet.time_base or 0) if packet.stream.type == "subtitle" else 0
    return packet_time(packet) + float(lasts)


def packet_time(packet: AnyPacket) -> float:
    """Return when a packet is shown or heard, in seconds of the file; 0 where it does not say."""
    return float(packet.pts * packet.time_base) if packet.pts is not None and packet.time_base else 0.0
