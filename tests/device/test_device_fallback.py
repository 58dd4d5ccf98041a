"""What a device has no memory for is done on the CPU, and what falls is counted."""

import pytest
import torch
from pretend import DEVICE, pretended

from vrestore.device.fallback import DeviceFallback, normalize_oom

NUMBERS = torch.arange(6.0)


def doubled(numbers):
    return 2 * numbers


def failing_on_device(numbers):
    if numbers.device == DEVICE:
        raise torch.OutOfMemoryError("injected")
    return 2 * numbers


def test_work_is_done_where_its_values_are():
    with pretended():
        assert DeviceFallback(DEVICE).run(doubled, NUMBERS.to(DEVICE)).device == DEVICE
        assert DeviceFallback(DEVICE).run(doubled, NUMBERS).device.type == "cpu"


def test_without_memory_the_values_go_to_the_cpu():
    with pretended():
        found = DeviceFallback(DEVICE).run(failing_on_device, NUMBERS.to(DEVICE))
    assert torch.equal(found, 2 * NUMBERS)


def test_a_device_can_stand_for_where_work_is_done():
    seen = []

    def work(device):
        seen.append(device.type)
        return failing_on_device(NUMBERS.to(device))

    with pretended():
        assert torch.equal(DeviceFallback(DEVICE).run(work, DEVICE), 2 * NUMBERS)
    assert seen == ["cuda", "cpu"]


def test_that_a_frame_fell_is_told_once():
    with pretended():
        fallback, there = DeviceFallback(DEVICE), NUMBERS.to(DEVICE)
        fallback.run(failing_on_device, there, frame=3)
        fallback.run(failing_on_device, there)
        fallback.run(doubled, there, frame=4)
    assert [fallback.has_fallen(frame) for frame in (3, 3, 4)] == [True, False, False]


def test_other_errors_are_not_caught():
    def work(numbers):
        raise ValueError("odd")

    with pretended(), pytest.raises(ValueError, match="odd"):
        DeviceFallback(DEVICE).run(work, NUMBERS.to(DEVICE))


def test_on_the_cpu_there_is_nothing_to_fall_back_to():
    calls = []

    def work(numbers):
        calls.append(numbers)
        raise torch.OutOfMemoryError("injected")

    with pytest.raises(torch.OutOfMemoryError):
        DeviceFallback().run(work, NUMBERS)
    assert len(calls) == 1


@pytest.mark.parametrize(
    "words",
    ["cuDNN error: CUDNN_STATUS_ALLOC_FAILED", "CUDA error: out of memory"],
)
def test_whoever_lacks_memory_it_is_one_error(words):
    with pytest.raises(torch.OutOfMemoryError, match=words), normalize_oom():
        raise RuntimeError(words)


@pytest.mark.parametrize("error", [RuntimeError("CUDA error: unspecified launch failure"), ValueError("x")])
def test_other_errors_stay_what_they_are(error):
    with pytest.raises(type(error)) as caught, normalize_oom():
        raise error
    assert caught.value is error
