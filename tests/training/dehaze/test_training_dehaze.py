"""Teaching the dehazing network: its examples, what counts as wrong, and that it learns."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from close import assert_close
from lessons import draw_data

from vrestore.models.cgidn.config import CGIDN, CGIDN_SMALL
from vrestore.models.cgidn.haze_head import Haze
from vrestore.models.cgidn.network import CgIdn
from vrestore.ops.filters.haze_model import scatter
from vrestore.training.dehaze.examples import Examples, draw_examples, judge, take_away
from vrestore.training.dehaze.scenes import Scenery
from vrestore.training.dehaze.task import Dehazing, ExampleSettings

TINY = replace(CGIDN_SMALL, name="tiny", channels=(8, 12, 16), align_channels=8, offset_groups=2, radius=1)
SETTINGS = ExampleSettings(batch=4, height=32, width=48, clip_every=2)


@pytest.fixture(scope="module")
def scenery(tmp_path_factory):
    return Scenery.load(draw_data(tmp_path_factory.mktemp("data") / "data", stills=3))


def drawn(scenery, *, seed=(1, 2), count=4, frames=3):
    return draw_examples(scenery, seed=seed, count=count, frames=frames, height=32, width=48)


def network(config=TINY):
    torch.manual_seed(0)
    return CgIdn(config)


def test_examples_have_the_shapes_they_say(scenery):
    examples = drawn(scenery)
    assert examples.hazy.shape == (4, 3, 3, 32, 48)
    assert examples.clear.shape == (4, 3, 32, 48)
    assert examples.transmission.shape == (4, 1, 32, 48)
    assert examples.air.shape == (4, 3)
    assert examples.is_lawful.shape == (4,)


def test_the_same_seed_draws_the_same_examples(scenery):
    one, same, other = drawn(scenery), drawn(scenery), drawn(scenery, seed=(1, 3))
    assert torch.equal(one.hazy, same.hazy)
    assert not torch.equal(one.hazy, other.hazy)


def test_a_scene_is_seen_under_two_hazes(scenery):
    examples = drawn(scenery)
    assert torch.equal(examples.clear[0], examples.clear[1])
    assert not torch.equal(examples.clear[1], examples.clear[2])
    assert not torch.equal(examples.hazy[0], examples.hazy[1])


def test_some_examples_have_no_haze_and_are_to_stay_as_they_are(scenery):
    examples = drawn(scenery, count=64, frames=1)
    is_clear = examples.transmission.amin((1, 2, 3)) == 1
    assert 2 <= int(is_clear.sum()) <= 20
    assert torch.equal(examples.hazy[is_clear, 0], examples.clear[is_clear])


def known(examples):
    """The haze that an example was given."""
    depth = -examples.transmission.log()
    return Haze(depth, examples.air, torch.zeros(len(depth), 3, 2, 2))


def test_true_haze_taken_away_gives_the_clear_picture():
    random = np.random.default_rng(0)
    clear = torch.from_numpy(random.random((2, 3, 48, 64), np.float32))
    t = torch.linspace(0.4, 0.9, 64).expand(2, 1, 48, 64)
    air = torch.tensor([[0.8, 0.85, 0.9], [0.7, 0.7, 0.7]])
    hazy = scatter(clear, t, air[:, :, None, None])
    picture, through = take_away(Haze(-t.log(), air, torch.zeros(2, 3, 2, 2)), hazy)
    assert float((picture - clear).abs().mean()) < 0.01
    assert float((through - t).abs().mean()) < 0.01


def test_nothing_is_wrong_with_the_truth_but_what_the_camera_added(scenery, monkeypatch):
    examples, tiny = drawn(scenery, frames=1), network()
    with torch.no_grad():
        guess = judge(tiny, examples)
        monkeypatch.setattr(tiny, "clear", lambda _: known(examples))
        truth = judge(tiny, examples)
    assert float(truth.air) == 0
    assert float(truth.transmission) < 0.3 * float(guess.transmission)
    assert float(truth.picture) < float(guess.picture)


def test_haze_against_the_law_has_no_true_transmission(scenery):
    examples, tiny = drawn(scenery, frames=1), network()
    lawless = Examples(**vars(examples) | {"is_lawful": torch.zeros(4, dtype=torch.bool)})
    with torch.no_grad():
        judged, lawful = judge(tiny, lawless), judge(tiny, examples)
    assert float(judged.transmission) == 0
    assert_close(judged.picture, lawful.picture)


def test_a_network_that_gives_pictures_learns_by_them(scenery):
    config = replace(
        CGIDN,
        name="pictures",
        frames=3,
        stem_kernel=3,
        channels=(4, 8, 8),
        align_from=1,
        align_channels=8,
        offset_groups=2,
        radius=1,
        bottleneck_blocks=1,
        decoder_blocks=1,
    )
    made = network(config)
    judged = judge(made, drawn(scenery))
    assert float(judged.transmission) == 0
    judged.total.backward()
    assert made.head[0].weight.grad.abs().max() > 0


def task(scenery):
    return Dehazing(network(), scenery, SETTINGS, seed=3, device=torch.device("cpu"))


def test_a_step_sees_pictures_or_now_and_then_clips(scenery):
    made, seen = task(scenery), []
    made.network.encoder.register_forward_hook(lambda _, pictures, result: seen.append(len(pictures[0])))
    for step in range(4):
        made.losses(step)
    assert seen == [2 * 3, 4, 2 * 3, 4]


def test_a_step_depends_on_its_number_alone(scenery):
    one, other = task(scenery), task(scenery)
    one.losses(0)
    assert_close(one.losses(1)["total"], other.losses(1)["total"])


def test_steps_make_it_less_wrong(scenery):
    made = task(scenery)
    examples = drawn(scenery, count=8, frames=1)
    optimiser = torch.optim.AdamW(made.network.parameters(), lr=2e-3)
    before = float(judge(made.network, examples).total.detach())
    for _ in range(30):
        optimiser.zero_grad()
        judge(made.network, examples).total.backward()
        optimiser.step()
    assert float(judge(made.network, examples).total.detach()) < 0.85 * before


def test_validation_gives_figures_and_a_sheet(scenery):
    made = task(scenery)
    figures, sheet = made.validate(made.network)
    assert {"validation total", "validation picture", "validation transmission"} <= set(figures)
    assert sheet is not None
    assert sheet.shape == (6 * 32, 2 * 5 * 48, 3)
