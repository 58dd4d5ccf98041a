"""What says which part of a picture is meant, as people say it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args

from vrestore.errors import UsageError
from vrestore.media.choices import Fit
from vrestore.option_schema import FILL, OptionField, PathLike, as_paths, as_text, option, options_of

if TYPE_CHECKING:
    from vrestore.masks.masks import MaskOptions


FOUND_OVERLAY = "auto"
"""In place of a file: the overlay is found."""

MEASURED_SUFFIX = ".npz"
"""Of the file of an overlay that was measured."""

Widening = Literal["auto", "shadow"]
"""In place of pixels: what is left around the mask is measured, a rim of the object, or its shadow too."""


def pixels_or_word(text: str | None) -> int | str | None:
    """Read a number of pixels, or a word in its place as it is; raises UsageError for any other."""
    if text is None or text in get_args(Widening):
        return text
    try:
        return int(text)
    except ValueError as error:
        raise UsageError(f"--grow is a number of pixels, auto or shadow, got {text!r}") from error


@dataclass(frozen=True, slots=True, kw_only=True)
class MaskWords:
    """What says which part of a picture is meant: a `mask` or `box`, or what is found first."""

    mask: PathLike | Sequence[PathLike] = option(
        (),
        "Image, folder or video; white is filled.",
        more="Image, folder, pattern or video, or several; white is filled.",
        panel=FILL,
        flags=("--mask", "-m"),
        metavar="PATH",
        setting="masks.paths",
        file="read",
        folder_word="masks",
    )
    box: str | Sequence[str] = option(
        (),
        "x,y,w,h@start-stop, pixels or percent.",
        more="`x,y,w,h[@start-stop]` in pixels or percent, or several.",
        panel=FILL,
        flags=("--box", "-b"),
        metavar="BOX",
        setting="masks.boxes",
    )
    invert: bool = option(
        False, "Fill what is black instead.", panel=FILL, flags=("--invert",), setting="masks.invert"
    )
    grow: int | Widening | None = option(
        None,
        "Widen the mask (height/120); auto, shadow.",
        more="Pixels by which the mask is widened, by default height/120. `auto` measures a rim of the "
        "object that is left around the mask, `shadow` finds its shadow too.",
        panel=FILL,
        metavar="PX",
        setting="masks.grow",
        parse=pixels_or_word,
    )
    feather: int | None = option(
        None, "Fade out beyond it; by default height/240.", panel=FILL, metavar="PX", setting="masks.feather"
    )
    mask_offset: int = option(
        0, "Mask frame i is for video frame i+N.", panel=FILL, metavar="N", setting="masks.offset"
    )
    mask_fit: Fit = option(
        "error",
        "Other size: error or resize.",
        panel=FILL,
        metavar="HOW",
        setting="masks.fit",
        has_default_shown=True,
    )
    assume_yes: bool = option(
        False,
        "The mask may cover nearly everything.",
        affects="placement",  # it only lets pass what would be refused
        panel=FILL,
        flags=("--yes",),
        setting="masks.allow_full",
        is_of_one_video=True,
        is_hidden=True,  # the error that it is for names it
    )

    dirt: bool = option(
        False,
        "Also dirt of film, found as by mask dirt.",
        more="Also fill the dirt of film, which is found first as by `mask dirt`.",
        panel=FILL,
        flags=("--dirt",),
        setting="masks.dirt",
    )

    overlay: PathLike | None = option(
        None,
        "Restore what shines through: auto or FILE.",
        more="Restore what shines through a semi-transparent overlay: `auto` finds it, a picture with alpha "
        "says what it is.",
        panel=FILL,
        metavar="FILE",
        setting="masks.overlay",
        file="read",
        words=(FOUND_OVERLAY,),
    )

    auto: bool = option(
        False,
        "Logos and words, found first.",
        more="Find logos and burnt-in words first, restore what shines through, and fill the rest.",
        panel=FILL,
        flags=("--auto",),
        setting="masks.auto",
    )

    def __post_init__(self) -> None:
        object.__setattr__(self, "mask", as_paths(self.mask))
        object.__setattr__(self, "box", as_paths(self.box))
        object.__setattr__(self, "overlay", as_text(self.overlay))
        if self.auto:
            if self.is_to_widen:
                raise UsageError(f"--auto goes with --grow in pixels, not with --grow {self.grow}")
            if self.mask or self.box or self.dirt or self.invert or self.mask_offset or self.overlay:
                raise UsageError(
                    "--auto goes alone, without --mask, --box, --dirt, --overlay, --invert, --mask-offset; "
                    "let it find what it can first, then fill the rest in a second run"
                )
            return
        if self.is_to_widen:
            if self.grow not in get_args(Widening):
                raise UsageError(f"grow is a number of pixels, 'auto' or 'shadow', got {self.grow!r}")
            if self.dirt or self.overlay is not None or self.invert or self.mask_offset:
                raise UsageError(
                    f"--grow {self.grow} goes with neither --dirt, --overlay, --invert nor --mask-offset; "
                    "give pixels, or change the mask by vrestore mask edit"
                )
            mask_options(replace(self, grow=None))
            return
        if self.is_overlay_to_measure:
            if self.mask or self.box or self.dirt or self.invert or self.mask_offset:
                raise UsageError(
                    "--overlay goes alone, without --mask, --box, --dirt, --invert and --mask-offset; "
                    "restore the overlay first, then fill the rest in a second run"
                )
            return
        if self.dirt and (self.invert or self.mask_offset):
            raise UsageError(
                "--dirt goes with neither --invert nor --mask-offset; "
                "change the mask by vrestore mask edit, or find the dirt by vrestore mask dirt"
            )
        if not self.dirt or self.mask or self.box:
            mask_options(self)  # what does not fit together shows at once

    @property
    def is_to_widen(self) -> bool:
        """Whether it is still to be measured how far the mask is widened."""
        return isinstance(self.grow, str)

    @property
    def is_overlay_to_measure(self) -> bool:
        """Whether an overlay is still to be found, or measured; then it is known by a file of its own."""
        return self.overlay is not None and not str(self.overlay).endswith(MEASURED_SUFFIX)


_FOUND_FIRST = "dirt", "overlay", "auto"


def drawn_fields() -> dict[str, OptionField]:
    """Return the options that say what is meant by files and boxes, without what is found first."""
    return {name: each for name, each in options_of(MaskWords).items() if name not in _FOUND_FIRST}


def mask_options(words: MaskWords) -> MaskOptions:
    """Return what the masks are read by.

    Raises UsageError where nothing says what to fill, or how far masks are widened is still to be measured.
    """
    from vrestore.masks.masks import MaskOptions

    if isinstance(words.grow, str):
        raise UsageError(
            f"--grow {words.grow} is measured by inpaint, in one process; "
            "give pixels here, or one --device and no --executor"
        )
    return MaskOptions(
        paths=tuple(map(Path, as_paths(words.mask))),
        boxes=as_paths(words.box),
        invert=words.invert,
        grow=words.grow,
        feather=words.feather,
        offset=words.mask_offset,
        fit=words.mask_fit,
        allow_full=words.assume_yes,
    )
