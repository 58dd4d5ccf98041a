"""A picture of a log: a panel for each figure over the steps."""

from __future__ import annotations

import csv
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from vrestore.media.preview.display import save_picture

PANEL_HEIGHT, PANEL_WIDTH, BORDER = 150, 420, 26
_INK, _LINE = (70, 70, 70), (30, 90, 200)


def plot_log(log: Path, picture: Path) -> None:
    """Draw the CSV `log`, whose first column is the step, into a PNG; blank cells are left out."""
    with log.open(newline="") as file:
        rows = list(csv.DictReader(file))
    panels = []
    for name in [name for name in rows[-1] if name not in ("step", "seconds")]:
        points = [(int(row["step"]), float(row[name])) for row in rows if row[name]]
        panels.append(_panel(name, np.array(points)))
    if len(panels) % 2:
        panels.append(np.full_like(panels[0], 255))
    pairs = [np.concatenate(panels[index : index + 2], axis=1) for index in range(0, len(panels), 2)]
    save_picture(np.concatenate(pairs), picture)


def _panel(name: str, points: NDArray[np.float64]) -> NDArray[np.uint8]:
    canvas = np.full((PANEL_HEIGHT, PANEL_WIDTH, 3), 255, np.uint8)
    steps, values = points.T
    low, high = float(values.min()), float(values.max())
    text = f"{name}: last {values[-1]:.4g}, least {low:.4g}, most {high:.4g}, to step {int(steps[-1])}"
    cv2.putText(canvas, text, (6, 16), cv2.FONT_HERSHEY_SIMPLEX, 0.38, _INK, 1, cv2.LINE_AA)
    room = np.array([PANEL_WIDTH - 2 * BORDER, PANEL_HEIGHT - 2 * BORDER])
    share = np.stack([steps / max(1, steps[-1]), 1 - (values - low) / max(high - low, 1e-12)], -1)
    line = np.rint(share * room + BORDER).astype(np.int32)[:, None]
    cv2.polylines(canvas, [line], isClosed=False, color=_LINE, thickness=1, lineType=cv2.LINE_AA)
    return canvas
