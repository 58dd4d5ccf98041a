"""The installed command, run as a user runs it, with what it cost."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

_LAUNCHER = """
import json, os, sys, time
began = time.perf_counter()
to_stderr = [(os.POSIX_SPAWN_DUP2, 2, 1)]
child = os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ, file_actions=to_stderr)
_, status, usage = os.wait4(child, 0)
seconds = time.perf_counter() - began
cpu_seconds = usage.ru_utime + usage.ru_stime
print(json.dumps([os.waitstatus_to_exitcode(status), seconds, cpu_seconds, usage.ru_maxrss]))
"""
# Linux starts a process's ru_maxrss with the memory of the one it was started from, so that is a small one.

_RSS_UNIT = 1 if sys.platform == "darwin" else 1024
_LAST_WORDS = 500


@dataclass(frozen=True)
class Run:
    """One run of a command. `cpu_seconds` and `peak_bytes` are of it and all that it started."""

    exit_code: int
    seconds: float
    cpu_seconds: float
    peak_bytes: int
    said: str


class CommandFailed(Exception):
    """A command that is measured did not do its work."""


def run(*words: str | Path, accepted: int = 0) -> Run:
    """Run a command to its end; raises CommandFailed for an exit code other than 0 and `accepted`."""
    line = [str(word) for word in words]
    launched = subprocess.run(
        [sys.executable, "-I", "-S", "-c", _LAUNCHER, *line], capture_output=True, text=True, check=False
    )
    if launched.returncode:
        raise CommandFailed(f"{line[0]} could not be started: {launched.stderr.strip()[-_LAST_WORDS:]}")
    exit_code, seconds, cpu_seconds, peak = json.loads(launched.stdout)
    said = launched.stderr.strip()
    if exit_code not in {0, accepted}:
        raise CommandFailed(f"exit code {exit_code} of {' '.join(line)}: {said[-_LAST_WORDS:]}")
    return Run(exit_code, seconds, cpu_seconds, peak * _RSS_UNIT, said)


def installed(name: str) -> str:
    """Return the path of a program: beside this Python, or else the first on the search path."""
    found = shutil.which(name, path=str(Path(sys.executable).parent)) or shutil.which(name)
    if found is None:
        raise CommandFailed(f"{name} is not installed")
    return found


@dataclass(frozen=True)
class Account:
    """What the command's own report says of a run; `device_memory_bytes` is None where no device worked."""

    frames: int
    repaired_frames: int
    hole_pixels: int
    seconds: float
    stage_seconds: dict[str, float]
    plan: dict[str, int | str]
    device_memory_bytes: int | None = None


def inpaint(source: Path, target: Path, *words: str | Path, accepted: int = 0) -> tuple[Run, Account | None]:
    """Run `vrestore inpaint`; there is no account of a run that ended with the exit code `accepted`."""
    return restore("inpaint", source, target, *words, accepted=accepted)


def restore(
    name: Literal["inpaint", "dehaze"], source: Path, target: Path, *words: str | Path, accepted: int = 0
) -> tuple[Run, Account | None]:
    """Run `vrestore` with a command; there is no account of a run that ended with `accepted`."""
    place = target.with_suffix(".json")
    command = installed("vrestore"), name, source, "-o", target, "-y"
    ran = run(*command, "--report", place, "--progress", "none", *words, accepted=accepted)
    if ran.exit_code:
        return ran, None
    report = json.loads(place.read_text(encoding="utf-8"))
    return ran, Account(
        frames=report["frames"],
        repaired_frames=report["repaired_frames"],
        hole_pixels=sum(report["origins"].values()),
        seconds=report["seconds"],
        stage_seconds=report["stage_seconds"],
        plan=report["plan"],
        device_memory_bytes=report.get("device_memory_bytes"),
    )


def parts_of(known: Iterable[str]) -> Callable[[str], list[str]]:
    """Return what reads names of parts for argparse, which tells of a ValueError."""

    def parts(text: str) -> list[str]:
        names = text.split(",")
        if not set(names) <= set(known):
            raise ValueError(f"parts are {', '.join(known)}, got {text!r}")
        return names

    return parts
