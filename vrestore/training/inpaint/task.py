"""The painting network's training: samples, augmentation, losses, validation."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor, nn

from vrestore.device.devices import AskedPrecision, Precision
from vrestore.models.blocks import in_channels_last
from vrestore.models.tsam.network import Clip, Tsam
from vrestore.ops.warp.shift_align import Motion
from vrestore.training.data.sources import Picture
from vrestore.training.inpaint.adversary import Critic, critic_loss, generator_loss
from vrestore.training.inpaint.losses import charbonnier, gradient_loss, log_error
from vrestore.training.inpaint.pool import Pool
from vrestore.training.inpaint.samples import Sample, clip_and_motion
from vrestore.training.inpaint.validation import Judge
from vrestore.training.loop import State
from vrestore.training.precision import autocast, learning_precision

VALID_SHARE, GRADIENT_SHARE, ERROR_SHARE = 0.05, 0.3, 0.05
"""The weights of the losses beside that of the hole, whose weight is 1."""

STILLS_EVERY = 4
"""Every so many-th step sees stills, once the first ones are over."""

DECIBELS = 10 / math.log(10)
"""PSNR is 10 log10(1 / mean square), so a difference of ln(mean square) times this is one of decibels."""


@dataclass(frozen=True)
class Batch:
    """Clips one behind the other, as the network takes them, and their truth (clips * T, 3, H, W)."""

    clip: Clip
    motion: Motion
    truth: Tensor
    clips: int


@dataclass(frozen=True)
class Pools:
    """Where samples come from: the first steps see stills alone, later ones every fourth time."""

    stills: Pool
    clips: Pool
    still_steps: int

    def at(self, step: int) -> tuple[bool, int]:
        """Tell whether a step sees stills, and how many steps before it saw the same kind."""
        # Counted by kind, so that each pool's window moves by its own steps and no sample is skipped.
        later = step - self.still_steps
        if later < 0:
            return True, step
        before = -(-later // STILLS_EVERY)  # rounded up: later steps 0, 4, 8, ... are of stills
        if later % STILLS_EVERY == 0:
            return True, self.still_steps + before
        return False, later - before


class Inpainting:
    """A `vrestore.training.loop.Task`."""

    def __init__(
        self,
        network: Tsam,
        pools: Pools,
        judge: Judge | None,
        *,
        seed: int,
        frames: int,
        adversarial: float,
        adversarial_from: int,
        device: torch.device,
        precision: AskedPrecision = "auto",
        announce: Callable[[str], object] = lambda _: None,
    ) -> None:
        """Learn with what is asked for; `announce` is told the precision that the first step decides on."""
        self.network: Tsam = network
        self._asked, self._announce = precision, announce
        self._precision: Precision | None = None
        self._pools, self._judge, self._seed, self._frames = pools, judge, seed, frames
        self._adversarial, self._adversarial_from, self._device = adversarial, adversarial_from, device
        self._critic = in_channels_last(Critic().to(device))
        # A short memory: what the critic has to tell apart changes as the network learns (Radford et al.
        # 2016).
        self._critic_optimiser = torch.optim.Adam(self._critic.parameters(), lr=2e-4, betas=(0.5, 0.99))

    def losses(self, step: int) -> dict[str, Tensor]:
        """See `Task`."""
        batch = self.batch(step)
        clip, truth = batch.clip, batch.truth
        if self._precision is None:
            self._precision, words = learning_precision(
                self._asked, self.network, lambda tried: self._predicted(batch, tried).square().mean()
            )
            self._announce(f"precision: {words}")
        prediction = self._predicted(batch, self._precision)
        holes = clip.holes.float()
        # The loss of the slopes sees the composite: its border with what is known must not show.
        filled = torch.where(clip.holes, prediction, clip.frames)
        parts = {
            "hole": charbonnier(prediction - truth, holes),
            "valid": charbonnier(prediction - truth, 1 - holes),
            "gradient": gradient_loss(filled, truth, holes),
            "error": log_error(prediction - truth, holes, clips=batch.clips),
        }
        total = parts["hole"] + VALID_SHARE * parts["valid"] + GRADIENT_SHARE * parts["gradient"]
        total = total + ERROR_SHARE * parts["error"]
        if self._adversarial and step >= self._adversarial_from and len(truth) > batch.clips:
            parts["critic"], parts["painter"] = self._play(filled, truth, holes, clips=batch.clips)
            total = total + self._adversarial * parts["painter"]
        with torch.no_grad():
            # How much better than the propagated filling it is, which says more than the loss of one clip.
            before = log_error(clip.frames - truth, holes, clips=batch.clips)
            parts["gain"] = DECIBELS * (before - parts["error"])
        return parts | {"total": total}

    def batch(self, step: int) -> Batch:
        """Return what a step sees."""
        rng = np.random.default_rng([self._seed, step])
        are_stills, turn = self._pools.at(step)
        pool = self._pools.stills if are_stills else self._pools.clips
        samples = pool.draw(turn, rng)
        if are_stills:
            parts = [part for each in samples for part in _stills(rng, each, self._frames)]
        else:
            parts = [_cut(rng, each, self._frames) for each in samples]
        parts = [_turned(rng, *part) for part in parts]
        clips, motions, truths = zip(*parts, strict=True)
        # (clips * T, ...): frames of one clip lie next to each other.
        clip = Clip(*(torch.cat([vars(clip)[name] for clip in clips]) for name in vars(clips[0])))
        batch = Batch(clip, Motion.join(motions), torch.cat(truths), len(parts))
        return _on(batch, self._device)

    def validate(self, network: nn.Module) -> tuple[dict[str, float], Picture | None]:
        """See `Task`."""
        if self._judge is None:
            return {}, None
        assert isinstance(network, Tsam)
        with self._autocast():
            return self._judge(network)

    def state(self) -> State:
        """See `Task`."""
        return {"critic": self._critic.state_dict(), "optimiser": self._critic_optimiser.state_dict()}

    def restore(self, state: State) -> None:
        """See `Task`."""
        self._critic.load_state_dict(state["critic"])
        self._critic_optimiser.load_state_dict(state["optimiser"])

    def _predicted(self, batch: Batch, precision: Precision) -> Tensor:
        with autocast(self._device, precision):
            time = self.network.timeline(batch.motion, clips=batch.clips)
            return self.network.predict(batch.clip, time)

    def _autocast(self) -> AbstractContextManager[object]:
        return autocast(self._device, self._precision or "fp32")

    def _play(self, filled: Tensor, truth: Tensor, holes: Tensor, *, clips: int) -> tuple[Tensor, Tensor]:
        """Let the critic learn a step; returns its loss and the painter's."""
        with self._autocast():
            real = self._critic(truth, holes, clips=clips)
            loss = critic_loss(real, self._critic(filled.detach(), holes, clips=clips))
        # Two-player: the critic learns from a filling that is detached, then judges the same one, frozen, for
        # the network's gradient to pass through.
        self._critic_optimiser.zero_grad(set_to_none=True)
        torch.autograd.backward(loss)
        self._critic_optimiser.step()
        self._critic.requires_grad_(requires_grad=False)
        with self._autocast():
            painter = generator_loss(
                self._critic(truth, holes, clips=clips), self._critic(filled, holes, clips=clips)
            )
        self._critic.requires_grad_(requires_grad=True)
        return loss.detach(), painter


