"""A device that is not there: its tensors lie in the CPU's memory and refuse to meet the CPU's own.

What runs on CUDA is tested with it where there is none: the arithmetic is the CPU's, and whatever a device
would refuse is refused, a tensor of the CPU among its own, and `numpy` of what was not copied back.

    with pretended():
        result = work(tensor.to(DEVICE))
"""

import contextlib
import ctypes
import functools
import shutil
import subprocess
import tempfile
import threading
import weakref
from collections import Counter
from pathlib import Path
from types import SimpleNamespace
from unittest import mock

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map_only

DEVICE = torch.device("cuda", 0)
FREE_BYTES = 8 * 2**30
"""Of it, as torch would say; of this memory a run may take the last of FRACTIONS."""
FRACTIONS = []

_GUARD = """
#include <c10/core/impl/DeviceGuardImplInterface.h>
namespace {
using Guard = c10::impl::NoOpDeviceGuardImpl<c10::DeviceType::CUDA>;
C10_REGISTER_GUARD_IMPL(CUDA, Guard);
}
"""
_COPIES = {torch.ops.aten.copy_.default, torch.ops.aten._to_copy.default}


class Meter:
    """Counts the memory behind the device's tensors, in whole blocks as torch's pool takes it.

    It counts from its start to the end of the pretence.
    """

    BLOCK = 512

    def __init__(self):
        self._lock = threading.RLock()
        self._seen, self._uses = set(), Counter()
        self.live = self.peak = 0
        self.is_on = False

    def start(self):
        """Count from now on."""
        self.is_on, self.peak = True, self.live

    def saw(self, tensor):
        """Count the memory of a tensor until the last tensor on it is gone."""
        if not self.is_on:
            return
        storage = tensor.untyped_storage()
        address, size = storage.data_ptr(), -(-storage.nbytes() // self.BLOCK) * self.BLOCK
        with self._lock:
            if not address or id(tensor) in self._seen:
                return
            self._seen.add(id(tensor))
            if not self._uses[address]:
                self.live += size
                self.peak = max(self.peak, self.live)
            self._uses[address] += 1
        weakref.finalize(tensor, self._gone, id(tensor), address, size)

    def _gone(self, number, address, size):
        with self._lock:
            self._seen.discard(number)
            self._uses[address] -= 1
            if not self._uses[address]:
                del self._uses[address]
                self.live -= size


METER = Meter()


class OnDevice(torch.Tensor):
    """A tensor of the device; `inner` is the memory behind it."""

    @staticmethod
    def __new__(cls, inner):
        return torch.Tensor._make_wrapper_subclass(
            cls,
            inner.size(),
            strides=inner.stride(),
            storage_offset=inner.storage_offset(),
            dtype=inner.dtype,
            device=DEVICE,
            requires_grad=False,
        )

    def __init__(self, inner):
        self.inner = inner
        METER.saw(inner)

    def __repr__(self):
        return f"OnDevice({self.inner!r})"

    def tolist(self):
        """Copy back, as torch does for a device of its own."""
        return self.inner.tolist()

    @classmethod
    def __torch_dispatch__(cls, operation, types, args=(), kwargs=None):
        return _carried_out(operation, args, kwargs or {})


class _Mode(TorchDispatchMode):
    def __init__(self, max_bytes):
        super().__init__()
        self.max_bytes = max_bytes

    def __torch_dispatch__(self, operation, types, args=(), kwargs=None):
        result = _carried_out(operation, args, kwargs or {})
        if self.max_bytes is not None:
            for each in tree_leaves(result):
                if isinstance(each, OnDevice) and each.inner.nbytes > self.max_bytes:
                    raise torch.OutOfMemoryError(f"{each.inner.nbytes} bytes on {DEVICE}")
        return result


@contextlib.contextmanager
def pretended(*, max_bytes=None):
    """Let the device be there; a tensor of more than `max_bytes` runs it out of memory."""
    _link_guard()
    torch._C._set_only_lift_cpu_tensors(True)  # noqa: FBT003 - torch's own
    torch.__future__.set_overwrite_module_params_on_conversion(True)
    try:
        with contextlib.ExitStack() as patched:
            for name, stand_in in _STAND_INS.items():
                patched.enter_context(mock.patch(name, stand_in))
            patched.enter_context(_Mode(max_bytes))
            yield
    finally:
        METER.is_on = False
        torch._C._set_only_lift_cpu_tensors(False)  # noqa: FBT003
        torch.__future__.set_overwrite_module_params_on_conversion(False)


class _Stream:
    """Everything is done at once, so there is nothing to wait for."""

    def __init__(self, device=None):
        self.device = device

    def wait_stream(self, other):
        assert self.device == other.device

    def record_event(self):
        return self

    def synchronize(self):
        pass


_STAND_INS = {
    "torch.cuda._lazy_init": lambda: None,
    "torch.cuda.Stream": _Stream,
    "torch.cuda.current_stream": _Stream,
    "torch.cuda.stream": lambda stream: contextlib.nullcontext(stream),
    "torch.cuda.is_available": lambda: True,
    "torch.cuda.device_count": lambda: 2,
    "torch.cuda.get_device_name": lambda device=None: "a pretended device",
    "torch.cuda.get_device_properties": lambda device=None: SimpleNamespace(total_memory=FREE_BYTES),
    "torch.cuda.mem_get_info": lambda device=None: (FREE_BYTES, FREE_BYTES),
    "torch.cuda.memory_reserved": lambda device=None: 0,
    "torch.cuda.max_memory_reserved": lambda device=None: METER.peak,
    "torch.cuda.set_per_process_memory_fraction": lambda fraction, device=None: FRACTIONS.append(fraction),
    "torch.cuda.reset_peak_memory_stats": lambda device=None: METER.start(),
    "torch.cuda.is_bf16_supported": lambda *_: True,
    "torch.inference_mode": torch.no_grad,
    "torch.cuda.get_device_capability": lambda index=None: (9, 0),
    "vrestore.kernels.runtime.unavailable_reason": lambda device: "it is only pretended",
    "torch.Tensor.pin_memory": lambda tensor: tensor,
    "torch.Tensor.record_stream": lambda tensor, stream: None,
}


@functools.cache
def _link_guard():
    """Return torch a guard for the device that does nothing: a build without CUDA has none."""
    if torch.version.cuda is not None:
        return
    home = Path(torch.__file__).parent
    folder = Path(tempfile.mkdtemp(prefix="vrestore-guard-"))
    try:
        source, library = folder / "guard.cpp", folder / "guard.so"
        source.write_text(_GUARD, encoding="utf-8")
        paths = [f"-I{home / 'include'}", f"-L{home / 'lib'}"]
        words = [
            "g++",
            "-std=c++20",
            "-O1",
            "-shared",
            "-fPIC",
            str(source),
            *paths,
            "-lc10",
            "-o",
            str(library),
        ]
        subprocess.run(words, check=True)
        ctypes.CDLL(str(library))
    finally:
        shutil.rmtree(folder)


def _carried_out(operation, args, kwargs):
    tensors = [each for each in tree_leaves((args, kwargs)) if isinstance(each, torch.Tensor)]
    ours = [each for each in tensors if isinstance(each, OnDevice)]
    asked = kwargs.get("device")
    kwargs = {name: value for name, value in kwargs.items() if name != "pin_memory"}
    if asked is not None and torch.device(asked).type == DEVICE.type:
        kwargs = {**kwargs, "device": torch.device("cpu")}
    is_copy = operation in _COPIES
    if ours and not is_copy:
        strangers = [each for each in tensors if not isinstance(each, OnDevice) and each.dim()]
        if strangers:
            raise RuntimeError(f"{operation} is given tensors of {DEVICE} and of {strangers[0].device}")
    args, kwargs = tree_map_only(OnDevice, lambda each: each.inner, (args, kwargs))
    result = operation(*args, **kwargs)
    if operation is torch.ops.aten.copy_.default:
        return tensors[0]
    if asked is not None:
        is_ours = torch.device(asked).type == DEVICE.type
        result = result.clone() if is_copy and result is args[0] else result
    else:
        is_ours = bool(ours)
    if not is_ours:
        return result
    known = {id(each.inner): each for each in ours}
    return tree_map_only(
        torch.Tensor, lambda each: known[id(each)] if id(each) in known else OnDevice(each), result
    )
