"""Samples: the same from a seed, true outside the hole, and what the network will be given."""

from dataclasses import fields, replace

import numpy as np
import pytest
import torch
from close import assert_close
from lessons import TINY, picture_of, plain_sample, sources_in
from textured import panned, texture

from vrestore.training.data.sources import Sources
from vrestore.training.inpaint.samples import (
    Sample,
    SampleSettings,
    clip_and_motion,
    make_sample,
    make_stills,
    sample_of,
)

HALF = TINY.window // 2
SHAPES = {
    "frames": (12, 3, TINY.window, TINY.window),
    "holes": (12, 1, TINY.window, TINY.window),
    "confidence": (12, 1, TINY.window, TINY.window),
    "hints": (12, 4, TINY.window, TINY.window),
    "truth": (12, 3, TINY.window, TINY.window),
}
MAKERS = {"clips": (make_sample, 11), "stills": (make_stills, 0)}


@pytest.fixture(scope="module")
def sources(tmp_path_factory):
    return sources_in(tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="module")
def samples(sources):
    return {name: make(3, seed=5, sources=sources, settings=TINY) for name, (make, _) in MAKERS.items()}


def are_equal(one, other):
    return all(torch.equal(getattr(one, field.name), getattr(other, field.name)) for field in fields(one))


@pytest.mark.parametrize("kind", MAKERS)
def test_a_sample_has_the_frames_and_the_motion_of_its_clip(samples, kind):
    made = samples[kind]
    assert {name: tuple(getattr(made, name).shape) for name in SHAPES} == SHAPES
    pairs = MAKERS[kind][1]
    assert tuple(made.forward.shape) == tuple(made.backward.shape) == (pairs, 2, HALF, HALF)
    assert tuple(made.forward_doubt.shape) == tuple(made.backward_doubt.shape) == (pairs, 1, HALF, HALF)


@pytest.mark.parametrize("kind", MAKERS)
def test_the_same_number_of_the_same_seed_is_the_same_sample(samples, sources, kind):
    make, _ = MAKERS[kind]
    assert are_equal(make(3, seed=5, sources=sources, settings=TINY), samples[kind])


@pytest.mark.parametrize("other", [{"index": 4, "seed": 5}, {"index": 3, "seed": 6}], ids=["number", "seed"])
def test_another_number_or_seed_is_another_sample(samples, sources, other):
    made = make_stills(other["index"], seed=other["seed"], sources=sources, settings=TINY)
    assert not torch.equal(made.truth, samples["stills"].truth)


@pytest.mark.parametrize("kind", MAKERS)
def test_outside_the_hole_the_frames_are_the_truth(samples, kind):
    made = samples[kind]
    outside = ~made.holes.expand_as(made.frames)
    assert (made.frames == made.truth)[outside].all()
    assert (made.frames != made.truth)[~outside].float().mean() > 0.3


@pytest.mark.parametrize("kind", MAKERS)
def test_what_is_known_is_sure_and_nothing_is_hinted_there(samples, kind):
    made = samples[kind]
    outside = ~made.holes
    assert (made.confidence[outside] == 255).all()
    assert not made.hints[:, :3][outside.expand(-1, 3, -1, -1)].any()


def test_what_no_other_frame_shows_is_not_sure(samples):
    made = samples["stills"]
    assert not made.confidence[made.holes].any()


def test_every_frame_has_a_hole(samples):
    assert all(made.holes.flatten(1).any(1).all() for made in samples.values())


def test_a_sample_survives_writing(samples, tmp_path):
    samples["clips"].save(tmp_path / "1.pt")
    assert are_equal(Sample.load(tmp_path / "1.pt"), samples["clips"])
    assert [path.name for path in tmp_path.iterdir()] == ["1.pt"]


@pytest.mark.parametrize(("start", "stop"), [(0, 12), (4, 7), (11, 12)], ids=str)
def test_a_part_of_a_sample_is_a_clip_with_its_own_motion(samples, start, stop):
    clip, motion, truth = clip_and_motion(samples["clips"], slice(start, stop))
    assert len(clip) == len(truth) == stop - start
    assert len(motion) == stop - start - 1
    assert_close(motion.forward, samples["clips"].forward[start : stop - 1].float())
    assert float(truth.max()) <= 1
    assert clip.holes.dtype == torch.bool


def test_a_still_is_a_clip_of_one_frame(samples):
    clip, motion, _ = clip_and_motion(samples["stills"], slice(5, 6))
    assert (len(clip), len(motion)) == (1, 0)


def test_eight_bits_come_back_in_their_range():
    clip, _, truth = clip_and_motion(plain_sample(255), slice(0, 12))
    assert_close(truth, torch.ones_like(truth))
    assert_close(clip.confidence, torch.ones_like(clip.confidence))


def test_what_the_camera_uncovers_is_fetched_into_the_sample():
    views = panned(texture(80, 160), count=14, height=72, width=80, step=(4.0, 0.0))
    frames = np.stack([picture_of(view) for view in views])
    holes = np.zeros((14, 72, 80), bool)
    holes[:, 28:44, 32:48] = True
    made = sample_of(frames, holes, height=48, width=48)
    inside = made.holes.expand_as(made.truth)
    errors = (made.frames.float() - made.truth.float()).abs()[inside]
    assert float(errors.mean()) < 12
    assert float(made.confidence[made.holes].float().mean()) > 128


def test_the_motion_of_a_sample_is_that_of_the_camera():
    views = panned(texture(80, 160), count=12, height=72, width=80, step=(4.0, 0.0))
    frames = np.stack([picture_of(view) for view in views])
    holes = np.zeros((12, 72, 80), bool)
    holes[:, 28:44, 32:48] = True
    made = sample_of(frames, holes, height=48, width=48)
    trusted = made.forward_doubt[:, 0] < 64
    x, y = (made.forward.float()[:, axis][trusted] for axis in range(2))
    assert trusted.float().mean() > 0.7
    assert float(x.median()) == pytest.approx(-2.0, abs=0.1)  # half the size, half the way
    assert float(y.abs().median()) < 0.1


def test_windows_of_clips_that_are_too_short_for_one_are_refused():
    with pytest.raises(ValueError, match="at least 12 frames, got 5"):
        SampleSettings(frames=5)


def test_clips_alone_can_be_drawn_from(sources):
    only = replace(TINY, clip_share=1.0)
    made = make_sample(0, seed=1, sources=Sources((), sources.clips), settings=only)
    assert len(made.truth) == TINY.frames


def test_photographs_alone_can_be_drawn_from(sources):
    made = make_sample(0, seed=1, sources=Sources(sources.photographs, ()), settings=TINY)
    assert len(made.truth) == TINY.frames