def _cut(rng: np.random.Generator, sample: Sample, frames: int) -> tuple[Clip, Motion, Tensor]:
    """Choose neighboring frames of a sample."""
    start = int(rng.integers(0, len(sample.truth) - frames + 1))
    return clip_and_motion(sample, slice(start, start + frames))


def _stills(rng: np.random.Generator, sample: Sample, count: int) -> list[tuple[Clip, Motion, Tensor]]:
    """Choose frames of a sample of stills, each a clip of its own."""
    chosen = rng.choice(len(sample.truth), count, replace=False)
    return [clip_and_motion(sample, slice(int(index), int(index) + 1)) for index in chosen]


def _turned(
    rng: np.random.Generator, clip: Clip, motion: Motion, truth: Tensor
) -> tuple[Clip, Motion, Tensor]:
    """Mirror, transpose, reverse, recolor: all that propagation would have done alike."""
    # Turning a picture turns its flow: what is mirrored along x moves by -dx, a transposed one by (dy, dx),
    # and in a clip played backwards the flow of t towards t+1 is that of t+1 towards t.
    pictures = [clip.frames, clip.holes, clip.confidence, clip.hints, truth]
    flows = [motion.forward, motion.backward]
    occlusions = [motion.forward_doubt, motion.backward_doubt]
    for axis, component in ((-1, 0), (-2, 1)):
        if rng.random() < 0.5:
            pictures, occlusions = ([part.flip(axis) for part in parts] for parts in (pictures, occlusions))
            flows = [flow.flip(axis) for flow in flows]
            flows = [_negated(flow, component) for flow in flows]
    if rng.random() < 0.5:
        pictures, occlusions = (
            [part.transpose(-1, -2) for part in parts] for parts in (pictures, occlusions)
        )
        flows = [flow.transpose(-1, -2).flip(1) for flow in flows]
    if rng.random() < 0.5:
        pictures = [part.flip(0) for part in pictures]
        flows, occlusions = ([part.flip(0) for part in reversed(parts)] for parts in (flows, occlusions))
    order = torch.from_numpy(rng.permutation(3))
    gain = torch.from_numpy(rng.uniform(0.75, 1.0, (3, 1, 1)).astype(np.float32))
    frames, holes, confidence, hints, truth = pictures
    # The first three hints are colors, and change as the frames do.
    recolored = torch.cat([hints[:, order] * gain, hints[:, 3:]], dim=1)
    clip = Clip(frames[:, order] * gain, holes, confidence, recolored)
    return clip, Motion(flows[0], flows[1], occlusions[0], occlusions[1]), truth[:, order] * gain


def _negated(flow: Tensor, component: int) -> Tensor:
    sign = torch.ones(2, 1, 1)  # over (P, 2, H, W)
    sign[component] = -1
    return flow * sign


def _on(batch: Batch, device: torch.device) -> Batch:
    def moved(parts: Iterable[Tensor]) -> list[Tensor]:
        return [part.to(device).contiguous(memory_format=torch.channels_last) for part in parts]

    clip, motion = (
        Clip(*moved(list(vars(batch.clip).values()))),
        Motion(*moved(list(vars(batch.motion).values()))),
    )
    return replace(batch, clip=clip, motion=motion, truth=moved([batch.truth])[0])
