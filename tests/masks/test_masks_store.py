import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vrestore.errors import MaskError
from vrestore.masks import store as mask_store
from vrestore.masks.store import EMPTY, MaskStore


@given(st.integers(0, 2**32), st.integers(1, 23), st.integers(1, 31), st.floats(0, 1))
def test_a_mask_comes_back_as_it_was(seed, height, width, share):
    mask = np.random.default_rng(seed).random((height, width)) < share
    with_store = MaskStore(height=height, width=width)
    assert (with_store.mask(with_store.add(mask)) == mask).all()
    with_store.close()


def test_equal_masks_are_kept_once_and_moved_ones_are_not_equal():
    store = MaskStore(height=9, width=11)
    mask = np.zeros((9, 11), bool)
    mask[2:4, 3:6] = True
    first = store.add(mask)
    moved = store.add(np.roll(mask, 1, axis=1))
    assert store.add(mask.copy()) == first != moved
    assert (store.mask(moved) == np.roll(mask, 1, axis=1)).all()


def test_nothing_marked_is_the_empty_mask():
    store = MaskStore(height=9, width=11)
    assert store.add(np.zeros((9, 11), bool)) == store.add(None) == EMPTY
    assert not store.mask(EMPTY).any()


def test_masks_may_be_added_after_one_was_asked_for():
    store = MaskStore(height=9, width=11)
    masks = [np.eye(9, 11, shift, dtype=bool) for shift in range(4)]
    numbers = [store.add(mask) for mask in masks[:3]]
    store.mask(numbers[0])
    numbers.append(store.add(masks[3]))
    assert all((store.mask(number) == mask).all() for number, mask in zip(numbers, masks, strict=True))


def test_past_the_memory_bound_masks_lie_on_disk(monkeypatch, tmp_path):
    monkeypatch.setattr(mask_store, "_MEMORY_BYTES", 1000)
    random = np.random.default_rng(0)
    masks = [random.random((40, 50)) < 0.5 for _ in range(20)]
    store = MaskStore(height=40, width=50)
    numbers = [store.add(mask) for mask in masks]
    assert all((store.mask(number) == mask).all() for number, mask in zip(numbers, masks, strict=True))
    store.close()


def test_a_full_disk_is_told(monkeypatch):
    class Full:
        def seek(self, offset):
            return offset

        def write(self, data):
            raise OSError(28, "No space left on device")

        def close(self):
            pass

    monkeypatch.setattr(mask_store.tempfile, "SpooledTemporaryFile", lambda max_size: Full())
    store = MaskStore(height=3, width=3)
    with pytest.raises(MaskError, match="No space left on device; free some space or set TMPDIR"):
        store.add(np.ones((3, 3), bool))
