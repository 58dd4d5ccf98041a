"""Flow inside a hole: the camera's motion, and what is left over continued smoothly."""

import numpy as np
import pytest
import torch
from close import assert_close

from vrestore.flow.camera import LEAST_SAMPLES, fit_camera
from vrestore.flow.complete import RIM_PIXELS, completed, dilated, homography_flow
from vrestore.frames import Box
from vrestore.ops.warp.warp import pixel_grid

HEIGHT, WIDTH = 91, 121
RIM = RIM_PIXELS


def complete_flow(flow, hidden):
    """The flow with what was completed, or as it is where there was nothing to complete."""
    found = completed(flow, hidden)
    return flow if found is None else found.put_into(flow)


def camera_flow(flow, trusted):
    """The flow of the camera that is fitted to the trusted pixels, over the whole picture."""
    height, width = trusted.shape
    return homography_flow(fit_camera(flow.numpy(), trusted.numpy()), Box(0, 0, width, height))


ZOOM = ((1.01, 0.004, -1.5), (-0.004, 1.02, 0.8), (0.0, 0.0, 1.0))
TILT = ((1.0, 0.01, 2.0), (0.0, 1.01, -1.0), (1e-4, -2e-4, 1.0))
PAN = ((1.0, 0.0, 3.25), (0.0, 1.0, -1.5), (0.0, 0.0, 1.0))


def flow_of(matrix, height=HEIGHT, width=WIDTH):
    """Where a homography sends each pixel, less where it is, pixel by pixel."""
    flow = np.empty((2, height, width))
    for y in range(height):
        for x in range(width):
            u, v, w = np.array(matrix) @ (x, y, 1.0)
            flow[:, y, x] = u / w - x, v / w - y
    return torch.from_numpy(flow.astype(np.float32))


def hidden(y=35, x=45, height=21, width=25, *, size=(HEIGHT, WIDTH)):
    mask = torch.zeros(size, dtype=torch.bool)
    mask[y : y + height, x : x + width] = True
    return mask


def spoiled(flow, mask):
    """The flow with nonsense in the hole and where an estimator's patches reach into it."""
    near = torch.from_numpy(dilated(mask.numpy(), RIM - 1))
    noise = torch.from_numpy(np.random.default_rng(0).normal(0, 9, flow.shape).astype(np.float32))
    return torch.where(near, noise, flow)


@pytest.mark.parametrize("matrix", [PAN, ZOOM, TILT], ids=["pan", "zoom", "tilt"])
def test_the_cameras_motion_is_recovered_in_the_hole(matrix):
    truth, mask = flow_of(matrix), hidden()
    result = complete_flow(spoiled(truth, mask), mask)
    assert float((result - truth).abs().max()) < 0.05  # 0.01 seen


def test_what_the_camera_does_not_explain_is_continued():
    y, x = (np.mgrid[0:HEIGHT, 0:WIDTH] - np.array([38, 50])[:, None, None]) / 60
    bend = (x**3 - 3 * x * y**2).astype(np.float32)  # no camera's motion, and as smooth as a membrane
    truth, mask = flow_of(PAN) + torch.from_numpy(bend), hidden()
    result = complete_flow(spoiled(truth, mask), mask)
    prior = camera_flow(truth, torch.from_numpy(~dilated(mask.numpy(), RIM)))
    errors = [float((flow - truth)[:, mask].abs().mean()) for flow in (result, prior)]
    assert errors[0] < errors[1] / 2


def test_flow_that_is_trusted_comes_back_bit_equal():
    truth, mask = flow_of(ZOOM), hidden()
    given = spoiled(truth, mask)
    near = torch.from_numpy(dilated(mask.numpy(), RIM))
    assert (complete_flow(given, mask) == given)[:, ~near].all()


def test_what_stood_in_the_hole_has_no_say():
    truth, mask = flow_of(ZOOM), hidden()
    other = torch.where(torch.from_numpy(dilated(mask.numpy(), RIM)), 99.0, truth)
    assert (complete_flow(other, mask) == complete_flow(spoiled(truth, mask), mask)).all()


def test_a_camera_is_not_misled_by_what_moves_on_its_own():
    truth = flow_of(PAN)
    busy = truth.clone()
    busy[:, 5:35, 5:50] += 12
    everywhere = torch.ones(HEIGHT, WIDTH, dtype=torch.bool)
    assert float((camera_flow(busy, everywhere) - truth).abs().max()) < 0.05


@pytest.mark.parametrize("mask", [hidden(height=0), hidden(0, 0, HEIGHT, WIDTH)], ids=["none", "all"])
def test_without_anything_to_complete_or_to_go_by_the_flow_stays(mask):
    given = flow_of(ZOOM)
    assert (complete_flow(given, mask) == given).all()


@pytest.mark.parametrize("size", [(1, 1), (1, 40), (40, 1), (7, 40), (37, 5)], ids=str)
def test_small_pictures_are_completed(size):
    mask = hidden(0, 0, 1, 1, size=size)
    result = complete_flow(torch.full((2, *size), 2.5), mask)
    assert_close(result, torch.full((2, *size), 2.5))


def test_too_few_samples_fit_no_camera():
    trusted = torch.zeros(HEIGHT, WIDTH, dtype=torch.bool)
    trusted[20:27, 30 : 30 + (LEAST_SAMPLES - 1) // 7] = True
    assert not camera_flow(flow_of(PAN), trusted).any()


@pytest.mark.parametrize("seed", range(3))
def test_samples_that_agree_on_nothing_give_a_finite_flow(seed):
    noise = np.random.default_rng(seed).normal(0, 40, (2, HEIGHT, WIDTH)).astype(np.float32)
    mask = hidden()
    assert torch.isfinite(complete_flow(torch.from_numpy(noise), mask)).all()


def test_samples_on_one_line_give_a_finite_flow():
    trusted = torch.zeros(HEIGHT, WIDTH, dtype=torch.bool)
    trusted[40] = True
    assert torch.isfinite(camera_flow(flow_of(PAN), trusted)).all()


def test_a_plane_through_the_camera_is_no_prior():
    """Part of the picture would be sent through infinity."""
    through = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0213, 0.0, -1.03))
    trusted = torch.zeros(HEIGHT, WIDTH, dtype=torch.bool)
    trusted[:, 90:] = True
    assert not camera_flow(flow_of(through), trusted).any()


def test_flow_may_be_a_view():
    truth, mask = flow_of(ZOOM), hidden()
    view = truth.permute(2, 1, 0).contiguous().permute(2, 1, 0)
    assert not view.is_contiguous()
    assert_close(complete_flow(view, mask), complete_flow(truth, mask))


@pytest.mark.parametrize("pixels", [0, 1, 3, 6])
def test_a_mask_grows_by_a_disc(pixels):
    mask = np.zeros((15, 19), bool)
    mask[7, 9] = True
    grown = dilated(mask, pixels)
    y, x = np.mgrid[-7:8, -9:10]
    distance = np.hypot(y, x)
    assert grown[distance <= max(0, pixels - 0.5)].all()
    assert not grown[distance >= pixels + 0.5].any()


def test_the_grid_and_the_flow_agree_on_x_and_y():
    sideways = flow_of(((1.0, 0.0, 5.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)))
    assert_close(sideways[0], torch.full((HEIGHT, WIDTH), 5.0))
    prior = camera_flow(sideways, torch.ones(HEIGHT, WIDTH, dtype=torch.bool))
    assert (
        float((pixel_grid(HEIGHT, WIDTH)[0] + prior[0] - pixel_grid(HEIGHT, WIDTH)[0] - 5).abs().max()) < 0.01
    )
