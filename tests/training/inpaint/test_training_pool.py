"""The pool: which samples a step draws, that each is made, and that trouble is told."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lessons import dying_sample, number_of, plain_sample, unreadable_sample

from vrestore.errors import InputError, VRestoreError
from vrestore.training.inpaint.pool import Pool

SIZES = {"batch": st.integers(1, 9), "reuse": st.integers(1, 20), "span": st.integers(1, 400)}


def pool(folder, maker=plain_sample, *, workers=1, batch=2, reuse=3, span=6):
    return Pool(maker, folder, workers=workers, batch=batch, reuse=reuse, span=span)


def drawn(pool, steps):
    return [
        [number_of(sample) for sample in pool.draw(step, np.random.default_rng([4, step]))] for step in steps
    ]


@given(step=st.integers(0, 10**6), **SIZES)
def test_windows_only_move_forward(tmp_path_factory, step, batch, reuse, span):
    made = pool(tmp_path_factory.getbasetemp() / "none", batch=batch, reuse=reuse, span=span)
    (start, stop), (next_start, next_stop) = made.window(step), made.window(step + 1)
    assert start <= next_start
    assert stop <= next_stop


@given(step=st.integers(0, 10**6), **SIZES)
def test_a_window_is_never_empty_nor_larger_than_asked(tmp_path_factory, step, batch, reuse, span):
    start, stop = pool(tmp_path_factory.getbasetemp() / "none", batch=batch, reuse=reuse, span=span).window(
        step
    )
    assert 0 <= start < stop
    assert stop - start <= span


@given(steps=st.integers(1, 2000), batch=st.integers(1, 9), reuse=st.integers(1, 20))
def test_samples_are_made_as_fast_as_they_are_used_up(tmp_path_factory, steps, batch, reuse):
    """Each sample is drawn `reuse` times on average, beside the few that a run starts with."""
    made = pool(tmp_path_factory.getbasetemp() / "none", batch=batch, reuse=reuse)
    assert 0 <= made.window(steps)[1] - 2 * batch - steps * batch / reuse + 1 <= 1


@pytest.mark.slow
def test_every_sample_drawn_is_one_of_the_window(tmp_path):
    with pool(tmp_path, workers=2) as made:
        for step in range(12):
            start, stop = made.window(step)
            samples = made.draw(step, np.random.default_rng(step))
            assert len(samples) == 2
            assert all(start <= number_of(sample) < stop for sample in samples)


@pytest.mark.slow
def test_a_run_that_goes_on_draws_what_it_would_have_drawn_whoever_makes_it(tmp_path):
    with pool(tmp_path / "whole", workers=2) as made:
        whole = drawn(made, range(12))
    with pool(tmp_path / "broken") as made:
        drawn(made, range(9))
    with pool(tmp_path / "broken") as made:
        assert drawn(made, range(5, 12)) == whole[5:]


def test_samples_that_no_step_will_see_again_are_removed(tmp_path):
    with pool(tmp_path) as made:
        drawn(made, range(20))
        start, _ = made.window(19)
    left = {int(path.stem) for path in tmp_path.glob("*.pt")}
    assert start > 0
    assert not left & set(range(1, start))


@pytest.mark.slow
@pytest.mark.alone
def test_a_worker_that_dies_is_told_of(tmp_path):
    with (
        pool(tmp_path, dying_sample) as made,
        pytest.raises(
            VRestoreError, match=r"makes samples ended with 7 before sample .*start the command again"
        ),
    ):
        drawn(made, range(40))


@pytest.mark.slow
def test_a_picture_that_cannot_be_read_is_told_in_its_words(tmp_path):
    with (
        pool(tmp_path, unreadable_sample) as made,
        pytest.raises(InputError, match="cannot read the photograph"),
    ):
        drawn(made, range(40))


@pytest.mark.slow
@pytest.mark.alone
def test_no_worker_outlives_the_pool(tmp_path):
    with pool(tmp_path, workers=2) as made:
        drawn(made, [0])
        processes = made._processes
    assert not any(process.is_alive() for process in processes)
