"""Copies to a device and back, and that the device these tests pretend refuses what a device refuses."""

from dataclasses import dataclass

import pytest
import torch
from pretend import DEVICE, METER, pretended

from vrestore.device.transfers import CPU, Transfers, moved

NUMBERS = torch.arange(6.0).view(2, 3)


@dataclass(frozen=True)
class Inner:
    numbers: torch.Tensor
    name: str


@dataclass(frozen=True, slots=True)
class Outer:
    inner: Inner
    several: tuple[torch.Tensor | None, ...]
    by_name: dict[str, list[torch.Tensor]]
    device: torch.device


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


def test_whatever_holds_tensors_is_moved_with_all_of_them():
    with pretended():
        there = NUMBERS.to(DEVICE)
        outer = Outer(Inner(there, "a"), (there, None), {"more": [there, NUMBERS]}, DEVICE)
        here = moved(outer, CPU)
    assert here.inner.name == "a"
    assert here.device == CPU
    assert here.several[1] is None
    for each in (here.inner.numbers, here.several[0], *here.by_name["more"]):
        assert torch.equal(each, NUMBERS)


@pytest.mark.parametrize(
    "value", [NUMBERS, Inner(NUMBERS, "a"), (Inner(NUMBERS, "a"), 3), {"a": [NUMBERS]}, "words", None]
)
def test_what_is_there_already_stays_itself(value):
    assert moved(value, CPU) is value


@pytest.mark.gpu
def test_a_tensor_comes_back_from_a_real_device():
    transfers = Transfers(torch.device("cuda", torch.cuda.current_device()))
    waits = [transfers.down(transfers.up(NUMBERS + step) * 2) for step in range(50)]
    for step, wait in enumerate(waits):
        assert torch.equal(wait.result(), (NUMBERS + step) * 2)


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
