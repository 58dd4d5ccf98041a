"""Colors are read once, sharp, from where they were first seen; else the blend stays."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import cv2
import numpy as np
import pytest
import torch

from vrestore.device.fallback import DeviceFallback
from vrestore.frames import Box
from vrestore.methods.inpaint.patches.patch import make_patch
from vrestore.methods.inpaint.propagation.correspondence import FetchMap, Linked
from vrestore.methods.inpaint.propagation.filled import Known
from vrestore.methods.inpaint.propagation.origins import Origins, Side
from vrestore.methods.inpaint.propagation.propagate import propagate
from vrestore.methods.inpaint.propagation.read_once import Scale, read_once

HEIGHT, WIDTH, COUNT, STEP = 48, 64, 10, 1.3
BOX, CPU = Box(0, 0, WIDTH, HEIGHT), DeviceFallback()
HOLE = Box(24, 16, 14, 12)
SCALE = Scale(cell=2, grain=1.0)
NOISE = np.random.default_rng(3).random((HEIGHT, 2 * WIDTH), np.float32)
TEXTURE = np.clip(0.4 + (cv2.GaussianBlur(NOISE, (0, 0), 1.0) - 0.5), 0.1, 0.7)


def seen(index, brightness=0.0):
    """The texture through a camera that moves by STEP pixels a frame."""
    x = np.arange(WIDTH, dtype=np.float32)[None].repeat(HEIGHT, 0) + STEP * index
    y = np.arange(HEIGHT, dtype=np.float32)[:, None].repeat(WIDTH, 1)
    view = cv2.remap(TEXTURE, x, y, cv2.INTER_CUBIC) + np.float32(brightness)
    return np.stack([view, view * 0.9, view * 0.8]).clip(0, 1)


def patches(holes, brightness=lambda index: 0.0):
    for index, hole in enumerate(holes):
        hidden = np.zeros((HEIGHT, WIDTH), bool)
        if hole is not None:
            hidden[hole.rows, hole.columns] = True
        yield make_patch(index, BOX, seen(index, brightness(index)) * ~hidden, hidden)


def links(given, trust=1.0):
    """Links of the camera's motion."""
    before = None

    def step(of, sign):
        return FetchMap(of.points + torch.tensor([sign * STEP, 0.0]), torch.full((len(of.points),), trust))

    for each in given:
        yield Linked(each, None, None) if before is None else Linked(each, step(each, 1), step(before, -1))
        before = each


def blended(holes, frames=36, known=None, **how):
    brightness = how.pop("brightness", lambda index: 0.0)
    made = propagate(
        links(patches(holes, brightness), **how),
        chunk=6,
        look_ahead=6,
        known=known,
        origin_frames=frames,
        fallback=CPU,
    )
    return list(made)


def made_of(filled, frames=36, known=None):
    with ThreadPoolExecutor(1) as executor:
        how = {"executor": executor, "fallback": CPU, "known": known}
        return list(read_once(iter(filled), scale=SCALE, frames=frames, **how))


def truth(each):
    return torch.from_numpy(seen(each.patch.index)[:, each.patch.hidden])


def error(each):
    return float((each.colors - truth(each)).abs().mean())


STAYS = [None, *[HOLE] * (COUNT - 1)]


def test_what_went_far_is_as_sharp_as_it_was():
    soft = blended(STAYS)
    sharp = made_of(soft)
    assert error(sharp[-1]) < 0.3 * error(soft[-1])
    assert float(sharp[-1].colors.std()) == pytest.approx(float(truth(sharp[-1]).std()), rel=0.05)
    assert float(soft[-1].colors.std()) < 0.9 * float(truth(soft[-1]).std())


def test_it_is_told_how_far_away_a_color_was_read():
    earlier, later = made_of(blended(STAYS)), made_of(blended([HOLE, HOLE, HOLE, None]))
    # What has just come in at the right was seen in the frame before, what is deep inside in the first.
    assert sorted(set(earlier[3].age.tolist())) == [-3, -2, -1]
    assert sorted(set(later[0].age.tolist())) == [1, 2, 3]


def test_brightness_is_the_blends():
    soft = blended(STAYS, brightness=lambda index: 0.006 * index)
    sharp = made_of(soft)
    for one, other in zip(sharp[1:], soft[1:], strict=True):
        assert float((one.colors - other.colors).mean()) == pytest.approx(0, abs=0.004)


def test_torn_places_are_not_read():
    soft = blended(STAYS)
    last = soft[-1]
    count = last.patch.hidden_count
    wild = torch.from_numpy(np.random.default_rng(0).normal(0, 4, (2, count)).astype(np.float32))
    torn = Side(Origins(torch.zeros(count, dtype=torch.int32), wild), torch.ones(count))
    sharp = made_of([*soft[:-1], replace(last, sides=replace(last.sides, past=torn, future=torn))])
    assert float((sharp[-1].colors - last.colors).abs().mean()) < 0.01
    assert (sharp[-1].age == 0).float().mean() > 0.9


def test_what_contradicts_the_blend_is_not_read():
    soft = blended(STAYS)
    other = torch.from_numpy(seen(40)[:, soft[-1].patch.hidden])
    changed = [*soft[:-1], replace(soft[-1], colors=other)]
    assert float((made_of(changed)[-1].colors - other).abs().mean()) < 0.01


def test_what_nobody_saw_stays_painted():
    soft = blended([HOLE] * 4, trust=0.0)
    for before, after in zip(soft, made_of(soft), strict=True):
        assert torch.equal(after.colors, before.colors)
        assert (after.age == 0).all()


def test_few_frames_are_kept_and_what_is_older_is_read_from_what_was_made_of_it():
    sharp = made_of(blended(STAYS, frames=3), frames=3)
    assert (sharp[-1].age >= -4).all()
    assert error(sharp[-1]) < error(blended(STAYS)[-1])


def test_a_run_that_goes_on_reads_what_was_made_before():
    whole = made_of(blended(STAYS))
    middle = whole[5]
    known = Known(middle.colors, middle.confidence)
    holes = STAYS[5:]

    def shifted(each):
        return replace(each, patch=replace(each.patch, index=each.patch.index))

    given = [replace(p, index=p.index) for p in list(patches(STAYS))[5:]]
    soft = list(propagate(links(given), chunk=6, look_ahead=6, known=known, origin_frames=36, fallback=CPU))
    assert len(soft) == len(holes)
    later = made_of(soft, known=known)
    assert torch.equal(later[0].colors, known.colors)
    assert error(later[-1]) < 0.5 * error(blended(STAYS)[-1])


def test_no_origins_are_held_by_what_is_given():
    assert all(each.sides is None for each in made_of(blended(STAYS)))
