"""All checks of a mask, each with a line that says what to do."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Literal

from vrestore.errors import UsageError
from vrestore.flow.estimator import make_estimator
from vrestore.frames import VideoMeta
from vrestore.masks.masks import Masks, open_masks
from vrestore.masks.options import MaskWords, mask_options
from vrestore.media.reader import open_video
from vrestore.methods.base import Values
from vrestore.methods.mask_check.marks import gaps, is_turned_round
from vrestore.methods.mask_check.rim import rim_pixels
from vrestore.methods.mask_check.timing import frames_late
from vrestore.methods.mask_check.windows import (
    LEAST_FRAMES,
    LINES,
    PLACES,
    SmallMasks,
    read_windows,
)
from vrestore.option_schema import PathLike

Kind = Literal["turned", "gaps", "timing", "rim"]


@dataclass(frozen=True, slots=True)
class Finding:
    """Something about a mask that looks wrong, in one line."""

    kind: Kind
    text: str


@dataclass(frozen=True, slots=True)
class MaskCheck:
    """What was found, and how many frames of the video were looked at; with none only the masks were."""

    findings: list[Finding]
    looked_at: int

    def lines(self) -> list[str]:
        """Return it as a person reads it."""
        looked = f"{self.looked_at} frames of the video were looked at"
        if not self.looked_at:
            looked = f"fewer than {LEAST_FRAMES} frames have a hole: only the masks were looked at"
        if not self.findings:
            return [f"nothing looks wrong; {looked}"]
        return [*(each.text for each in self.findings), looked]

    def to_dict(self) -> Values:
        """Return it for programs."""
        return asdict(self)


def check_video(source: PathLike, words: MaskWords) -> MaskCheck:
    """Read masks as `inpaint` does with the same words, and check them.

    Raises InputError, MaskError or UsageError as for reading a video and its masks.
    """
    if str(source) == "-":
        raise UsageError("a mask is checked against a video that can be read twice, got -; give a file")
    with (
        open_video(source) as reader,
        open_masks(mask_options(words), reader.meta, start_pts=reader.first_pts) as masks,
    ):
        return check_masks(str(source), reader.meta, masks)


def check_masks(source: str, meta: VideoMeta, masks: Masks) -> MaskCheck:
    """Look at all masks, and at a few dozen frames of the video under them.

    `source` is opened anew; `-`, which cannot be, is not looked at, nor are frames made from fields, which
    are made from the beginning. Raises InputError where it cannot be read.
    """
    findings = [*_turned(masks, meta), *_gaps(masks)]
    if source == "-" or meta.numbers.is_made:
        return MaskCheck(findings, 0)
    windows = list(read_windows(source, masks, meta))
    small = SmallMasks(masks, meta)
    flow = make_estimator("fast", scale=0)
    late = frames_late(windows, small, flow)
    if late:
        findings.append(_late(late, masks))
    elif rim := rim_pixels(windows, small, flow):  # a mask that is late leaves a rim on one side anyway
        findings.append(_rim(rim, masks, meta))
    return MaskCheck(findings, sum(len(window.pictures) for window in windows))


def _turned(masks: Masks, meta: VideoMeta) -> list[Finding]:
    if not is_turned_round(masks, height=meta.height, width=meta.width):
        return []
    advice = "drop --invert" if masks.options.invert else "pass --invert"
    return [
        Finding(
            "turned",
            "the mask covers most of the picture and nearly all of its border; if it marks what is to be "
            f"kept, {advice}",
        )
    ]


def _gaps(masks: Masks) -> list[Finding]:
    found = gaps(masks)
    if not found:
        return []
    where = ", ".join(map(str, found[:PLACES])) + (", ..." if len(found) > PLACES else "")
    return [
        Finding(
            "gaps",
            f"what the mask marks before and after is missing at {len(found)} frame(s) ({where}); "
            "vrestore mask edit MASK --smooth 5 -o steady.mkv closes such gaps",
        )
    ]


def _late(frames: int, masks: Masks) -> Finding:
    how = "late" if frames > 0 else "early"
    return Finding(
        "timing",
        f"the mask seems to come {abs(frames)} frame(s) {how}; "
        f"pass --mask-offset {masks.options.offset - frames}",
    )


def _rim(pixels: int, masks: Masks, meta: VideoMeta) -> Finding:
    wide = math.ceil(pixels * max(1.0, meta.height / LINES))
    return Finding(
        "rim",
        f"about {wide} pixels around the mask do not fit the background: a rim or a shadow is left outside; "
        f"pass --grow {masks.grow + wide}, or mark the shadow too",
    )
