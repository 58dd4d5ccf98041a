"""A source as the writer of a patch sees it: its times and its place, a picture with alpha, nothing else."""

from __future__ import annotations

from array import array
from collections import deque
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import av

from vrestore.errors import UsageError
from vrestore.frames import VideoMeta
from vrestore.media.container.feed import AnyPacket, CopySource, Feed
from vrestore.media.container.times import Moment
from vrestore.media.encode.containers import container_for
from vrestore.media.encode.encoder import EncodeOptions
from vrestore.media.images.names import IMAGE_KINDS, ImageNames, is_image_target
from vrestore.media.patch.layouts import layout_with_alpha, patch_encoder, patch_meta

CONTAINERS = {"mov", "matroska", "nut"}
"""Files that hold a picture with alpha and the times of its frames."""

_IMAGES = {".png", ".tif", ".tiff"}
_ADVICE = "--patch-only takes .mov, .mkv, or a row of PNG such as patch/%06d.png"


@dataclass(frozen=True)
class PatchSource:
    """A CopySource of which the picture alone is written, as `meta` says."""

    reader: CopySource
    meta: VideoMeta
    is_picture_only: bool = True

    @property
    def feed(self) -> Feed:
        return self.reader.feed

    @property
    def first_picture(self) -> av.VideoFrame:
        return self.reader.first_picture

    @property
    def first_index(self) -> int:
        return self.reader.first_index

    @property
    def first_pts(self) -> int:
        return self.reader.first_pts

    @property
    def start(self) -> Moment | None:
        return self.reader.start

    @property
    def end_seconds(self) -> Fraction | None:
        return self.reader.end_seconds

    @property
    def expected_end(self) -> Fraction | None:
        return self.reader.expected_end

    def stamps(self) -> array[int]:
        return self.reader.stamps()

    def claim(self, indices: frozenset[int]) -> deque[AnyPacket]:
        return self.reader.claim(indices)


def patch_source(
    target: str | Path, reader: CopySource, options: EncodeOptions
) -> tuple[PatchSource, EncodeOptions]:
    """Return the source and the encoder's options for a target that holds the patch alone.

    Raises UsageError where target, codec or source do not allow it.
    """
    own = reader.meta.pixel_format
    if own.alpha is not None:
        raise UsageError(
            f"{reader.meta.source!r} has an alpha of its own ({own.name}), over which a patch gives another "
            "result; drop --patch-only"
        )
    if str(target) == "-":
        raise UsageError(f"a pipe holds no alpha; {_ADVICE}")
    if is_image_target(target, reader):
        suffix = ImageNames(target, reader).suffix
        layout = layout_with_alpha(IMAGE_KINDS[suffix].layouts, reader.meta) if suffix in _IMAGES else None
        if layout is None:
            raise UsageError(f"{suffix} images hold no alpha; {_ADVICE}")
        return PatchSource(reader, patch_meta(reader.meta, layout)), options
    container = container_for(Path(target))
    if container not in CONTAINERS:
        raise UsageError(f"{Path(target).suffix} files hold no alpha for editors; {_ADVICE}")
    encoder, layout = patch_encoder(options.codec, container, reader.meta)
    return PatchSource(reader, patch_meta(reader.meta, layout)), replace(options, codec=encoder)
