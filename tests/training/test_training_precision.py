"""The arithmetic that is learnt in, and drawing ahead."""

import threading

import pytest
import torch

from vrestore.training.ahead import Ahead
from vrestore.training.precision import autocast, learning_precision


def network():
    torch.manual_seed(0)
    return torch.nn.Conv2d(3, 4, 3)


@pytest.mark.parametrize("asked", ["fp32", "bf16"])
def test_what_is_asked_for_is_not_measured(asked):
    def work(_):
        raise AssertionError("measured")

    assert learning_precision(asked, network(), work)[0] == asked


@pytest.mark.parametrize(("slow", "best"), [("fp32", "bf16"), ("bf16", "fp32")])
def test_the_faster_one_is_taken_and_nothing_is_learnt_by_measuring(slow, best):
    made, tried = network(), []

    def work(precision):
        tried.append(precision)
        # The slow one has a hundred times as much to do.
        rounds = 100 if precision == slow else 1
        with autocast(torch.device("cpu"), "fp32"):
            return sum(made(torch.ones(1, 3, 64, 64)).square().mean() for _ in range(rounds))

    before = {name: value.clone() for name, value in made.state_dict().items()}
    chosen, words = learning_precision("auto", made, work)
    assert chosen == best
    assert words.startswith(best)
    assert set(tried) == {"fp32", "bf16"}
    assert all(torch.equal(value, before[name]) for name, value in made.state_dict().items())
    assert all(parameter.grad is None for parameter in made.parameters())


def test_autocast_multiplies_in_the_precision_it_says():
    one = torch.ones(1, 3, 8, 8)
    with autocast(torch.device("cpu"), "bf16"):
        assert network()(one).dtype == torch.bfloat16
    with autocast(torch.device("cpu"), "fp32"):
        assert network()(one).dtype == torch.float32


def test_steps_are_drawn_once_each_in_order_and_on_other_threads():
    drawn = []

    def draw(step):
        drawn.append((step, threading.current_thread() is threading.main_thread()))
        return step * step

    ahead = Ahead(draw, threads=2)
    assert [ahead.at(step) for step in range(5, 12)] == [step * step for step in range(5, 12)]
    steps = [step for step, _ in drawn]
    assert sorted(steps)[:7] == list(range(5, 12))
    assert len(set(steps)) == len(steps)
    assert not any(is_main for _, is_main in drawn)


def test_what_drawing_cannot_do_is_raised_where_the_step_is_asked_for():
    def draw(step):
        if step == 3:
            raise ValueError("no such step")
        return step

    ahead = Ahead(draw, threads=1)
    assert ahead.at(2) == 2
    with pytest.raises(ValueError, match="no such step"):
        ahead.at(3)
