"""What every command that reads a video and writes one can be told."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

from vrestore.device.devices import Kernels
from vrestore.device.memory import parse_bytes
from vrestore.errors import UsageError
from vrestore.media.choices import PROTOCOLS, FieldWork, Layout
from vrestore.option_schema import WRITE, PathLike, as_text, check_choice, check_choices, option

if TYPE_CHECKING:
    from vrestore.media.encode.encoder import EncodeOptions


def key_and_value(texts: list[str]) -> dict[str, str]:
    """Read `key=value`, several times; raises UsageError."""
    read = {}
    for text in texts:
        key, separator, value = text.partition("=")
        if not separator or not key:
            raise UsageError(f"-e takes key=value, for example -e tune=grain, got {text!r}")
        read[key] = value
    return read


def frame_rate(text: str | None) -> Fraction | None:
    """Read frames a second, such as `25` or `24000/1001`; raises UsageError."""
    if text is None:
        return None
    try:
        rate = Fraction(text)
    except (ValueError, ZeroDivisionError) as error:
        raise UsageError(f"--rate is frames a second, for example 25 or 24000/1001, got {text!r}") from error
    if rate <= 0:
        raise UsageError(f"--rate is more than 0 frames a second, got {text!r}")
    return rate


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOptions:
    """What every command can be told, whatever it does to the picture; all are optional."""

    target: PathLike | None = option(
        None,
        "By default SOURCE.COMMAND.EXT beside it.",
        more="The file to write.",
        affects="placement",
        panel=WRITE,
        flags=("--output", "-o"),
        metavar="TARGET",
        is_of_one_video=True,
    )
    overwrite: bool = option(
        False, "Replace a target that exists.", affects="placement", panel=WRITE, flags=("--overwrite", "-y")
    )
    codec: str | None = option(
        None,
        "By default what the source has.",
        panel=WRITE,
        flags=("--codec", "-c"),
        metavar="NAME",
        setting="encode.codec",
        is_of_pictures=True,
    )
    crf: float | None = option(
        None,
        "Quality of the encoder, lower is better.",
        panel=WRITE,
        metavar="N",
        setting="encode.crf",
        is_of_pictures=True,
    )
    preset: str | None = option(
        None,
        "Speed of the encoder.",
        panel=WRITE,
        metavar="NAME",
        setting="encode.preset",
        is_of_pictures=True,
    )
    encoder_options: Mapping[str, str] | None = option(
        None,
        "Straight to the encoder.",
        panel=WRITE,
        flags=("--encoder-option", "-e"),
        metavar="K=V",
        setting="encode.extra",
        parse=key_and_value,
        is_of_pictures=True,
        is_hidden=True,  # of use to who knows the encoder
    )
    compare: PathLike | None = option(
        None,
        "Also a video of before and after.",
        panel=WRITE,
        metavar="FILE",
        file="written",
        is_of_one_video=True,
        is_of_pictures=True,
    )
    compare_layout: Layout = option(
        "side",
        "side (default), split, difference, stack.",
        panel=WRITE,
        metavar="HOW",
        is_of_one_video=True,
        is_of_pictures=True,
        is_hidden=True,  # the one that is shown does for most
    )
    report: PathLike | None = option(
        None, "Also the report as JSON.", panel=WRITE, metavar="FILE", file="written"
    )
    strict: bool = option(
        False, "Rather fail than lose anything.", affects="placement", panel=WRITE, flags=("--strict",)
    )
    start: str | int | None = option(
        None,
        "From this time (1:02.5) or frame.",
        more="Only what lies between `start` and `stop` is restored and written.",
        metavar="TIME",
        is_of_one_video=True,
    )
    stop: str | int | None = option(
        None, "Up to, not including, this one.", metavar="TIME", is_of_one_video=True
    )
    rate: Fraction | None = option(
        None,
        "Of an image sequence; 24000/1001.",
        more="Frames a second of an image sequence.",
        metavar="FPS",
        is_of_one_video=True,
        parse=frame_rate,
    )
    deinterlace: bool = option(
        False,
        "Whole frames; + --double-rate for two.",
        more="Make whole frames of an interlaced source (bwdif), one of each of its frames. Masks, boxes, "
        "`start` and `stop` name the source's frames.",
        flags=("--deinterlace",),
    )
    double_rate: bool = option(
        False,
        "With it: one frame of each field.",
        more="With `deinterlace`: one frame of each field, twice as many a second, which keeps all motion.",
        flags=("--double-rate",),
        is_of_pictures=True,  # a mask counts the source's frames
        is_hidden=True,  # the message about interlaced video names it
    )
    detelecine: bool = option(
        False,
        "24 film frames out of 30 telecined.",
        more="Put the frames of film together again that telecine has spread over 30 a second (fieldmatch, "
        "decimate). The source is looked through once before.",
        flags=("--detelecine",),
        is_of_pictures=True,
    )
    allow_protocols: str | None = option(
        None,
        "Playlists may open file,http,https.",
        more="The source may be a playlist, and what that names is opened by `file`, `http`, `https`, "
        "`crypto`, or several with commas. Without it nothing but the source itself is opened.",
        metavar="LIST",
        setting="protocols",
        is_hidden=True,  # the error that asks for it names it
    )
    device: str = option(
        "auto",
        "auto (default), cpu, cuda, cuda:0,cuda:1.",
        affects="placement",  # but for its kind: see `device_kind`
        metavar="NAME",
    )
    kernels: Kernels = option(
        "auto",
        "auto (default), torch or cupy, on CUDA.",
        more="Which operations serve a CUDA device, see `vrestore doctor`.",
        metavar="NAME",
        is_hidden=True,  # of use to who measures them
        is_of_pictures=True,
    )
    threads: int = option(0, "0 takes all cores.", affects="placement", metavar="N", minimum=0)
    memory: int | str | None = option(
        None,
        "4GiB; by default half of what is free.",
        more="Bytes, or `4GiB`; by default half of what is free, and 80 % of a CUDA device's own memory, for "
        "which it holds as well.",
        affects="placement",
        metavar="SIZE",
        setting="memory_bytes",
    )
    segment: float = option(
        60.0,
        "Keep what is done so often (60).",
        more="Seconds after which at the latest what is done is kept, so that the same call goes on there "
        "when it was stopped; 0 keeps nothing. Shorter videos, pipes, playlists and images are done at once.",
        metavar="SECONDS",
        setting="segment_seconds",
        is_of_pictures=True,
        is_hidden=True,  # seldom of use; see docs/resume.md
    )
    resume: bool = option(
        True,
        "Begin anew, whatever is kept.",
        more="Go on where an earlier run was stopped; False starts afresh.",
        affects="placement",
        flags=("--no-resume",),
        is_of_pictures=True,
        is_hidden=True,
    )

    def __post_init__(self) -> None:
        for name in ("target", "compare", "report", "start", "stop"):
            object.__setattr__(self, name, as_text(getattr(self, name)))
        object.__setattr__(self, "encoder_options", dict(self.encoder_options or {}))
        check_choices(self, compare_layout="compare layout", kernels="kernels")
        for name in self.protocols:
            check_choice("an allowed protocol", name, list(PROTOCOLS))
        if not 0 <= self.segment < math.inf:
            raise UsageError(f"a segment is 0 s (none) or longer, got {self.segment:g}")
        if self.threads < 0:
            raise UsageError(f"threads are 0 (automatic) or more, got {self.threads}")
        if isinstance(self.memory, str):
            parse_bytes(self.memory)
        if self.double_rate and not self.deinterlace:
            raise UsageError("--double-rate says how to deinterlace; pass --deinterlace with it")
        if self.deinterlace and self.detelecine:
            raise UsageError(
                "--deinterlace and --detelecine exclude each other; film takes --detelecine alone"
            )

    @property
    def memory_bytes(self) -> int | None:
        """The bound of the memory, None where none is given."""
        return parse_bytes(self.memory) if isinstance(self.memory, str) else self.memory

    @property
    def protocols(self) -> tuple[str, ...]:
        """The protocols by which a playlist may open what it names."""
        return tuple(self.allow_protocols.split(",")) if self.allow_protocols else ()

    @property
    def fields(self) -> FieldWork | None:
        """What is made of interlaced pictures; None where they are refused."""
        if self.detelecine:
            return "film"
        if self.deinterlace:
            return "fields" if self.double_rate else "frames"
        return None

    @property
    def encode(self) -> EncodeOptions:
        """What the encoder is told."""
        from vrestore.media.encode.encoder import EncodeOptions

        return EncodeOptions(
            codec=self.codec, crf=self.crf, preset=self.preset, extra=dict(self.encoder_options or {})
        )


def device_kind(device: str) -> str:
    """Return `cpu` or `cuda` for a device; results of the two differ by a hair."""
    kind = device.partition(":")[0]
    return "cpu" if kind == "auto" else kind
