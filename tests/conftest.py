"""What every test may ask for: a GPU that is really there, the clips beside the repository."""

import os
import tempfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

BUILDS = "VRESTORE_TEST_BUILDS"
"""Names a folder for kernels that are built for the CPU; the processes of a session share it."""


def pytest_configure(config):
    if BUILDS in os.environ:  # a worker of pytest-xdist, which inherits it
        return
    folder = tempfile.TemporaryDirectory(prefix="vrestore-builds-")
    os.environ[BUILDS] = folder.name
    config.add_cleanup(folder.cleanup)
    config.add_cleanup(lambda: os.environ.pop(BUILDS))


def pytest_runtest_setup(item):
    if item.get_closest_marker("gpu"):
        unavailable_reason = _why_no_cuda()
        if unavailable_reason and os.environ.get("VRESTORE_REQUIRE_CUDA") == "1":
            pytest.fail(f"VRESTORE_REQUIRE_CUDA=1, but {unavailable_reason}", pytrace=False)
        if unavailable_reason:
            pytest.skip(f"NOT TESTED on a GPU: {unavailable_reason}")


@pytest.fixture(scope="session")
def root():
    """The checkout that these tests belong to."""
    return ROOT


@pytest.fixture(scope="session")
def data():
    """The folder of real clips: VRESTORE_DATA, or shared/data beside the repository."""
    folder = Path(os.environ.get("VRESTORE_DATA", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip("no real clips: VRESTORE_DATA names no folder and none lies beside the repository")
    return folder


def _why_no_cuda():
    import torch

    if torch.version.cuda is None:
        return "this torch is built without CUDA"
    return None if torch.cuda.is_available() else "torch finds no CUDA device"
