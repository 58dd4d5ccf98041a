"""What all holes of a run are filled with: threads, a device, and the estimators of flow."""

from __future__ import annotations

from concurrent.futures import Executor
from dataclasses import dataclass

from vrestore.device.fallback import DeviceFallback
from vrestore.flow.estimator import FlowEstimator, FlowName, make_estimator
from vrestore.methods.inpaint.settings import Settings

NETWORK_FLOW: FlowName = "fast"
"""The motion that the network is given need not be finer: it aligns features at half size and below."""


@dataclass(frozen=True, slots=True)
class Tools:
    """Made once a run and handed down.

    `flow` sees pictures in cells, `network_flow` those that the network is given.
    """

    executor: Executor
    fallback: DeviceFallback
    flow: FlowEstimator
    network_flow: FlowEstimator


def make_tools(settings: Settings, executor: Executor) -> Tools:
    """Make the tools that settings name; work on threads is done by `executor`."""
    return Tools(
        executor,
        DeviceFallback(settings.device),
        # Patches are shown in cells of 2**scale pixels, so flow is as fine as they are.
        make_estimator(settings.preset, scale=settings.scale, shrunk=settings.scale),
        make_estimator(NETWORK_FLOW),
    )
