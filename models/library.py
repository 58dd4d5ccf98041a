"""Where weights lie, and how they are called.

Shipped ones lie in this package, imported ones in the user's folder; each is a NAME.safetensors with its card
NAME.json. Any other .safetensors file is called by its path. Nothing here loads torch, nothing is downloaded.
"""

from __future__ import annotations

import hashlib
import os
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

from vrestore.errors import ModelError, UsageError
from vrestore.models.cards import Card, read_card

SUFFIX = ".safetensors"
SHIPPED_FOLDER = Path(__file__).with_name("weights")
FOLDER_VARIABLE = "VRESTORE_MODELS"
# A name is a file's name too: small letters because some systems fold case, no dot in front to hide it.
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_CHECKPOINT_SUFFIXES = {".pth", ".pt", ".ckpt", ".tar", ".bin"}


@dataclass(frozen=True)
class Weights:
    """A weights file; nothing of it has been read but its card."""

    name: str
    path: Path
    origin: Literal["shipped", "imported", "file"]
    card: Card | None
    """None for a file that was called by its path and has none beside it."""

    def sha256(self) -> str:
        """Compute the file's hash; raises ModelError when it is not the one on the card."""
        try:
            with self.path.open("rb") as file:
                found = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            raise ModelError(f"{str(self.path)!r} cannot be read ({error.strerror})") from error
        if self.card is not None and found != self.card.sha256:
            raise ModelError(
                f"{str(self.path)!r} has sha256 {found}, its card says {self.card.sha256}; "
                "the file was changed or damaged: install or import it again"
            )
        return found


def find_weights(name_or_path: str | Path) -> Weights:
    """Find weights by the name of a shipped or imported model, or by the path of a .safetensors file.

    What ends in .safetensors or has a folder in it is a path. Raises ModelError when there is none, or when
    its card is missing or damaged.
    """
    # What looks like a path is one, even where a model has that name: no file is shadowed by a name.
    path = Path(name_or_path)
    if path.suffix == SUFFIX or len(path.parts) > 1 or path.is_absolute():
        return _file(path)
    name = str(name_or_path)
    for place in _places():
        if place.name == name:
            return place.weights()
    if path.is_file():
        return _file(path)
    known = ", ".join(model_names()) or "none"
    raise ModelError(
        f"no model is called {name!r}; there are: {known}; pass one of them or the path of a {SUFFIX} file, "
        "or import a checkpoint with vrestore models import"
    )


def model_names() -> list[str]:
    """List the names of what is shipped and what was imported, the shipped ones first."""
    return [place.name for place in _places()]


def shipped_names() -> list[str]:
    """List the names of what is shipped."""
    return [place.name for place in _places() if place.origin == "shipped"]


def user_folder() -> Path:
    """Return the folder of imported weights, there or not: $VRESTORE_MODELS, or the system's place."""
    # Where each system keeps a program's data: XDG's base directories, Apple's and Microsoft's guidelines.
    chosen = os.environ.get(FOLDER_VARIABLE)
    if chosen:
        return Path(chosen).expanduser().absolute()
    if sys.platform == "darwin":
        data = Path.home() / "Library" / "Application Support"
    elif sys.platform == "win32":
        data = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    else:
        data = Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share")
    return data / "vrestore" / "models"


def place_for(name: str) -> Path:
    """Return the path that imported weights of this name lie at.

    Raises UsageError when it is no name, or that of a shipped model.
    """
    if _NAME.fullmatch(name) is None or name.endswith(SUFFIX):
        raise UsageError(
            f"a model's name is up to 64 small letters, digits, dots, dashes and underscores, got {name!r}; "
            "pass another --name"
        )
    if name in shipped_names():
        raise UsageError(f"{name!r} is the name of a shipped model; pass another --name")
    return user_folder() / f"{name}{SUFFIX}"


@dataclass(frozen=True)
class _Place:
    name: str
    path: Path
    origin: Literal["shipped", "imported"]

    def weights(self) -> Weights:
        return Weights(self.name, self.path, self.origin, _card(self.path))


def _places() -> Iterator[_Place]:
    """Walk over all weights that have a name; a shipped one hides an imported one of the same name."""
    shipped = sorted(SHIPPED_FOLDER.glob(f"*{SUFFIX}"))
    yield from (_Place(path.stem, path, "shipped") for path in shipped)
    # Not those with a dot in front: so are files called that are still being written.
    imported = sorted(user_folder().glob(f"[!.]*{SUFFIX}"))
    hidden = {path.stem for path in shipped}
    yield from (_Place(path.stem, path, "imported") for path in imported if path.stem not in hidden)


def _file(path: Path) -> Weights:
    name = str(path)
    if not path.is_file():
        raise ModelError(f"there is no file {name!r}; vrestore models list shows the models that have a name")
    if path.suffix in _CHECKPOINT_SUFFIXES:
        raise ModelError(f"{name!r} is a checkpoint; convert it first: vrestore models import {name}")
    if path.suffix != SUFFIX:
        raise ModelError(f"{name!r} is no {SUFFIX} file; pass one, or a name that vrestore models list shows")
    has_card = path.with_suffix(".json").exists()
    return Weights(path.stem, path, "file", _card(path) if has_card else None)


def _card(path: Path) -> Card:
    card = read_card(path.with_suffix(".json"))
    if card.name != path.stem:
        raise ModelError(f"the card of {str(path)!r} is that of {card.name!r}; put the right one beside it")
    return card


@cache
def hashes_of(name: str) -> dict[str, str]:
    """Return the hash of weights by their name, taken once in a process."""
    return {name: find_weights(name).sha256()}
