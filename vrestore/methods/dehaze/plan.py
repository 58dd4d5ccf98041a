"""What a dehazing run needs: arithmetic only."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from vrestore.device.memory import format_bytes
from vrestore.errors import OutOfMemory
from vrestore.frames import VideoMeta
from vrestore.methods.memory_model import BASE_BYTES, CODEC_FRAMES, QUEUED_FRAMES, frames_waiting

HAZE_FRAMES = 14
"""Frames that dehazing holds: the first of a shot for its air light, a window, those that tell a cut."""


RENDER_BYTES = 64
"""For each pixel of the frame that haze is taken out of: float planes, gains and maps at full size."""


LOOK_BYTES = 3000
"""For each pixel of the working size: the network's features of a window, and the maps of the frames held."""


@dataclass(frozen=True, slots=True)
class DehazePlan:
    """The numbers a dehazing run is made with; haze is estimated on pictures of the working size."""

    method: str
    working_height: int
    working_width: int
    threads: int
    frames_held: int
    memory_bytes: int
    expected_bytes: int

    def lines(self) -> list[str]:
        """Return the plan as a person reads it."""
        return [
            f"haze by {self.method}, estimated at {self.working_width}x{self.working_height}, taken out at "
            f"full resolution, {self.frames_held} frames held",
            f"memory {format_bytes(self.expected_bytes)} expected, {format_bytes(self.memory_bytes)} allowed",
        ]

    def to_dict(self) -> dict[str, object]:
        """Return the plan for programs."""
        return asdict(self)


def make_dehaze_plan(
    meta: VideoMeta, *, method: str, working_size: tuple[int, int], threads: int, memory_bytes: int
) -> DehazePlan:
    """State what dehazing needs; raises OutOfMemory when that is more than allowed."""
    height, width = working_size
    frames = (HAZE_FRAMES + CODEC_FRAMES + QUEUED_FRAMES + frames_waiting(meta)) * meta.frame_bytes
    pixels = meta.width * meta.height
    expected = BASE_BYTES + frames + pixels * RENDER_BYTES + height * width * LOOK_BYTES
    if expected > memory_bytes:
        raise OutOfMemory(
            f"at least {format_bytes(expected)} are needed for {meta.width}x{meta.height}, "
            f"{format_bytes(memory_bytes)} are allowed; pass --memory with more"
        )
    return DehazePlan(method, height, width, threads, HAZE_FRAMES, memory_bytes, expected)
