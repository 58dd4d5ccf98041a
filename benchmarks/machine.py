"""On what and with what the figures were measured, and the files they go to."""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path

from vrestore.jobs.checkup import examine

ROOT = Path(__file__).resolve().parents[1]
RESULTS = Path(__file__).resolve().parent / "results"

Values = dict[str, object]


def describe_machine() -> Values:
    """Give processor, memory, library versions, the commit, the date, and how busy the machine is."""
    found = examine()
    found["Machine"]["system"] = f"{platform.system()} {platform.machine()}"  # not its kernel's build
    facts: Values = {name.lower(): found[name] for name in ("Software", "Machine", "Devices")}
    facts["ffmpeg command"] = _first_line("ffmpeg", "-version")
    facts["commit"] = _first_line("git", "-C", str(ROOT), "describe", "--always", "--dirty")
    facts["date"] = datetime.now(UTC).isoformat(timespec="seconds")
    facts["load"] = list(os.getloadavg()) if hasattr(os, "getloadavg") else None
    return facts


def write_results(place: Path, *, benchmark: str, settings: Values, results: Values, machine: Values) -> None:
    """Write what was measured as JSON, with the settings and the machine it was measured on."""
    values = {"benchmark": benchmark, "machine": machine, "settings": settings, "results": results}
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(json.dumps(values, indent=2) + "\n", encoding="utf-8")


def _first_line(*command: str) -> str | None:
    """Give the first line that a command prints, None where it is not there or fails."""
    program = shutil.which(command[0])
    if program is None:
        return None
    result = subprocess.run([program, *command[1:]], capture_output=True, text=True, check=False)
    return result.stdout.partition("\n")[0] if result.returncode == 0 else None
