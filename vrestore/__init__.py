"""Repair video: remove objects, logos, subtitles and scratches; the file stays the user's file.

    import vrestore

    report = vrestore.inpaint("street.mp4", mask="car/", target="clean.mp4")
    print(report.details.line())

Nothing heavy is loaded before a function is called.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

__all__ = [
    "BatchReport",
    "DehazeOptions",
    "DetectionReport",
    "InpaintOptions",
    "MaskWords",
    "PlanReport",
    "ProgressEvent",
    "Report",
    "RunOptions",
    "VRestoreError",
    "__version__",
    "batch",
    "batch_run",
    "dehaze",
    "dehaze_frames",
    "errors",
    "inpaint",
    "inpaint_frames",
    "open_video",
    "plan_command",
    "plan_dehaze",
    "plan_inpaint",
    "run_command",
]

_PLACES = {
    "BatchReport": "batching.report",
    "DehazeOptions": "methods.dehaze.options",
    "DetectionReport": "run.report",
    "InpaintOptions": "methods.inpaint.options",
    "MaskWords": "masks.options",
    "PlanReport": "run.report",
    "ProgressEvent": "progress",
    "Report": "run.report",
    "RunOptions": "run.options",
    "VRestoreError": "errors",
}
"""Where the names lie that are not functions; those lie in `vrestore.api`."""

if TYPE_CHECKING:
    from vrestore import errors
    from vrestore.api import (
        batch,
        batch_run,
        dehaze,
        dehaze_frames,
        inpaint,
        inpaint_frames,
        open_video,
        plan_command,
        plan_dehaze,
        plan_inpaint,
        run_command,
    )
    from vrestore.batching.report import BatchReport
    from vrestore.errors import VRestoreError
    from vrestore.masks.options import MaskWords
    from vrestore.methods.dehaze.options import DehazeOptions
    from vrestore.methods.inpaint.options import InpaintOptions
    from vrestore.progress import ProgressEvent
    from vrestore.run.options import RunOptions
    from vrestore.run.report import DetectionReport, PlanReport, Report


def __getattr__(name: str) -> Any:  # noqa: ANN401 - what a module holds is anything
    if name == "errors":
        return import_module("vrestore.errors")
    if name in __all__:
        return getattr(import_module(f"vrestore.{_PLACES.get(name, 'api')}"), name)
    raise AttributeError(f"module 'vrestore' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
