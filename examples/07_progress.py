"""Be told how far a run is, and what went wrong: python examples/07_progress.py [FOLDER]."""

import sys
from pathlib import Path

from small_clip import draw

import vrestore
from vrestore.errors import VRestoreError


def show(event):
    """Is called for every frame and must be quick."""
    if event.event == "progress" and event.frame % 8 == 0:
        print(f"{event.stage} {event.frame} of {event.frames}")
    elif event.event == "stage":
        print(event.stage)


folder = Path(sys.argv[1] if len(sys.argv) > 1 else "out")
video, mask = draw(folder)
vrestore.inpaint(video, mask=mask, target=folder / "watched.mp4", progress=show, overwrite=True)

try:
    vrestore.inpaint(video, box="300,10,48,18", target=folder / "never.mp4", overwrite=True)
except VRestoreError as error:
    print(f"{type(error).__name__}, exit code {error.exit_code}: {error}")
