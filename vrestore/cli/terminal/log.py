"""The log file: every event of a run with its time, and the traceback of what went wrong."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from vrestore.errors import TargetError

if TYPE_CHECKING:  # protocols loads numpy
    from vrestore.progress import ProgressEvent


class Log:
    """Appends lines to a file once it is open; before that, and for None, it does nothing."""

    def __init__(self) -> None:
        self._file: TextIO | None = None

    def open(self, path: str | None) -> None:
        """Begin with the command; raises TargetError for a file that cannot be written."""
        if path is None:
            return
        try:
            self._file = Path(path).open("a", encoding="utf-8")  # noqa: SIM115 - closed by close
        except OSError as error:
            raise TargetError(f"the log {path!r} cannot be written: {error.strerror}") from error
        self.write("command", " ".join(sys.argv))

    def write(self, kind: str, text: str) -> None:
        """Add one entry; further lines of a text are indented."""
        if self._file is not None:
            moment = time.strftime("%Y-%m-%dT%H:%M:%S%z")
            self._file.write(f"{moment} {kind}: " + text.strip().replace("\n", "\n    ") + "\n")
            self._file.flush()

    def event(self, event: ProgressEvent) -> None:
        """Add an event, but for the many that only count frames."""
        if event.event != "progress":
            self.write(event.event, " ".join(word for word in (event.stage, event.text) if word))

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None
