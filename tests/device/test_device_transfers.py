"""Copies to a device and back, and that the device these tests pretend refuses what a device refuses."""

import pytest
import torch
from pretend import DEVICE, METER, pretended

from vrestore.device.fallback import normalize_oom
from vrestore.device.transfers import Transfers

NUMBERS = torch.arange(6.0).view(2, 3)


def test_a_tensor_comes_back_as_it_went():
    with pretended():
        transfers = Transfers(DEVICE)
        there = transfers.up(NUMBERS)
        assert there.device == DEVICE
        back = transfers.down(there * 2).result()
    assert back.device.type == "cpu"
    assert torch.equal(back, NUMBERS * 2)


def test_on_the_processor_nothing_is_copied():
    transfers = Transfers(torch.device("cpu"))
    assert transfers.up(NUMBERS).data_ptr() == NUMBERS.data_ptr()
    assert transfers.down(NUMBERS).result().data_ptr() == NUMBERS.data_ptr()


@pytest.mark.gpu
def test_a_tensor_comes_back_from_a_real_device():
    transfers = Transfers(torch.device("cuda", torch.cuda.current_device()))
    waits = [transfers.down(transfers.up(NUMBERS + step) * 2) for step in range(50)]
    for step, wait in enumerate(waits):
        assert torch.equal(wait.result(), (NUMBERS + step) * 2)


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


def test_the_pretended_device_counts_its_memory():
    with pretended():
        METER.start()
        before = METER.live
        there = NUMBERS.to(DEVICE)
        both = torch.cat([there.view(-1), there.view(-1)[:1]])
        assert METER.live - before == 2 * METER.BLOCK
        del there, both
        assert METER.live == before
        assert METER.peak >= before + 2 * METER.BLOCK


def test_the_pretended_device_refuses_the_processors_tensors():
    with pretended():
        there = NUMBERS.to(DEVICE)
        with pytest.raises(RuntimeError, match="is given tensors of cuda:0 and of cpu"):
            there + NUMBERS
        with pytest.raises(RuntimeError, match="numpy"):
            there.numpy()
        assert (there + 1).sum().item() == 21
        assert there.new_zeros(2).device == torch.full((1,), 2.0, device=DEVICE).device == DEVICE


def test_the_pretended_device_runs_out_of_memory():
    with pretended(max_bytes=24):
        there = NUMBERS.to(DEVICE)
        with pytest.raises(torch.OutOfMemoryError):
            torch.cat([there, there])
