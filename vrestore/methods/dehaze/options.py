"""What `dehaze` can be told."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, get_args

from vrestore.device.devices import AskedPrecision
from vrestore.errors import UsageError
from vrestore.option_schema import WRITE, PathLike, as_text, check_choices, check_range, option

HAZE = "What to take away"

Algorithm = Literal["cgidn", "dcp"]
AirLight = Literal["auto", "shot"]
Hazy = Literal["auto", "yes"]

DEFAULT_MODEL = "cgidn-small"


@dataclass(frozen=True, slots=True, kw_only=True)
class DehazeOptions:
    """What `dehaze` can be told beside what every command can; all are optional."""

    strength: float = option(
        75.0,
        "0 (copy) to 100 (all), 75 by default.",
        more="0 to 100, the share of the haze that is taken away; 0 copies the picture bit for bit.",
        panel=HAZE,
        metavar="N",
    )
    haze: Hazy = option(
        "auto",
        "auto (default), or yes: there is haze.",
        more="`auto` holds back where it is not certain that there is haze; `yes` takes your word for it.",
        panel=HAZE,
        metavar="HOW",
    )
    color: float = option(
        100.0,
        "0 as filmed to 100 (default) restored.",
        more="0 to 100, how far colors come back with contrast; 0 keeps saturation and tint as filmed.",
        panel=HAZE,
        metavar="N",
    )
    keep_depth: bool = option(
        False,
        "Leave haze in the distance.",
        more="Leave haze in the distance, so that far looks far.",
        panel=HAZE,
        flags=("--keep-depth",),
    )
    protect_sky: bool = option(False, "Leave the sky as it is.", panel=HAZE, flags=("--protect-sky",))
    airlight: str = option(
        "auto",
        "auto (default), shot or #rrggbb.",
        more="The color of the haze: `auto` follows it, `shot` takes one a shot, or `#rrggbb`.",
        panel=HAZE,
        metavar="HOW",
    )
    steady: float = option(
        0.9,
        "0 (none) to 1 (slow), 0.9 by default.",
        more="0 to 1, how slowly the haze may change within a shot; 0 looks at every frame by itself.",
        panel=HAZE,
        metavar="N",
    )
    night: bool = option(
        False,
        "The haze is lit by lamps.",
        more="The haze is lit by lamps, so its color differs from place to place.",
        panel=HAZE,
        flags=("--night",),
    )
    method: Algorithm = option(
        "cgidn",
        "cgidn (network, default) or dcp.",
        more="`cgidn`, a network, or `dcp`, the dark channel prior.",
        panel=HAZE,
        metavar="NAME",
    )
    model: PathLike | None = option(None, "Other weights for cgidn.", panel=HAZE, metavar="FILE")
    matte: PathLike | None = option(
        None,
        "Also the transmission as a clip.",
        more="Also write the transmission as a clip, white is clear air.",
        panel=WRITE,
        metavar="FILE",
        file="written",
    )
    precision: AskedPrecision = option(
        "auto",
        "Of the network: auto, fp32, bf16.",
        more="Of the network: `auto`, `fp32` or `bf16`; `auto` is fp32 on the CPU.",
        metavar="NAME",
    )

    def __post_init__(self) -> None:
        for name in ("model", "matte"):
            object.__setattr__(self, name, as_text(getattr(self, name)))
        check_choices(self, method="method", precision="precision", haze="haze")
        check_range("strength", self.strength, 100)
        check_range("color", self.color, 100)
        check_range("steady", self.steady, 1)
        if self.airlight not in get_args(AirLight) and self.air is None:
            raise UsageError(f"airlight is auto, shot or a color such as #d8dce0, got {self.airlight!r}")
        if self.model is not None and not self.has_network:
            raise UsageError(f"--model is for the method cgidn, got --method {self.method}")

    @property
    def has_network(self) -> bool:
        """Whether haze is estimated by a network."""
        return self.method == "cgidn"

    @property
    def air(self) -> tuple[float, float, float] | None:
        """The color of the haze in [0, 1], None where it is not given."""
        match = re.fullmatch(r"#([0-9a-fA-F]{2})([0-9a-fA-F]{2})([0-9a-fA-F]{2})", self.airlight)
        if match is None:
            return None
        red, green, blue = (int(part, 16) / 255 for part in match.groups())
        return red, green, blue
