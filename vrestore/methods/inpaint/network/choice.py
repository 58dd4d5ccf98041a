"""Which networks a run works with: one that corrects what was propagated, and a painter of the user's own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from vrestore.device.devices import network_precision
from vrestore.methods.base import Context, Values
from vrestore.methods.inpaint.options import DEFAULT_MODEL, InpaintOptions
from vrestore.methods.inpaint.plan import Plan
from vrestore.methods.inpaint.settings import NetworkSettings, PainterSettings
from vrestore.models.library import find_weights


@dataclass(frozen=True, slots=True)
class Networks:
    """`refiner` corrects what was propagated, `painter` paints what no frame shows; None without one."""

    refiner: NetworkSettings | None = None
    painter: PainterSettings | None = None

    def settings(self) -> Values:
        """Return what a report says of them, with the hashes of their files."""
        values: Values = {}
        if self.refiner is not None:
            sha256 = find_weights(self.refiner.model).sha256()
            values["network"] = asdict(self.refiner) | {"sha256": sha256}
        if self.painter is not None:
            values["painter"] = {"sha256": self.painter.sha256}
        return values

    def lines(self) -> list[str]:
        """Say which work."""
        return [each.line() for each in (self.refiner, self.painter) if each is not None]

    def described(self) -> Values:
        """Return them in plain values, for `networks_again`."""
        return asdict(self)


def find_networks(context: Context, options: InpaintOptions, plan: Plan) -> Networks:
    """Return the networks that options ask for, once there is such a model and the painter is seen to paint.

    Raises UsageError or ModelError where that is not so.
    """
    refiner, painter, device = None, None, context.device
    if options.has_network:
        weights = find_weights(str(options.model or DEFAULT_MODEL))
        precision = network_precision(device) if options.precision == "auto" else options.precision
        refiner = NetworkSettings(str(weights.path), plan.network_scale, precision, device, context.kernels)
    if options.painter is not None:
        from vrestore.methods.inpaint.texture.onnx_painter.network import painter_settings

        painter = painter_settings(str(options.painter), threads=plan.threads, device=device)
    return Networks(refiner, painter)


def networks_again(described: Mapping[str, Any], *, device: str) -> Networks:
    """Return networks that were described, on another device."""
    refiner, painter = (
        None if described[name] is None else described[name] | {"device": device}
        for name in ("refiner", "painter")
    )
    return Networks(
        None if refiner is None else NetworkSettings(**refiner),
        None if painter is None else PainterSettings(**painter),
    )
