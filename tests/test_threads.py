"""Values that are still on their way, and how many threads a call may use."""

from concurrent.futures import ThreadPoolExecutor

import cv2
import pytest
import torch

from vrestore.threads import Arrived, Awaited, one_thread_each, one_thread_here, one_torch_thread


def test_a_value_is_given_however_it_comes():
    with ThreadPoolExecutor(1) as executor:
        pending = [Arrived(3), Awaited(lambda: 3), executor.submit(lambda: 3)]
        assert [each.result() for each in pending] == [3, 3, 3]


def test_a_value_can_be_asked_for_again():
    calls = []
    pending = Awaited(lambda: calls.append(1) or len(calls))
    assert [pending.result(), pending.result()] == [1, 2]


@pytest.fixture
def threads():
    """Two for both libraries, whatever they had before."""
    before = torch.get_num_threads(), cv2.getNumThreads()
    torch.set_num_threads(2)
    cv2.setNumThreads(2)
    yield
    torch.set_num_threads(before[0])
    cv2.setNumThreads(before[1])


@pytest.mark.usefixtures("threads")
def test_each_call_has_one_thread_and_afterwards_as_many_as_before():
    with one_thread_each():
        assert (torch.get_num_threads(), cv2.getNumThreads()) == (1, 1)
    assert (torch.get_num_threads(), cv2.getNumThreads()) == (2, 2)


@pytest.mark.usefixtures("threads")
def test_an_error_gives_the_threads_back():
    with pytest.raises(ValueError, match="odd"), one_torch_thread():
        raise ValueError("odd")
    assert torch.get_num_threads() == 2


@pytest.mark.usefixtures("threads")
def test_a_thread_can_be_bounded_by_itself():
    with ThreadPoolExecutor(1, initializer=one_thread_here) as executor:
        assert executor.submit(torch.get_num_threads).result() == 1
