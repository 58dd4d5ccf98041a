"""Whether two versions of the program give the same results, bit for bit.

    python -m benchmarks.output_hashes make --checkout DIR --out hashes.json [--model FILE]
    python -m benchmarks.output_hashes compare A.json B.json

`make` runs the command line of a checkout on drawn clips, and notes hashes of all pictures it writes and when
they are shown, of all packets of sound, and what the reports say but for times, memory and version. The
network is tried with the weights of FILE, which both versions are to be given. `compare` names what differs
and ends with exit code 1 if anything does. Both are to be made on one machine with the same libraries.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import av
import numpy as np
from av.audio.stream import AudioStream
from av.packet import Packet
from av.stream import Stream
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from benchmarks.output_cases import CASES, Case, draw_inputs

Values = dict[str, object]
Cases = dict[str, Values]
Flat = Mapping[tuple[str, ...], object]
"""Values by the keys that lead to them."""

FAILED, SKIPPED = "failed", "skipped"
"""The keys of what is said of a case instead of hashes."""

WHOLE, EACH = "sha256", "of each"
"""The keys of the hash of all of a stream, and of the short hashes of its frames or packets, a word each."""

_NOT_COMPARED = {
    *("version", "seconds", "stage_seconds", "peak_memory_bytes", "device_memory_bytes"),
    "frames_before",
}
"""What differs in reports from run to run, also after how many frames a run could be killed."""

_MISSING = "nothing"
_PICTURES = {".mkv", ".mp4", ".png"}
if sys.platform == "win32":
    _KILLED = 1  # what Popen.kill lets a process end with there
else:
    _KILLED = -signal.SIGKILL

_LIMIT_SECONDS = 1200
_SHORT, _LAST_WORDS = 8, 400
_LIBRARIES = """
import importlib.metadata, json, os, platform, vrestore
names = ("torch", "numpy", "opencv-python-headless", "av")
found = {name: importlib.metadata.version(name) for name in names}
found |= {"Python": platform.python_version(), "cores": os.cpu_count()}
print(json.dumps([vrestore.__file__, found]))
"""


class Failed(Exception):
    """A run that did not do what a case asks for."""


class Program:
    """The command line of a checkout, run by an interpreter in a folder of its own."""

    def __init__(self, checkout: Path, python: Path, folder: Path) -> None:
        self._folder, self._python = folder, str(python.absolute())
        self._environment = os.environ | {
            "PYTHONPATH": str(checkout.resolve()),
            "PYTHONDONTWRITEBYTECODE": "1",
            "VRESTORE_MODELS": str(folder / "models"),
        }
        project = tomllib.loads((checkout / "pyproject.toml").read_text(encoding="utf-8"))["project"]
        module, _, name = project["scripts"]["vrestore"].partition(":")
        self._launcher = f"from {module} import {name}; {name}()"
        said = self._finished(self._started(_LIBRARIES))
        place, self.libraries = json.loads(said)
        if not Path(place).resolve().is_relative_to(checkout.resolve()):
            raise Failed(f"vrestore is {place}, not that of {checkout}")

    def run(self, words: Sequence[str]) -> None:
        """Run a command to its end; raises Failed for any exit code but 0."""
        self._finished(self._started(self._launcher, *words))

    def kill(self, words: Sequence[str], state: Path) -> None:
        """Run a command and kill it once a record of a finished segment lies in the folder for such."""
        process = self._started(self._launcher, *words)
        end = time.monotonic() + _LIMIT_SECONDS
        while process.poll() is None and not any(state.rglob("[0-9]*.json")) and time.monotonic() < end:
            time.sleep(0.005)
        self._end(process)
        if process.returncode != _KILLED:
            raise Failed(f"it ended with exit code {process.returncode} before it was killed")

    def _started(self, code: str, *words: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [self._python, "-P", "-c", code, *words],
            cwd=self._folder,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def _finished(self, process: subprocess.Popen[str]) -> str:
        try:
            said, errors = process.communicate(timeout=_LIMIT_SECONDS)
        except subprocess.TimeoutExpired:
            self._end(process)
            raise
        if process.returncode:
            raise Failed(f"exit code {process.returncode}: {errors.strip()[-_LAST_WORDS:]}")
        return said

    def _end(self, process: subprocess.Popen[str]) -> None:
        if process.poll() is None:
            if sys.platform == "win32":
                process.kill()
            else:
                os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def make(checkout: Path, python: Path, model: Path | None) -> tuple[Values, Cases]:
    """Run all cases with a checkout and return its libraries and the hashes of what it writes."""
    found: Cases = {}
    with TemporaryDirectory(prefix="vrestore-outputs-") as place:
        folder = Path(place)
        program = Program(checkout, python, folder)
        draw_inputs(folder / "in")
        found["inputs"] = _written(folder / "in")
        if model is not None:
            _copy_model(model, folder / "in")
            found["inputs"]["model"] = hashlib.sha256(model.read_bytes()).hexdigest()
        for case in CASES:
            began = time.monotonic()
            found[case.name] = values = _tried(program, case, folder, model)
            said = values.get(FAILED) or values.get(SKIPPED) or digest(values)[: 2 * _SHORT]
            print(f"{case.name}: {said} ({time.monotonic() - began:.1f} s)", flush=True)
    return program.libraries, found


def digest(values: object) -> str:
    """Return one hash for all that was found of a case."""
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()


def differences(one: Cases, other: Cases) -> Iterator[str]:
    """Yield a line for each value that two versions do not have in common, and for each case that failed."""
    for name in {**one, **other}:
        ours, theirs = one.get(name, {}), other.get(name, {})
        if FAILED in ours or FAILED in theirs:
            yield f"{name}: failed, {ours.get(FAILED, '')} before, {theirs.get(FAILED, '')} after"
        elif not ours or not theirs or (SKIPPED in ours) != (SKIPPED in theirs):
            yield f"{name}: run by one version only"
        else:
            yield from (f"{name}: {line}" for line in _unlike(dict(_flat(ours)), dict(_flat(theirs))))


def hash_file(path: Path) -> Values:
    """Return what a video or image holds: of its pictures hashes as they are decoded, else of packets."""
    found: Values = {}
    with av.open(str(path)) as container:
        hashes: dict[int, list[str]] = {stream.index: [] for stream in container.streams}
        for packet in container.demux():
            hashes[packet.stream.index] += _hashes(packet)
        for stream in container.streams:
            each = hashes[stream.index]
            found[f"{stream.type} {stream.index}"] = _described(stream) | {
                "count": len(each),
                WHOLE: digest(each),
                EACH: " ".join(one[:_SHORT] for one in each),
            }
        found["tags"] = dict(sorted(container.metadata.items()))
    return found


def _described(stream: Stream) -> Values:
    values: Values = {"time base": str(stream.time_base), "tags": dict(sorted(stream.metadata.items()))}
    if isinstance(stream, VideoStream | AudioStream):
        values["codec"] = stream.codec_context.name
    if isinstance(stream, VideoStream):
        context = stream.codec_context
        values["picture"] = f"{context.width}x{context.height} {context.pix_fmt}"
        color = context.color_range, context.colorspace, context.color_primaries, context.color_trc
        values["color"] = [int(each) for each in color]
    return values


def _hashes(packet: Packet[Stream]) -> Iterator[str]:
    """Hash the pictures that a packet brings, or itself where it is no picture's."""
    if isinstance(packet.stream, VideoStream):
        yield from (_hash_picture(frame) for frame in packet.decode() if isinstance(frame, VideoFrame))
    elif packet.size:
        yield hashlib.sha256(f"{packet.pts} {packet.duration} ".encode() + bytes(packet)).hexdigest()


