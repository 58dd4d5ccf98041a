"""What `inpaint` can be told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from vrestore.device.devices import AskedPrecision
from vrestore.errors import UsageError
from vrestore.option_schema import WRITE, PathLike, as_text, check_choices, option

Algorithm = Literal["tsam", "propagate"]
Quality = Literal["draft", "balanced", "best"]
Paint = Literal["texture", "smooth"]

DEFAULT_MODEL = "tsam-small"

NETWORK_SCALES = (1, 2, 4, 8)
"""How many times smaller than the picture the network may work."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InpaintOptions:
    """What `inpaint` can be told beside what every command can and what says what to fill."""

    reveal_map: PathLike | None = option(
        None,
        "Also a clip of where colors come from.",
        more="Also write a clip that shows which pixels were copied, blended and painted.",
        panel=WRITE,
        metavar="FILE",
        file="written",
    )
    method: Algorithm = option(
        "propagate",
        "propagate (default) or tsam, a network.",
        more="`tsam` corrects what was propagated by a network, `propagate` does without.",
        metavar="NAME",
    )
    quality: Quality = option("balanced", "draft, balanced (default) or best.", metavar="NAME")
    paint: Paint = option(
        "texture",
        "What no frame shows: texture (default), smooth.",
        more="How `propagate` paints what no frame shows: `texture` puts it together from patches of its "
        "surroundings where these fit, `smooth` continues colors from the rim.",
        metavar="NAME",
    )
    model: PathLike | None = option(
        None,
        "Weights: a model's name or file.",
        more="Weights for `tsam`: the name of a shipped or imported model, or a path.",
        metavar="NAME",
    )
    network_scale: int = option(
        0,
        "Network at 1/N: 1, 2, 4, 8; 0 chooses.",
        more="How many times smaller than the picture the network works, 0 is automatic.",
        metavar="N",
        is_hidden=True,  # of use to who measures networks
    )
    precision: AskedPrecision = option(
        "auto", "Of the network: auto, fp32, bf16.", metavar="NAME", is_hidden=True
    )

    def __post_init__(self) -> None:
        for name in ("reveal_map", "model"):
            object.__setattr__(self, name, as_text(getattr(self, name)))
        check_choices(self, method="method", quality="quality", precision="precision", paint="paint")
        if self.network_scale not in (0, *NETWORK_SCALES):
            scales = ", ".join(map(str, NETWORK_SCALES))
            raise UsageError(f"the network's scale is 0 (automatic) or {scales}, got {self.network_scale}")
        if self.model is not None and not self.has_network:
            raise UsageError(f"a model is for the method tsam, got the method {self.method}")

    @property
    def has_texture(self) -> bool:
        """Whether what no frame shows is painted with texture, where that fits."""
        return not self.has_network and self.paint != "smooth"

    @property
    def has_network(self) -> bool:
        """Whether a network corrects what was propagated."""
        return self.method == "tsam"
