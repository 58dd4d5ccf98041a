"""The detectors that there are: those of this package, and those that plugins bring."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from vrestore.detect.base import Detector
from vrestore.detect.dirt.detector import DIRT
from vrestore.detect.logo.detector import LOGO
from vrestore.detect.text.detector import TEXT
from vrestore.plugins import load_plugins

_DETECTORS: dict[str, Detector] = {detector.name: detector for detector in (LOGO, TEXT, DIRT)}


def register(detector: Detector) -> Detector:
    """Add a detector; raises ValueError for a name that another one has."""
    known = _DETECTORS.setdefault(detector.name, detector)
    if known is not detector:
        raise ValueError(f"there is a detector {detector.name!r} already")
    return detector


def detectors() -> Mapping[str, Detector]:
    """Return all detectors by name, those of plugins too."""
    load_plugins()
    return MappingProxyType(_DETECTORS)
