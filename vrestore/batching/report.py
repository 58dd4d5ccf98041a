"""What became of a batch: each of its jobs, and the whole."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import Literal

from vrestore.errors import BatchFailed
from vrestore.methods.base import Values

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
