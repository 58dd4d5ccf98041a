"""How close is close enough, by type: the one place tolerances come from."""

import numpy as np

_BOUNDS = {
    "float64": (1e-12, 1e-10),
    "float32": (1e-5, 1e-4),
    "float16": (2e-3, 2e-2),
    "bfloat16": (2e-2, 2e-2),
}
"""Absolute and relative bound of a few hundred operations on values about 1."""


def assert_close(actual, expected, *, dtype=None):
    """Compare within the bounds of `dtype`, by default that of `actual`; integers are compared exactly."""
    name = str(dtype or actual.dtype).removeprefix("torch.")
    absolute, relative = _BOUNDS.get(name, (0, 0))
    np.testing.assert_allclose(_array(actual), _array(expected), rtol=relative, atol=absolute)


def _array(values):
    if hasattr(values, "detach"):
        values = values.detach().cpu().double()
    return np.asarray(values)
