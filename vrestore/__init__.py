"""Repair video: remove objects, logos, subtitles and scratches; the file stays the user's file.

    import vrestore

    report = vrestore.inpaint("street.mp4", mask="car/", target="clean.mp4")
    print(report.origins.line())

Nothing heavy is loaded before a function is called.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

__all__ = [
    "__version__",
    "batch",
    "batch_run",
    "dehaze",
    "inpaint",
    "open_video",
    "plan_dehaze",
    "plan_inpaint",
]

if TYPE_CHECKING:
    from vrestore.api import batch, batch_run, dehaze, inpaint, open_video, plan_dehaze, plan_inpaint


def __getattr__(name: str) -> Any:  # noqa: ANN401 - what a module holds is anything
    if name in __all__:
        from vrestore import api

        return getattr(api, name)
    raise AttributeError(f"module 'vrestore' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
