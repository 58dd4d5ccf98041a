"""A contact sheet: clips as rows, what goes in and what comes out at a few times as columns."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.clips import Clip, Pictures

Picture = NDArray[np.uint8]

TIMES = (1 / 6, 1 / 2, 5 / 6)
"""The times of the pictures, in shares of the clip's length."""

_TINT = np.array([255, 0, 96], np.float32)
_CELL_WIDTH, _GAP, _LINE = 288, 4, 18


def row_of(clip: Clip, results: dict[str, Pictures]) -> Picture:
    """Draw a clip's row: at each time the input with its hole tinted, then every method's picture."""
    cells = []
    for time in TIMES:
        index = int(time * len(clip.frames))
        cells.append(_cell(_tinted(clip, index), f"{clip.name} {index}"))
        cells += [_cell(frames[index], name) for name, frames in results.items()]
    return np.concatenate(cells, axis=1)


def save_sheet(rows: list[Picture], place: Path) -> None:
    """Write rows of one size as a picture of the kind that the name ends in."""
    picture = cv2.cvtColor(np.concatenate(rows), cv2.COLOR_RGB2BGR)
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(cv2.imencode(place.suffix, picture)[1].tobytes())


def _tinted(clip: Clip, index: int) -> Picture:
    picture, hole = clip.frames[index].astype(np.float32), clip.masks[index]
    picture[hole] = 0.5 * picture[hole] + 0.5 * _TINT
    return np.asarray(picture, np.uint8)


def _cell(picture: Picture, label: str) -> Picture:
    height = round(picture.shape[0] * _CELL_WIDTH / picture.shape[1])
    small = cv2.resize(picture, (_CELL_WIDTH, height), interpolation=cv2.INTER_AREA)
    cell = np.zeros((height + _LINE + _GAP, _CELL_WIDTH + _GAP, 3), np.uint8)
    cell[_LINE : _LINE + height, :_CELL_WIDTH] = small
    cv2.putText(cell, label, (3, 13), cv2.FONT_HERSHEY_SIMPLEX, 0.4, (255, 255, 255), 1, cv2.LINE_AA)
    return cell
