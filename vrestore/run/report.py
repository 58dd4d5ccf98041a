"""What a run leaves: what was kept, what was not, where the hole's pixels came from, how long it took."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import Literal

from vrestore.device.memory import format_bytes
from vrestore.errors import LOSS_EXIT_CODE, BatchFailed
from vrestore.methods.dehaze.plan import DehazePlan
from vrestore.methods.inpaint.plan import Plan

Values = dict[str, object]


@dataclass(frozen=True, slots=True)
class Origins:
    """Where the hidden pixels' colors came from, summed over all frames.

    `copied` were fetched from the past or the future, `blended` from both, `painted` from no frame.
    """

    copied: int = 0
    blended: int = 0
    painted: int = 0

    @property
    def total(self) -> int:
        """All hidden pixels."""
        return self.copied + self.blended + self.painted

    def line(self) -> str:
        """Return the shares as a person reads them."""
        shares = (count / max(self.total, 1) for count in (self.copied, self.blended, self.painted))
        return "hole pixels: {:.1%} copied, {:.1%} blended, {:.1%} painted (no frame shows them)".format(
            *shares
        )


@dataclass(frozen=True, slots=True)
class HazeSeen:
    """What haze was found: `transmission` is the mean share of light that comes through, 1 is clear air.

    `air_lights` are the colors of the haze at the start of each scene, RGB in [0, 1].
    """

    transmission: float
    air_lights: list[tuple[float, float, float]]

    def line(self) -> str:
        """Return it as a person reads it."""
        colors = ["#" + "".join(f"{round(255 * part):02x}" for part in air) for air in self.air_lights[:4]]
        more = ", ..." if len(self.air_lights) > len(colors) else ""
        return (
            f"haze: {self.transmission:.0%} of the light comes through; "
            f"color {', '.join(colors) or 'not seen'}{more}"
        )


@dataclass(frozen=True, slots=True)
class Report:
    """The account of one run; `to_dict` is what `--report` writes.

    `frames_before` of the frames were done by an earlier run that was stopped; the seconds are without it.
    `device_memory_bytes` is the most that torch's pool had of a CUDA device, None without one. `haze` is what
    dehazing saw, None with inpainting. `decoder` says who decoded where a device was asked to, else it is
    empty. `damage` says what the source lacked: with any, `exit_code` is 9 although the target is whole.
    """

    version: str
    source: str
    target: str
    method: str
    device: str
    frames: int
    repaired_frames: int
    scenes: int
    origins: Origins
    codec: str
    kept: list[Values]
    dropped: list[Values]
    warnings: list[str]
    damage: list[str]
    plan: Plan | DehazePlan
    settings: Values
    seconds: float
    stage_seconds: dict[str, float]
    peak_memory_bytes: int
    device_memory_bytes: int | None = None
    extra_files: list[str] = field(default_factory=list)
    frames_before: int = 0
    haze: HazeSeen | None = None
    decoder: str = ""

    @property
    def exit_code(self) -> int:
        """The exit code of the command: 0, or 9 when the source was damaged."""
        return LOSS_EXIT_CODE if self.damage else 0

    def to_dict(self) -> Values:
        """Return everything for programs, in plain types."""
        values: Values = asdict(self)
        values["exit_code"] = self.exit_code
        return values

    def summary_lines(self) -> list[str]:
        """Return the closing words, the target first."""
        rate = (self.frames - self.frames_before) / max(self.seconds, 1e-9)
        lines = [
            f"{self.target}: {self.frames} frames, {self.repaired_frames} repaired, {self.scenes} scene(s), "
            f"{self.seconds:.1f} s, {rate:.1f} frames a second",
            self.origins.line() if self.haze is None else self.haze.line(),
            f"memory {format_bytes(self.peak_memory_bytes)} at most, {format_bytes(self.plan.memory_bytes)} "
            f"allowed; encoded with {self.codec}",
        ]
        if self.device_memory_bytes:
            lines.append(f"{self.device}: memory {format_bytes(self.device_memory_bytes)} at most")
        if self.decoder:
            lines.append(f"decoded by {self.decoder}")
        if self.frames_before:
            lines.append(f"went on at frame {self.frames_before}; seconds and memory are of the rest")
        lines += [
            f"not kept: {drop['kind']} stream {drop['index']}: {drop['reason']}" for drop in self.dropped
        ]
        lines += [f"warning: {text}" for text in self.warnings]
        lines += [f"source damaged: {text}" for text in self.damage]
        lines += [f"also written: {name}" for name in self.extra_files]
        return lines


@dataclass(frozen=True, slots=True)
class PlanReport:
    """What a run would do; `frames_with_holes` is None where the method needs none.

    `notes` are further lines for people, as who serves a device.
    """

    source: str
    target: str
    frames: int | None
    frames_with_holes: int | None
    picture: str
    codec: str
    device: str
    plan: Plan | DehazePlan
    warnings: list[str]
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
            *(f"warning: {text}" for text in self.warnings),
        ]

    def to_dict(self) -> Values:
        """Return everything for programs, in plain types."""
        return asdict(self)


State = Literal["done", "done before", "failed", "set aside"]
"""What became of a job: `set aside` has failed too often before and was not tried again."""


@dataclass(frozen=True, slots=True)
class BatchItem:
    """What became of one job of a batch.

    `words` say why it failed or what its source lacked, `log` names the file that says more; `facts` are from
    the job's own report, none where it did not run to its end.
    """

    source: str
    target: str
    state: State
    exit_code: int
    words: str = ""
    log: str = ""
    tries: int = 0
    seconds: float = 0.0
    facts: Values = field(default_factory=dict)

    @property
    def is_failed(self) -> bool:
        return self.state in {"failed", "set aside"}


@dataclass(frozen=True, slots=True)
class BatchReport:
    """The account of a batch; `to_dict` is what `--report` writes."""

    version: str
    items: list[BatchItem]
    seconds: float
    jobs: int

    @property
    def exit_code(self) -> int:
        """The exit code of the command: 0, 10 when a job failed, else 9 when a source was damaged."""
        if any(item.is_failed for item in self.items):
            return BatchFailed.exit_code
        return max((item.exit_code for item in self.items), default=0)

    def to_dict(self) -> Values:
        """Return everything for programs, in plain types."""
        values: Values = asdict(self)
        values["exit_code"] = self.exit_code
        values["counts"] = dict(self._counts())
        return values

    def summary_line(self) -> str:
        """Return the closing words."""
        counts = ", ".join(f"{count} {state}" for state, count in self._counts().items())
        return f"{len(self.items)} files: {counts or 'nothing to do'}, {self.seconds:.1f} s"

    def _counts(self) -> Counter[str]:
        return Counter(item.state for item in self.items)
