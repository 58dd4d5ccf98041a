"""What is installed is what is in the repository, no more and no less."""

import shutil
import subprocess
import sys
import zipfile

import pytest


@pytest.fixture(scope="module")
def tracked(root):
    """The files that git knows, links included, without those that were deleted."""
    if not (root / ".git").exists():
        pytest.skip("not a git checkout, so there is no list to compare with")
    listing = subprocess.run(
        ["git", "ls-files", "-z"], cwd=root, check=True, capture_output=True, text=True
    ).stdout
    names = (name for name in listing.split("\0") if name)
    return [name for name in names if (root / name).exists()]


@pytest.fixture(scope="module")
def wheel(root, tracked, tmp_path_factory):
    """The names in a wheel built from a copy of the tracked files alone."""
    folder = tmp_path_factory.mktemp("source")
    for name in tracked:
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(root / name, target, follow_symlinks=False)
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", "out", "."]
    result = subprocess.run(command, cwd=folder, check=False, capture_output=True, text=True)
    assert result.returncode == 0, result.stdout[-2000:] + result.stderr[-2000:]
    (path,) = (folder / "out").glob("*.whl")
    with zipfile.ZipFile(path) as archive:
        return set(archive.namelist())


def test_the_wheel_holds_every_tracked_file_of_the_packages(wheel, tracked):
    expected = set()
    for name in tracked:
        package, _, rest = name.partition("/")
        if package in {"kernels", "models"}:
            expected.add(f"vrestore/{package}/{rest}")
        elif package == "vrestore" and rest not in {"kernels", "models"}:
            expected.add(name)
    assert {name for name in wheel if ".dist-info/" not in name} == expected


def test_the_wheel_carries_the_licence(wheel):
    assert any(name.endswith("licenses/LICENSE") for name in wheel)


@pytest.mark.parametrize("package", ["kernels", "models"])
def test_the_mapped_packages_refuse_their_short_name(root, package):
    result = subprocess.run(
        [sys.executable, "-c", f"import {package}"], cwd=root, check=False, capture_output=True, text=True
    )
    assert f"import this package as 'vrestore.{package}'" in result.stderr
