"""What the machine has, and sizes as people write them."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from vrestore.device import devices as device
from vrestore.device import memory
from vrestore.errors import DeviceError, UsageError


@pytest.mark.parametrize("asked", ["auto", "cpu"])
def test_without_a_wish_the_cpu_works(asked):
    assert device.choose_device(asked) == "cpu"


def test_the_device_that_is_asked_for_works(monkeypatch):
    monkeypatch.setattr(device, "cuda_devices", lambda: ["A", "B"])
    assert device.choose_device("cuda:1,cuda:0") == "cuda:1,cuda:0"
    assert device.choose_device("cuda,cuda:1") == "cuda:0,cuda:1"
    assert [device.device_number(each) for each in ("cuda:1,cuda:0", "cuda:3", "cpu")] == [1, 3, None]
    assert device.choose_device("cuda") == "cuda:0"
    assert device.choose_device("cuda:1") == "cuda:1"


@pytest.mark.parametrize(("capability", "precision"), [((9, 0), "bf16"), ((8, 0), "bf16"), ((7, 5), "fp32")])
def test_a_device_multiplies_bf16_or_it_does_not(monkeypatch, capability, precision):
    monkeypatch.setattr(device, "cuda_capability", lambda index: {1: capability}[index])
    assert device.network_precision("cuda:1") == precision


@pytest.mark.parametrize(
    "asked", ["tpu", "cuda:", "cuda:x", "CPU", "", "cuda:0:1", "gpu cuda", "cuda:0,", "cuda:0,cpu"]
)
def test_other_devices_are_unknown_words(asked):
    with pytest.raises(UsageError, match="--device is auto, cpu, cuda or cuda:0"):
        device.choose_device(asked)


def test_a_device_is_named_once():
    with pytest.raises(UsageError, match="names each device once, got 'cuda,cuda:0'"):
        device.choose_device("cuda,cuda:0")


@pytest.mark.parametrize(
    ("asked", "there", "message"),
    [
        ("cuda", [], "cuda was asked for, but a reason; pass --device auto or cpu"),
        ("cuda:2", ["A", "B"], "cuda:2 was asked for, but only 2 are here; pass"),
        ("cuda:0,cuda:2", ["A", "B"], "cuda:0,cuda:2 was asked for, but only 2 are here; pass"),
    ],
)
def test_a_cuda_device_is_never_replaced_without_a_word(monkeypatch, asked, there, message):
    monkeypatch.setattr(device, "cuda_devices", lambda: there)
    monkeypatch.setattr(device, "cuda_unavailable_reason", lambda: "a reason")
    with pytest.raises(DeviceError, match=message):
        device.choose_device(asked)


def test_without_cuda_there_are_no_devices_and_a_reason(monkeypatch):
    import torch

    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert device.cuda_devices() == []
    monkeypatch.setattr(torch.version, "cuda", None)
    assert "built without CUDA" in device.cuda_unavailable_reason()
    monkeypatch.setattr(torch.version, "cuda", "13.0")
    assert device.cuda_unavailable_reason() == "no CUDA device or driver is found"


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("4096", 4096),
        ("1k", 1000),
        ("4GiB", 4 * 2**30),
        ("4gib", 4 * 2**30),
        ("800MB", 800 * 10**6),
        ("1.5G", 1_500_000_000),
        (" 2 TiB ", 2 * 2**40),
        ("512 MiB", 512 * 2**20),
        ("100b", 100),
    ],
)
def test_sizes_are_read_as_people_write_them(text, count):
    assert memory.parse_bytes(text) == count


@pytest.mark.parametrize("text", ["", "GiB", "-4GiB", "4 apples", "0", "1.2.3G", ".", "4GiBs", "nan"])
def test_what_is_no_size_is_refused(text):
    with pytest.raises(UsageError, match="memory is a size such as 4GiB or 800MB, got"):
        memory.parse_bytes(text)


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 B"),
        (1023, "1023 B"),
        (1024, "1 KiB"),
        (3 * 2**20, "3 MiB"),
        (1.5 * 2**30, "1.50 GiB"),
        (2**42, "4096.00 GiB"),
    ],
)
def test_sizes_are_written_as_people_read_them(count, text):
    assert memory.format_bytes(count) == text


def test_the_process_has_cores_and_memory():
    assert 1 <= device.core_count() <= os.cpu_count()
    assert 2**20 < memory.peak_memory_bytes() < 2**45
    assert 0 <= memory.free_memory_bytes() < 2**50


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="only Linux counts it so")
@pytest.mark.alone
def test_the_peak_is_this_process_own_not_its_starters():
    held = bytearray(2**28)
    code = "from vrestore.device.memory import peak_memory_bytes; print(peak_memory_bytes())"
    peak = int(subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout)
    assert peak < len(held)


@pytest.mark.parametrize(
    ("limit", "usage", "free"),
    [("3000", "1000", 2000), ("1000", "3000", 0), ("max", "1000", 9000), ("99999", "0", 9000)],
    ids=["limited", "exceeded", "unlimited", "wide"],
)
def test_a_containers_limit_counts(monkeypatch, tmp_path, limit, usage, free):
    (tmp_path / "max").write_text(f"{limit}\n")
    (tmp_path / "current").write_text(f"{usage}\n")
    places = (str(tmp_path / "max"), str(tmp_path / "current")), ("/no/such/file", "/nor/this")
    monkeypatch.setattr(memory, "_CGROUP_FILES", places)
    monkeypatch.setattr(memory, "available_bytes", lambda: 9000)
    assert memory.free_memory_bytes() == free