def _hash_picture(frame: VideoFrame) -> str:
    layout = frame.format
    found = hashlib.sha256(f"{frame.pts} {frame.width}x{frame.height} {layout.name}".encode())
    for number, plane in enumerate(frame.planes):
        of_plane = [component for component in layout.components if component.plane == number]
        wide = sum((component.bits + 7) // 8 for component in of_plane)
        length = plane.width * (wide if layout.is_planar else layout.padded_bits_per_pixel // 8)
        rows = np.frombuffer(bytes(plane), np.uint8).reshape(
            -1, plane.line_size
        )  # the ends of which are padding
        found.update(rows[: plane.height, :length].tobytes())
    return found.hexdigest()


def _copy_model(model: Path, folder: Path) -> None:
    """Copy weights and their card, so that their place is the same in all reports."""
    for path in (model, model.with_suffix(".json")):
        if path.exists():
            shutil.copy(path, folder)


def _tried(program: Program, case: Case, folder: Path, model: Path | None) -> Values:
    """Run a case in a folder with its inputs and return hashes of all that it has written, or why not."""
    if case.needs_model and model is None:
        return {SKIPPED: "skipped, it needs --model"}
    target = folder / "out"
    target.mkdir()
    words = case.line(f"in/{model.name}" if model else "")
    try:
        if case.killed:
            program.kill(words, target / ".vrestore")
        program.run(words)
        if case.killed and not json.loads((target / "report.json").read_bytes())["frames_before"]:
            raise Failed("it began anew and did not go on from where it was killed")
        return _written(target)
    except Failed as error:
        return {FAILED: str(error)}
    finally:
        shutil.rmtree(target)


def _written(folder: Path) -> Values:
    """Return hashes of all videos and images in a folder, what reports say, and the names of other files."""
    found: Values = {}
    for path in (each for each in sorted(folder.rglob("*")) if each.is_file()):
        name = path.relative_to(folder).as_posix()
        if path.suffix == ".json":
            found[name] = _comparable(json.loads(path.read_bytes()))
        else:
            found[name] = hash_file(path) if path.suffix in _PICTURES else "is there"
    return found


def _comparable(value: object) -> object:
    """Drop from a report, at any depth, what differs from run to run."""
    if isinstance(value, dict):
        return {key: _comparable(each) for key, each in value.items() if key not in _NOT_COMPARED}
    return [_comparable(each) for each in value] if isinstance(value, list) else value


def _flat(value: object, *key: str) -> Iterator[tuple[tuple[str, ...], object]]:
    if isinstance(value, dict) and value:
        for name, each in value.items():
            yield from _flat(each, *key, name)
    elif isinstance(value, list) and any(isinstance(each, dict) for each in value):
        yield from _flat({str(number): each for number, each in enumerate(value)}, *key)
    else:
        yield key, value


def _unlike(ours: Flat, theirs: Flat) -> Iterator[str]:
    unlike = [key for key in {**ours, **theirs} if ours.get(key, _MISSING) != theirs.get(key, _MISSING)]
    for key in unlike:
        before, after = ours.get(key, _MISSING), theirs.get(key, _MISSING)
        if key[-1] == EACH and _MISSING not in {before, after}:
            pairs = enumerate(zip(str(before).split(), str(after).split(), strict=False))
            others = [number for number, (one, other) in pairs if one != other]
            yield f"{' / '.join(key)}: {len(others)} differ, the first is {min(others, default='beyond')}"
        elif key[-1] != WHOLE or (*key[:-1], EACH) not in unlike:
            yield f"{' / '.join(key)}: {before} before, {after} after"


def main(arguments: Sequence[str] | None = None) -> None:
    """Make or compare hashes; ends with exit code 1 for what failed or differs."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.output_hashes")
    commands = parser.add_subparsers(dest="command", required=True)
    making = commands.add_parser("make", help="run all cases with a checkout")
    making.add_argument("--checkout", type=Path, required=True, metavar="DIR")
    making.add_argument("--out", type=Path, required=True, metavar="FILE", help="for the hashes, as JSON")
    making.add_argument("--model", type=Path, metavar="FILE", help="weights for the network")
    making.add_argument("--python", type=Path, default=Path(sys.executable), help="by default this one")
    comparing = commands.add_parser("compare", help="name what differs")
    comparing.add_argument("files", type=Path, nargs=2, metavar="FILE")
    words = parser.parse_args(arguments)
    if words.command == "make":
        libraries, cases = make(words.checkout, words.python, words.model)
        said = json.dumps({"libraries": libraries, "cases": cases}, indent=1)
        words.out.write_text(said + "\n", encoding="utf-8")
        sys.exit(any(FAILED in values for values in cases.values()))
    one, other = (json.loads(path.read_bytes()) for path in words.files)
    for line in _unlike(dict(_flat(one["libraries"])), dict(_flat(other["libraries"]))):
        print(f"note: made with other libraries: {line}")
    lines = list(differences(one["cases"], other["cases"]))
    skipped = [name for name, values in one["cases"].items() if SKIPPED in values]
    but = f", not run in either: {', '.join(skipped)}" if skipped else ""
    print(*(lines or [f"all {len(one['cases']) - len(skipped)} cases are equal{but}"]), sep="\n")
    sys.exit(bool(lines))


if __name__ == "__main__":
    main()
