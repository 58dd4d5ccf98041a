"""An ONNX file opened by ONNX Runtime, which is loaded only where there is one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from vrestore.errors import ModelError, UsageError
from vrestore.methods.inpaint.settings import PainterSettings

KNOWN = "lama_fp32.onnx or migan_pipeline_v2.onnx"
"""Files that are painters, by the names that people find them under."""

_SUFFIX, _CUDA = ".onnx", "CUDAExecutionProvider"
_PROGRAMS = b"PK\x03\x04", b"\x80"
"""How TorchScript and checkpoints (zip), and pickles begin."""


def bytes_of(file: str) -> bytes:
    """Return what a file holds, unless it is not there or is a program."""
    path = Path(file)
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ModelError(f"the painter {file!r} cannot be read ({error.strerror})") from error
    if content.startswith(_PROGRAMS):
        raise ModelError(
            f"{file!r} is a TorchScript file, a checkpoint or a pickle: such a file is a program and is not "
            f"run; pass an {_SUFFIX} file with --painter, such as {KNOWN}"
        )
    if path.suffix.lower() != _SUFFIX:
        raise ModelError(f"a painter is an {_SUFFIX} file, such as {KNOWN}, got {file!r}")
    return content


def runtime() -> Any:  # noqa: ANN401 - ONNX Runtime has no types
    """Return ONNX Runtime; raises UsageError where it is not installed."""
    try:
        import onnxruntime
    except ImportError as error:
        raise UsageError("--painter needs ONNX Runtime; pip install 'vrestore[onnx]'") from error
    onnxruntime.disable_telemetry_events()
    return onnxruntime


def served_device(device: str) -> str:
    """Return where ONNX Runtime works if it is asked to on a device: there, or on the CPU if it cannot."""
    is_served = device.startswith("cuda") and _CUDA in runtime().get_available_providers()
    return device if is_served else "cpu"


def open_session(settings: PainterSettings, content: bytes) -> Any:  # noqa: ANN401
    """Open the network as ONNX Runtime runs it: on the CUDA device if it can, else on the CPU."""
    onnxruntime = runtime()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = settings.threads, 1
    # Between two keys may lie minutes: threads that wait by spinning would take cores from all other work.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    # Weights beside the file would be looked for in the current folder, and no hash would know them. There is
    # no folder of the file's name.
    options.add_session_config_entry("session.model_external_initializers_file_folder_path", settings.file)
    options.use_deterministic_compute = True
    options.log_severity_level = 4  # what is wrong is said by the error
    providers: list[Any] = ["CPUExecutionProvider"]
    kind, _, number = served_device(settings.device).partition(":")
    if kind == "cuda":
        # Searched anew, the ways of computing a convolution would differ from run to run.
        cuda = {"device_id": int(number or 0), "cudnn_conv_algo_search": "DEFAULT"}
        providers.insert(0, (_CUDA, cuda))
    try:
        return onnxruntime.InferenceSession(content, options, providers=providers)
    except Exception as error:  # its errors have no common base
        raise ModelError(
            f"ONNX Runtime cannot open the painter {settings.file!r} ({reason_of(error)}); "
            f"pass one whole {_SUFFIX} file, such as {KNOWN}"
        ) from error


def reason_of(error: Exception) -> str:
    """Return the first line of what ONNX Runtime says, without its code in front."""
    lines = str(error).splitlines() or [type(error).__name__]
    return lines[0].rpartition(" : ")[2].strip() or type(error).__name__
