"""What holds for every layout: nothing but the hole changes, and what is hidden has no say."""

import numpy as np
import pytest
from textured import ONCE, QUICK, hole_of_boxes, layout, noise_frame, repaired

from vrestore.frames import Box, Frame, Hole
from vrestore.media.formats import plane_shapes

HEIGHT, WIDTH, COUNT = 37, 59, 3
LAYOUTS = [
    *("yuv420p", "yuv422p10le", "yuv444p", "yuv411p", "nv12", "p010le", "yuyv422", "gray", "gray16le"),
    *("rgb24", "bgr0", "gbrp", "gbrp12le", "rgb48le", "yuva420p"),
]
WALKING = [Box(5 + 4 * index, 9, 11, 13) for index in range(COUNT)]
PAIRS = [(box, Box(45, 22, 7, 5)) for box in WALKING]
SCENES = {
    "walking": [hole_of_boxes(box) for box in WALKING],
    "two": [hole_of_boxes(*pair) for pair in PAIRS],
    "coming-and-going": [hole_of_boxes(WALKING[0]), None, hole_of_boxes(*PAIRS[2])],
    "corner": [hole_of_boxes(Box(WIDTH - 6, HEIGHT - 5, 6, 5))] * COUNT,
    "everything": [hole_of_boxes(Box(0, 0, WIDTH, HEIGHT))] * COUNT,
}


def feathered(seed):
    """A ragged hole with blended pixels, at an odd place."""
    alpha = np.random.default_rng(seed).choice([0, 1, 130, 254, 255], (9, 13)).astype(np.uint8)
    alpha[0, 0] = alpha[-1, -1] = 255
    box = Box(7 + 3 * seed, 11, 13, 9)
    return Hole(box, alpha, (box,))


SCENES["feathered"] = [feathered(seed) for seed in range(COUNT)]


def fill(frames, holes, name, settings=QUICK):
    return repaired(frames, holes, height=HEIGHT, width=WIDTH, format=name, settings=settings)


def frames_of(name):
    return [noise_frame(layout(name), height=HEIGHT, width=WIDTH, index=index) for index in range(COUNT)]


def cells(hole, component):
    """The greatest alpha of a pixel of each sample's cell, on the component's own grid."""
    alpha = hole.alpha_in(Box(0, 0, WIDTH, HEIGHT))
    across, down = 1 << component.subsample_x, 1 << component.subsample_y
    padded = np.pad(alpha, ((0, -HEIGHT % down), (0, -WIDTH % across)))
    blocks = padded.reshape(padded.shape[0] // down, down, padded.shape[1] // across, across)
    return blocks.max((1, 3))


def touched(format, hole):
    """A mask over all planes of what may be written, worked out sample by sample."""
    masks = [np.zeros(shape, bool) for shape in plane_shapes(format, height=HEIGHT, width=WIDTH)]
    for component in format.components if hole else ():
        samples = masks[component.plane][:, component.offset :: component.step]
        allowed = cells(hole, component) > 0
        samples[: allowed.shape[0], : allowed.shape[1]] |= allowed
    return masks


@pytest.mark.parametrize("holes", SCENES.values(), ids=SCENES)
@pytest.mark.parametrize("name", ["yuv420p", "yuv422p10le", "rgb24"])
def test_outside_the_hole_every_sample_is_the_sources(name, holes):
    frames = frames_of(name)
    for before, after, hole in zip(frames, fill(frames, holes, name), holes, strict=True):
        assert (after.pts, after.duration, after.index) == (before.pts, before.duration, before.index)
        for old, new, mask in zip(before.planes, after.planes, touched(layout(name), hole), strict=True):
            assert new.dtype == old.dtype
            assert (new == old)[~mask].all()


@pytest.mark.parametrize("name", LAYOUTS)
def test_every_layout_is_filled_and_otherwise_kept(name):
    frames, holes = frames_of(name), SCENES["feathered"]
    result = fill(frames, holes, name, ONCE)
    for before, after, hole in zip(frames, result, holes, strict=True):
        masks = touched(layout(name), hole)
        for old, new, mask in zip(before.planes, after.planes, masks, strict=True):
            assert (new == old)[~mask].all()
        first = layout(name).components[0]
        old, new = (each.planes[first.plane][:, first.offset :: first.step] for each in (before, after))
        assert (new != old)[:HEIGHT, :WIDTH][cells(hole, first) == 255].mean() > 0.5


def with_noise_inside(frame, format, hole, seed):
    """Replace every sample that belongs to hidden pixels: all with a pixel of the hole in their cell."""
    other = noise_frame(format, height=HEIGHT, width=WIDTH, index=frame.index, seed=seed)
    planes = [
        np.where(mask, new, old)
        for mask, new, old in zip(touched(format, hole), other.planes, frame.planes, strict=True)
    ]
    return Frame(tuple(planes), frame.pts, frame.duration, frame.index)


def hard(hole):
    """The hole without a feather: blended samples keep a part of what was there by intention."""
    return hole and Hole(hole.box, np.where(hole.alpha > 0, 255, 0).astype(np.uint8), hole.parts)


def both_fillings(name, holes, settings=QUICK):
    """Fill a clip that stands still, so that much is fetched, and the same one with noise under the mask."""
    still = frames_of(name)[0]
    frames = [Frame(still.planes, 10 * index, 10, index) for index in range(COUNT)]
    disguised = [
        with_noise_inside(frame, layout(name), hole, seed=9)
        for frame, hole in zip(frames, holes, strict=True)
    ]
    return frames, disguised, fill(frames, holes, name, settings), fill(disguised, holes, name, settings)


@pytest.mark.parametrize("scene", SCENES)
@pytest.mark.parametrize("name", ["yuv420p", "yuv422p10le"])
def test_the_result_does_not_depend_on_what_is_hidden(name, scene):
    frames, disguised, one, other = both_fillings(name, [hard(hole) for hole in SCENES[scene]])
    assert any((a.planes[0] != b.planes[0]).any() for a, b in zip(frames, disguised, strict=True))
    for a, b in zip(one, other, strict=True):
        assert all((plane == twin).all() for plane, twin in zip(a.planes, b.planes, strict=True))


@pytest.mark.parametrize("name", LAYOUTS)
def test_in_no_layout_does_the_result_depend_on_what_is_hidden(name):
    _, _, one, other = both_fillings(name, [hard(hole) for hole in SCENES["feathered"]], ONCE)
    for a, b in zip(one, other, strict=True):
        assert all((plane == twin).all() for plane, twin in zip(a.planes, b.planes, strict=True))


@pytest.mark.parametrize("name", ["yuv420p", "yuv422p10le", "gbrp"])
def test_with_a_feather_only_blended_samples_may_depend_on_what_was_there(name):
    """They keep a part of the old picture; neither the filled ones nor any other frame do."""
    holes = SCENES["feathered"]
    _, _, one, other = both_fillings(name, holes)
    for a, b, hole in zip(one, other, holes, strict=True):
        for component in layout(name).components:
            whole = cells(hole, component) == 255
            pair = [each.planes[component.plane][: whole.shape[0], : whole.shape[1]] for each in (a, b)]
            assert (pair[0] == pair[1])[whole].all()


def test_alpha_of_the_picture_is_carried():
    frames = frames_of("yuva420p")
    result = fill(frames, SCENES["walking"], "yuva420p")
    assert all((a.planes[3] == b.planes[3]).all() for a, b in zip(result, frames, strict=True))
