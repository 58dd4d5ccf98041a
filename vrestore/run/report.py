"""What a run leaves: what was kept, what was not, where the hole's pixels came from, how long it took."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field

from vrestore.device.memory import format_bytes
from vrestore.errors import LOSS_EXIT_CODE
from vrestore.methods.base import MethodPlan, MethodReport, Values

NO_DETAILS: Values = {
    "origins": {"copied": 0, "blended": 0, "painted": 0},
    "read_once": {"from_past": 0, "from_future": 0, "mean_age_frames": None},
    "paint": {"texture": 0, "smooth": 0},
    "grain": {"frames": 0, "mean_level": None},
    "overlay": None,
    "leftovers": None,
    "haze": None,
}
"""What a report says where a method says nothing else, so that its keys are always there."""


@dataclass(frozen=True, slots=True)
class Report:
    """The account of one run; `to_dict` is what `--report` writes.

    `frames_before` of the frames were done by an earlier run that was stopped; the seconds are without it.
    `device_memory_bytes` is the most that torch's pool had of a CUDA device, None without one. `details`
    are what the method found out. `decoder` says who decoded where a device was asked to, `fields` what was
    made of interlaced pictures, `found` what was found for it first; else they are empty. `losses` are
    all that the target does not hold of the source, those of a plan; of these, `dropped` are the streams.
    `damage` says what the source lacked: with any, `exit_code` is 9 although the target is whole.
    """

    version: str
    source: str
    target: str
    method: str
    device: str
    frames: int
    repaired_frames: int
    scenes: int
    details: MethodReport
    codec: str
    kept: list[Values]
    dropped: list[Values]
    warnings: list[str]
    damage: list[str]
    plan: MethodPlan
    settings: Values
    seconds: float
    stage_seconds: dict[str, float]
    peak_memory_bytes: int
    device_memory_bytes: int | None = None
    losses: list[str] = field(default_factory=list)
    extra_files: list[str] = field(default_factory=list)
    frames_before: int = 0
    decoder: str = ""
    fields: str = ""
    found: list[str] = field(default_factory=list)

    @property
    def exit_code(self) -> int:
        """The exit code of the command: 0, or 9 when the source was damaged."""
        return LOSS_EXIT_CODE if self.damage else 0

    def to_dict(self) -> Values:
        """Return everything for programs, in plain types."""
        values: Values = asdict(self)
        del values["details"]
        return values | NO_DETAILS | self.details.to_dict() | {"exit_code": self.exit_code}

    def summary_lines(self) -> list[str]:
        """Return the closing words, the target first."""
        rate = (self.frames - self.frames_before) / max(self.seconds, 1e-9)
        lines = [
            f"{self.target}: {self.frames} frames, {self.repaired_frames} repaired, {self.scenes} scene(s), "
            f"{self.seconds:.1f} s, {rate:.1f} frames a second",
            self.details.line(),
            *self.found,
            f"memory {format_bytes(self.peak_memory_bytes)} at most, {format_bytes(self.plan.memory_bytes)} "
            f"allowed; encoded with {self.codec}",
        ]
        if self.device_memory_bytes:
            lines.append(f"{self.device}: memory {format_bytes(self.device_memory_bytes)} at most")
        if self.decoder:
            lines.append(f"decoded by {self.decoder}")
        if self.fields:
            lines.append(self.fields)
        if self.frames_before:
            lines.append(f"went on at frame {self.frames_before}; seconds and memory are of the rest")
        lines += [f"not kept: {text}" for text in self.losses]
        lines += [f"warning: {text}" for text in self.warnings]
        lines += [f"source damaged: {text}" for text in self.damage]
        lines += [f"also written: {name}" for name in self.extra_files]
        return lines


@dataclass(frozen=True, slots=True)
class PlanReport:
    """What a run would do; `frames_with_holes` is None where the method needs none.

    `losses` are what the target cannot hold of the source, `notes` further lines for people, as who serves a
    device.
    """

    source: str
    target: str
    frames: int | None
    frames_with_holes: int | None
    picture: str
    codec: str
    device: str
    plan: MethodPlan
    warnings: list[str]
    losses: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def lines(self) -> list[str]:
        """Return the plan as a person reads it."""
        count = "an unknown number of" if self.frames is None else str(self.frames)
        holes = "" if self.frames_with_holes is None else f", {self.frames_with_holes} with a hole"
        return [
            f"{self.source} -> {self.target}",
            f"{count} frames {self.picture}{holes}",
            f"encoded with {self.codec}, device {self.device}",
            *self.plan.lines(),
            *self.notes,
            *(f"warning: would not keep: {text}" for text in self.losses),
            *(f"warning: {text}" for text in self.warnings),
        ]

    def to_dict(self) -> Values:
        """Return everything for programs, in plain types."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class DetectionReport:
    """The account of a detector's run; `covered` is the share of all pixels that its masks mark.

    `found` are the detector's own lines about what it found.
    """

    version: str
    source: str
    target: str
    detector: str
    frames: int
    marked_frames: int
    covered: float
    found: list[str]
    warnings: list[str]
    damage: list[str]
    settings: Values
    seconds: float

    @property
    def exit_code(self) -> int:
        """The exit code of the command: 0, or 9 when the source was damaged."""
        return LOSS_EXIT_CODE if self.damage else 0

    def to_dict(self) -> Values:
        """Return everything for programs, in plain types."""
        return {**asdict(self), "exit_code": self.exit_code}

    def summary_lines(self) -> list[str]:
        """Return the closing words, the target first."""
        rate = self.frames / max(self.seconds, 1e-9)
        return [
            f"{self.target}: {self.frames} frames, {self.marked_frames} with something found, "
            f"{self.covered:.1%} of the pixels, {self.seconds:.1f} s, {rate:.1f} frames a second",
            *self.found,
            *(f"warning: {text}" for text in self.warnings),
            *(f"source damaged: {text}" for text in self.damage),
        ]
