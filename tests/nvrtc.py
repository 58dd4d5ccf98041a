"""CUDA's run-time compiler without a device: the few of its functions that compile a text."""

import ctypes
import functools
from importlib.metadata import PackageNotFoundError, files

PACKAGE = "nvidia-cuda-nvrtc"
"""CUDA 13's; that of CUDA 12 cannot make errors of warnings."""


def unavailable_reason():
    """Say why nothing can be compiled, None if it can."""
    return None if _library() else f"{PACKAGE} is not installed"


def compile_for(architecture, text):
    """Compile to the machine code of an architecture such as sm_90; returns its size, raises with the log."""
    library, program = _library(), ctypes.c_void_p()
    words = (f"--gpu-architecture={architecture}", "--std=c++17", "--warning-as-error=all-warnings")
    options = [word.encode() for word in words]
    _check(library.nvrtcCreateProgram(ctypes.byref(program), text.encode(), b"kernel.cu", 0, None, None))
    try:
        given = (ctypes.c_char_p * len(options))(*options)
        failed = library.nvrtcCompileProgram(program, len(options), given)
        size = ctypes.c_size_t()
        _check(library.nvrtcGetProgramLogSize(program, ctypes.byref(size)))
        log = ctypes.create_string_buffer(size.value)
        _check(library.nvrtcGetProgramLog(program, log))
        assert not failed, log.value.decode()
        _check(library.nvrtcGetCUBINSize(program, ctypes.byref(size)))
        return size.value
    finally:
        library.nvrtcDestroyProgram(ctypes.byref(program))


@functools.cache
def _library():
    try:
        listed = files(PACKAGE) or []
    except PackageNotFoundError:
        return None
    names = ("libnvrtc.so", "nvrtc64")
    found = [path for path in listed if path.name.startswith(names) and ".alt." not in path.name]
    return ctypes.CDLL(str(found[0].locate())) if found else None


def _check(code):
    assert code == 0, f"NVRTC's error {code}"
