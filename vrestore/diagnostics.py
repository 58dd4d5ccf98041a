"""What this machine and installation offer, and why something is not there."""

from __future__ import annotations

import importlib.metadata
import platform
from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from vrestore import __version__
from vrestore.device.devices import core_count, cuda_devices, cuda_unavailable_reason
from vrestore.device.memory import format_bytes, free_memory_bytes
from vrestore.errors import DeviceError

if TYPE_CHECKING:
    from vrestore.ops import Kernels

Facts = dict[str, str | int | float | bool | list[str] | None]

_PACKAGES = ("torch", "av", "opencv-python-headless", "numpy", "typer", "rich", "safetensors")
_CUPY_PACKAGES = ("cupy-cuda12x", "cupy-cuda13x", "cupy")
_CPU_FEATURES = ("avx2", "avx512f", "avx512_bf16", "amx_bf16", "amx_tile", "asimd", "bf16")
_ENCODERS = (
    *("libx264", "libx265", "libsvtav1", "libaom-av1", "libvpx-vp9", "libvpx"),
    *("ffv1", "prores_ks", "dnxhd", "mpeg4", "mpeg2video", "mjpeg", "huffyuv", "utvideo", "png", "rawvideo"),
)
_DECODERS = (
    *("h264", "hevc", "av1", "libdav1d", "vp9", "vp8", "ffv1", "prores", "dnxhd", "mpeg4", "mpeg2video"),
    *("mjpeg", "huffyuv", "utvideo", "vc1", "theora", "png", "rawvideo"),
)


def examine(*, kernels: Kernels = "auto") -> dict[str, Facts]:
    """Return facts by subject; a value is what is there, or a sentence that says why it is not.

    `kernels` are those asked for on CUDA devices; raises DeviceError where they cannot run.
    """
    return {
        "Software": _software(),
        "Machine": _machine(),
        "Devices": _devices(),
        "Codecs": _codecs(),
        "Kernels": _kernels(kernels),
        "Weights": _weights(),
    }


def _software() -> Facts:
    import av

    facts: Facts = {"vrestore": __version__, "Python": platform.python_version()}
    facts |= {name: _version(name) or "not installed" for name in _PACKAGES}
    libraries: Mapping[str, Sequence[int]] = av.library_versions
    facts["FFmpeg libavcodec"] = ".".join(map(str, libraries["libavcodec"]))
    return facts


def _machine() -> Facts:
    import torch

    total = _proc_field("meminfo", "MemTotal")
    return {
        "system": platform.platform(),
        "processor": _processor(),
        "cores": core_count(),
        "instructions": [name for name in _CPU_FEATURES if name in _cpu_flags()],
        "torch uses": torch.backends.cpu.get_cpu_capability(),
        "memory": "not known" if total is None else format_bytes(int(total.split()[0]) * 1024),
        "memory free": format_bytes(free_memory_bytes()),
    }


def _devices() -> Facts:
    names = cuda_devices()
    facts: Facts = {"cpu": "yes; all methods of this version run on it"}
    facts |= {f"cuda:{index}": name for index, name in enumerate(names)}
    return facts if names else facts | {"cuda": f"no: {cuda_unavailable_reason()}"}


def _codecs() -> Facts:
    return {
        "encoders": [name for name in _ENCODERS if _has_codec(name, "w")],
        "encoders missing": [name for name in _ENCODERS if not _has_codec(name, "w")],
        "decoders": [name for name in _DECODERS if _has_codec(name, "r")],
        "NVENC": _nvenc(),
        "NVDEC": _nvdec(),
    }


def _nvenc() -> str:
    from vrestore.media.encode.encoding import IN_SOFTWARE, encoder_unavailable_reason

    names = [name for name in IN_SOFTWARE if _has_codec(name, "w")]
    return _offer(names, encoder_unavailable_reason(names[0]) if names else "not compiled in")


def _nvdec() -> str:
    from vrestore.media.hardware import EXACT_CODECS, decoder_unavailable_reason

    return _offer(EXACT_CODECS, decoder_unavailable_reason())


def _offer(names: Sequence[str], unavailable_reason: str | None) -> str:
    words = ", ".join(names)
    return (
        f"yes: {words}"
        if unavailable_reason is None
        else f"no: {unavailable_reason}" + (f"; it would have {words}" if words else "")
    )


def _kernels(asked: Kernels) -> Facts:
    from vrestore.ops import select

    names = cuda_devices()
    if asked == "cupy" and not names:
        raise DeviceError(
            f"--kernels cupy was asked for, but {cuda_unavailable_reason()}; pass --kernels auto or torch"
        )
    shipped = sorted(path.name for path in files("vrestore.kernels").iterdir() if path.name.endswith(".cu"))
    cupy = next((f"{name} {_version(name)}" for name in _CUPY_PACKAGES if _version(name)), None)
    facts: Facts = {
        "CuPy": cupy
        or 'not installed; pip install "vrestore[cuda12]" or "vrestore[cuda13]" for CUDA kernels',
        "kernels": shipped,
    }
    for index, name in enumerate(names):
        chosen = select(f"cuda:{index}", asked=asked)
        facts[f"cuda:{index}"] = f"{chosen.name} on {name}: {chosen.why}"
    return facts if names else facts | {"cuda": f"torch serves: {cuda_unavailable_reason()}"}


def _weights() -> Facts:
    folder = files("vrestore.models") / "weights"
    names = [path.name for path in folder.iterdir()] if folder.is_dir() else []
    shipped = sorted(name for name in names if name.endswith(".safetensors"))
    return {"weights": shipped or "none in this version; no method needs any"}


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def _has_codec(name: str, mode: str) -> bool:
    import av

    try:
        av.codec.Codec(name, "w" if mode == "w" else "r")
    except av.codec.codec.UnknownCodecError:
        return False
    return True


def _cpu_flags() -> set[str]:
    """Return the processor's features by Linux's names, nothing on other systems."""
    return set((_proc_field("cpuinfo", "flags") or _proc_field("cpuinfo", "Features") or "").split())


def _processor() -> str:
    return _proc_field("cpuinfo", "model name") or platform.processor() or platform.machine()


def _proc_field(file: str, name: str) -> str | None:
    try:
        lines = Path("/proc", file).read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return None
    pairs = (line.partition(":") for line in lines)
    return next((value.strip() for key, _, value in pairs if key.strip() == name), None)
