"""Find the videos of a folder, each once, and the mask and the target of each."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from vrestore.errors import InputError, MaskError, UsageError
from vrestore.files import reason_of
from vrestore.media.images.sequence import IMAGE_SUFFIXES, by_number

VIDEO_SUFFIXES = {
    *(".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".ts", ".m2ts", ".mts", ".mpg", ".mpeg", ".mxf"),
    *(".wmv", ".asf", ".flv", ".ogv", ".3gp", ".3g2", ".vob", ".nut", ".y4m", ".gif", ".dv", ".apng"),
}
_FIELD = re.compile(r"\{(\w*)\}")
_FIELDS = ("stem", "suffix", "name")


@dataclass(frozen=True, slots=True)
class Selection:
    """Which files of a folder are taken.

    Patterns are those of a shell (`*.mp4`, `2024/*`), matched against the path within the folder and
    against the name alone, whatever the case. Without `include` all files with a video's suffix are taken.
    """

    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()

    def takes(self, inside: Path) -> bool:
        """Say whether a path within the folder is taken."""
        if _matches(inside, self.exclude):
            return False
        if self.include:
            return _matches(inside, self.include)
        return inside.suffix.lower() in VIDEO_SUFFIXES and not _is_mask(inside)


def find_videos(folder: Path, selection: Selection, *, without: Iterable[Path] = ()) -> list[Path]:
    """Return the paths within the folder of all files that are taken, in natural order.

    Sub-folders and links are followed, hidden names and the folders `without` are not. A file that has
    several names, by links of either kind or by case, is returned once, under a name that is no link if it
    has one. Raises InputError when the folder cannot be read or holds nothing that is taken.
    """
    if not folder.is_dir():
        raise InputError(f"{str(folder)!r} is no folder; a batch takes a folder of videos")
    left_out = {_identity(path) for path in without if path.exists()}
    found: dict[tuple[int, int], Path] = {}
    for path in sorted(
        _walk(folder, left_out), key=lambda path: (path.is_symlink(), path.parent, by_number(path))
    ):
        inside = path.relative_to(folder)
        if selection.takes(inside):
            found.setdefault(_identity(path), inside)
    if not found:
        raise InputError(f"{str(folder)!r} holds no video; --include '*.xyz' takes files of another name")
    return sorted(found.values(), key=lambda inside: (inside.parent, by_number(inside)))


def name_of(template: str, inside: Path) -> str:
    """Return the name of a target: `{stem}`, `{suffix}` and `{name}` stand for the source's.

    Raises UsageError for other fields and for what is not one plain name.
    """

    def field(match: re.Match[str]) -> str:
        if match[1] not in _FIELDS:
            raise UsageError(f"--name knows {{{'}, {'.join(_FIELDS)}}}, got {match[0]!r}")
        return str(getattr(inside, match[1]))

    name = _FIELD.sub(field, template)
    if not name or name in {".", ".."} or re.search(r"[/\\\0]", template) or "{" in _FIELD.sub("", template):
        raise UsageError(f"--name is a name such as {{stem}}.clean{{suffix}}, got {template!r}")
    return name


def mask_for(inside: Path, masks: Path) -> Path:
    """Return the mask of a video: for `sub/clip.mp4` one of these in the folder `sub` of the masks.

    `clip.png` or another image, the folder `clip/`, or a video `clip.mask.mkv` or `clip.mkv`.
    Raises MaskError when there is none or more than one.
    """
    folder = masks / inside.parent
    found = sorted(path for path in _listed(folder) if _is_mask_of(path, inside.stem))
    if not found:
        wanted = f"{inside.stem}.png, {inside.stem}/ or {inside.stem}.mask.mkv"
        raise MaskError(f"there is no mask for {str(inside)!r} in {str(folder)!r}: {wanted} is looked for")
    if len(found) > 1:
        names = " and ".join(repr(path.name) for path in found[:2])
        raise MaskError(f"{str(inside)!r} has more than one mask in {str(folder)!r}: {names}; keep one")
    return found[0]


def _is_mask_of(path: Path, stem: str) -> bool:
    if path.is_dir():
        return path.name in {stem, f"{stem}.mask"}
    if path.stem not in {stem, f"{stem}.mask"}:
        return False
    return path.suffix.lower() in IMAGE_SUFFIXES | VIDEO_SUFFIXES


def _is_mask(path: Path) -> bool:
    """Say whether a name is that of a mask beside its video."""
    return path.stem.lower().endswith(".mask")


def _listed(folder: Path) -> list[Path]:
    try:
        return [path for path in folder.iterdir() if not path.name.startswith(".")]
    except OSError:
        return []


def _walk(folder: Path, left_out: set[tuple[int, int]]) -> Iterator[Path]:
    """Yield every file below a folder; a folder that a link leads back to is not entered again."""
    # Folders are told by device and inode, so that two names of one, and links in a circle, are seen through.
    waiting, entered = [folder], set(left_out)
    while waiting:
        here = waiting.pop()
        try:
            if _identity(here) in entered:
                continue
            entered.add(_identity(here))
            names = sorted(here.iterdir(), key=lambda path: (not path.is_symlink(), path.name))
        except OSError as error:
            raise InputError(f"{str(here)!r} cannot be read ({reason_of(error)})") from error
        for path in names:
            if path.name.startswith("."):
                continue
            if path.is_dir():
                # Links are entered last: what has a plain name too is found under that.
                waiting.insert(0, path) if path.is_symlink() else waiting.append(path)
            elif path.is_file():
                yield path


def _identity(path: Path) -> tuple[int, int]:
    seen = os.stat(path)  # noqa: PTH116 - the file that a link leads to
    return seen.st_dev, seen.st_ino


def _matches(inside: Path, patterns: Iterable[str]) -> bool:
    words = inside.as_posix().lower(), inside.name.lower()
    return any(fnmatchcase(word, pattern.lower()) for word in words for pattern in patterns)
