"""Losses of the painting network: nothing where pictures agree, and only where it counts."""

import pytest
import torch
from close import assert_close

from vrestore.training.inpaint.losses import FLOOR, ROUNDING, charbonnier, gradient_loss, log_error

HEIGHT, WIDTH = 17, 21


def noise(*shape, seed=0):
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed))


PICTURE, OTHER = noise(2, 3, HEIGHT, WIDTH), noise(2, 3, HEIGHT, WIDTH, seed=1)
ONES, NONE = torch.ones(2, 1, HEIGHT, WIDTH), torch.zeros(2, 1, HEIGHT, WIDTH)


def test_pictures_that_agree_cost_nothing():
    assert float(charbonnier(PICTURE - PICTURE, ONES)) == pytest.approx(0, abs=1e-7)
    assert float(gradient_loss(PICTURE, PICTURE, ONES)) == pytest.approx(0, abs=1e-7)


def test_pictures_that_differ_cost_something():
    assert float(charbonnier(PICTURE - OTHER, ONES)) > 0.1
    assert float(gradient_loss(PICTURE, OTHER, ONES)) > 0.1


def test_the_loss_is_the_rounded_absolute_value():
    differences = torch.tensor([-0.5, 0.0, 0.01, 0.3])
    expected = ((differences.double() ** 2 + ROUNDING**2).sqrt() - ROUNDING).mean()
    assert_close(charbonnier(differences.view(1, 1, 2, 2), torch.ones(1, 1, 2, 2)), expected)


def test_only_what_weighs_counts():
    weight = NONE.clone()
    weight[:, :, 3:8, 4:11] = 1
    elsewhere = PICTURE + OTHER * (1 - weight)
    assert float(charbonnier(elsewhere - PICTURE, weight)) == pytest.approx(0, abs=1e-7)
    assert float(charbonnier(elsewhere - PICTURE, 1 - weight)) > 0.1


def test_the_mean_does_not_depend_on_how_much_weighs():
    weight = NONE.clone()
    weight[:, :, :9] = 1
    shifted = torch.full_like(PICTURE, 0.25)
    assert_close(charbonnier(shifted, weight), charbonnier(shifted, ONES))


@pytest.mark.parametrize("loss", ["plain", "gradient"])
def test_without_weight_there_is_no_loss(loss):
    value = charbonnier(PICTURE, NONE) if loss == "plain" else gradient_loss(PICTURE, OTHER, NONE)
    assert float(value) == 0


def test_slopes_do_not_see_a_constant_shift():
    """Rounding of the sum alone: worst seen 2e-9."""
    assert float(gradient_loss(PICTURE + 0.2, PICTURE, ONES)) < 1e-7
    assert float(charbonnier((PICTURE + 0.2) - PICTURE, ONES)) > 0.1


def test_slopes_see_blur_at_every_scale():
    coarse = torch.nn.functional.interpolate(PICTURE[..., ::4, ::4], size=(HEIGHT, WIDTH))
    assert float(gradient_loss(coarse, PICTURE, ONES)) > 0.1


def test_the_error_of_clips_is_their_psnr():
    """A clip with a tenth of another's error counts as much: by 20 dB less."""
    difference = torch.cat([torch.full((2, 3, 4, 5), 0.1), torch.full((2, 3, 4, 5), -0.01)])
    difference = difference.contiguous(memory_format=torch.channels_last)
    error = log_error(difference, torch.ones(4, 1, 4, 5), clips=2)
    squares = torch.tensor([0.1, 0.01], dtype=torch.float64) ** 2
    assert_close(error, (squares + FLOOR**2).log().mean())


def test_clips_without_a_hole_have_no_error():
    weight = torch.cat([torch.zeros(2, 1, 4, 5), torch.ones(2, 1, 4, 5)])
    difference = torch.full((4, 3, 4, 5), 0.2)
    assert_close(log_error(difference, weight, clips=2), log_error(difference[2:], weight[2:], clips=1))
    assert float(log_error(difference, 0 * weight, clips=2)) == 0
