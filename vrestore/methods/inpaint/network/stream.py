"""A network's stream on a device whose memory may be too small for it.

Where the device's memory runs out, frames go through in smaller parts, then one by one, and in the end the
rest of the clip goes through on the CPU. A part that failed has changed nothing: each is begun on a copy of
the stream's state.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from vrestore.device.fallback import normalize_oom
from vrestore.device.transfers import CPU
from vrestore.models.tsam.network import Clip, Tsam
from vrestore.models.tsam.streaming import StreamState, finish, push
from vrestore.ops.dispatch import TORCH, Backend
from vrestore.ops.warp.shift_align import Motion


class Stream:
    """One clip on its way through a network; frames come from anywhere and go where the network is.

    `network_cpu_frames` is told, each time, how many frames the CPU gave because the device could not.
    """

    def __init__(
        self, network: Tsam, network_cpu_frames: Callable[[int], None], *, backend: Backend = TORCH
    ) -> None:
        self._network, self._count_on_cpu = network, network_cpu_frames
        self._state = StreamState(backend=backend)
        self._device = next(network.parameters()).device
        self._has_fallen = False

    def push(self, clip: Clip, motion: Motion) -> Tensor:
        """Take the next frames, give those that are ready, (N, 3, H, W): see `models.streaming.push`."""
        before = self._state.copy()
        try:
            with normalize_oom():
                made = push(self._network, self._state, clip.to(self._device), motion.to(self._device))
            return self._counted(made)
        except torch.OutOfMemoryError:
            if self._has_fallen:
                raise
            self._state = before
        count = len(clip)
        if count == 1:
            self._fall()
            return self.push(clip, motion)
        # Memory grows with the frames pushed at once; what is kept between pushes does not.
        half = count // 2
        pairs = len(motion) - (count - half)  # each frame but a clip's first ends one pair
        first = self.push(clip[:half], motion[:pairs])
        return torch.cat([first, self.push(clip[half:], motion[pairs:])])

    def finish(self) -> Iterator[Tensor]:
        """End the clip, give the frames that are left one by one, (1, 3, H, W)."""
        while True:
            before = self._state.copy()
            try:
                with normalize_oom():
                    frame = next(finish(self._network, self._state), None)
            except torch.OutOfMemoryError:
                if self._has_fallen:
                    raise
                self._state = before
                self._fall()
                continue
            if frame is None:
                return
            yield self._counted(frame)

    def _fall(self) -> None:
        """Go on on the CPU; the network stays where it is for other clips."""
        # A copy, for the original serves the next clip on the device.
        self._network = copy.deepcopy(self._network).to(CPU)
        self._state = self._state.to(CPU)  # layers go on in the middle of the clip
        self._device, self._has_fallen = CPU, True

    def _counted(self, frames: Tensor) -> Tensor:
        if self._has_fallen:
            self._count_on_cpu(len(frames))
        return frames
