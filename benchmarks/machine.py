"""On what and with what the figures were measured, and the files they go to."""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
from datetime import UTC, datetime
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import torch

from vrestore.diagnostics import examine

ROOT = Path(__file__).resolve().parents[1]
RESULTS = Path(__file__).resolve().parent / "results"
NOT_MEASURED = "not measured"

Values = dict[str, object]


def describe_machine() -> Values:
    """Return processor, memory, library versions, the commit, the date, and how busy the machine is."""
    found = examine()
    found["Machine"]["system"] = f"{platform.system()} {platform.machine()}"  # not its kernel's build
    facts: Values = {name.lower(): found[name] for name in ("Software", "Machine", "Devices")}
    facts["ffmpeg command"] = _first_line("ffmpeg", "-version")
    facts["commit"] = _first_line("git", "-C", str(ROOT), "describe", "--always", "--dirty")
    facts["date"] = datetime.now(UTC).isoformat(timespec="seconds")
    facts["load"] = list(os.getloadavg()) if hasattr(os, "getloadavg") else None
    return facts


def describe_device(device: torch.device) -> Values:
    """Return a CUDA device, its driver, and the versions that compile for it (None where CuPy is missing)."""
    properties = torch.cuda.get_device_properties(device)
    query = ["nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader", f"--id={device.index}"]
    cupy = import_module("cupy") if find_spec("cupy") else None
    return {
        "name": properties.name,
        "memory bytes": properties.total_memory,
        "compute capability": f"{properties.major}.{properties.minor}",
        "driver": _first_line(*query) or None,
        "CUDA of torch": torch.version.cuda,
        "CuPy": cupy and cupy.__version__,
        "NVRTC": cupy and ".".join(map(str, cupy.cuda.nvrtc.getVersion())),
    }


def write_not_measured(place: Path, *, benchmark: str, unavailable_reason: str, results: Values) -> bool:
    """Write that nothing could be measured, in results of the usual shape; tell whether that was done.

    What was measured before stays.
    """
    if place.exists() and json.loads(place.read_text(encoding="utf-8")).get("measured", True):
        return False
    values: Values = {
        "benchmark": benchmark,
        "measured": False,
        "why_not": unavailable_reason,
        "results": results,
    }
    _write(place, values)
    return True


def write_results(place: Path, *, benchmark: str, settings: Values, results: Values, machine: Values) -> None:
    """Write what was measured as JSON, with the settings and the machine it was measured on."""
    values: Values = {"benchmark": benchmark, "measured": True, "machine": machine}
    _write(place, values | {"settings": settings, "results": results})


def _write(place: Path, values: Values) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(json.dumps(values, indent=2) + "\n", encoding="utf-8")


def _first_line(*command: str) -> str | None:
    """Return the first line that a command prints, None where it is not there or fails."""
    program = shutil.which(command[0])
    if program is None:
        return None
    result = subprocess.run([program, *command[1:]], capture_output=True, text=True, check=False)
    return result.stdout.partition("\n")[0] if result.returncode == 0 else None
