"""The critic: it judges clips apart from each other, and its losses are the hinge's."""

import pytest
import torch
from close import assert_close

from vrestore.training.inpaint.adversary import Critic, critic_loss, generator_loss

HEIGHT, WIDTH = 32, 48


@pytest.fixture(scope="module")
def critic():
    torch.manual_seed(0)
    return Critic().eval()


def noise(*shape, seed=0):
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed))


def verdict(value):
    return [torch.full((1, 2), 0.5), torch.tensor(value)]


def test_every_three_neighbors_get_a_verdict(critic):
    outputs = critic(noise(10, 3, HEIGHT, WIDTH), torch.ones(10, 1, HEIGHT, WIDTH), clips=2)
    assert [tuple(output.shape) for output in outputs] == [
        (6, 32, 16, 24),
        (6, 64, 8, 12),
        (6, 96, 4, 6),
        (6, 96, 2, 3),
        (6, 1, 2, 3),
    ]


def test_clips_do_not_mix(critic):
    """The first clip is judged the same, whatever the second one is."""
    frames, holes = noise(8, 3, HEIGHT, WIDTH), (noise(8, 1, HEIGHT, WIDTH, seed=1) > 0.5).float()
    other = frames.clone()
    other[4:] = noise(4, 3, HEIGHT, WIDTH, seed=2)
    one, changed, alone = (
        critic(frames, holes, clips=2)[-1],
        critic(other, holes, clips=2)[-1],
        critic(frames[:4], holes[:4], clips=1)[-1],
    )
    assert torch.equal(one[:2], changed[:2])
    assert_close(one[:2], alone)
    assert not torch.equal(one[2:], changed[2:])


def test_the_order_of_frames_counts(critic):
    frames, holes = noise(3, 3, HEIGHT, WIDTH), torch.ones(3, 1, HEIGHT, WIDTH)
    assert not torch.equal(critic(frames, holes, clips=1)[-1], critic(frames.flip(0), holes, clips=1)[-1])


def test_the_hole_is_seen(critic):
    frames, holes = noise(3, 3, HEIGHT, WIDTH), torch.ones(3, 1, HEIGHT, WIDTH)
    assert not torch.equal(critic(frames, holes, clips=1)[-1], critic(frames, 0 * holes, clips=1)[-1])


@pytest.mark.parametrize(
    ("real", "filled", "loss"),
    [(1.0, -1.0, 0.0), (3.0, -2.0, 0.0), (0.0, 0.0, 2.0), (-1.0, 1.0, 4.0), (0.5, -0.5, 1.0)],
)
def test_the_critic_pays_for_what_is_on_the_wrong_side_of_the_hinge(real, filled, loss):
    assert float(critic_loss(verdict(real), verdict(filled))) == pytest.approx(loss)


def test_the_painter_wants_to_be_taken_for_real():
    assert float(generator_loss(verdict(9.0), verdict(2.5))) == pytest.approx(-2.5)


def test_the_painter_pays_for_features_that_differ():
    real, filled = verdict(0.0), verdict(0.0)
    real[0] = real[0] + 0.25
    assert float(generator_loss(real, filled)) == pytest.approx(0.25)


def test_the_painter_does_not_teach_the_truth():
    real = [torch.zeros(1, requires_grad=True), torch.zeros(1)]
    filled = [torch.ones(1, requires_grad=True), torch.zeros(1)]
    generator_loss(real, filled).backward()
    assert real[0].grad is None
    assert float(filled[0].grad) == pytest.approx(1.0)
