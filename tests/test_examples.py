"""Every numbered example runs from nothing, shows what it says, and stays short."""

import re
import runpy
import subprocess
import sys

import av
import cv2
import numpy as np
import pytest

pytestmark = pytest.mark.slow  # each starts a process of its own

SHOWN = {
    "01_remove_object.py": "hole pixels: ",
    "02_logo_by_box.py": "262,10,48,18: 24 of 24 frames repaired",
    "03_subtitles_by_time.py": "12 of 24 frames repaired",
    "04_image_sequence.py": "24 images of uint16 in ",
    "05_lossless_and_compare.py": "changed outside the box: 0\n",
    "06_plan_first.py": "24 frames 320x180 yuv420p",
    "07_progress.py": "MaskError, exit code 4: box '300,10,48,18' spans",
    "08_read_frames.py": "frame 4 at 0.167 s",
    "09_clear_haze.py": "24 frames cleared\nhaze: ",
    "10_restore_overlay.py": "overlay: ",
    "11_patch_alone.py": "is the result within 0 levels of 255",
}
MOST_LINES = 40


@pytest.fixture
def run(root, tmp_path, monkeypatch, capsys):
    """Run an example as `python examples/NAME FOLDER` would, and return what it printed."""

    def run_it(name):
        monkeypatch.syspath_prepend(root / "examples")
        monkeypatch.setattr(sys, "argv", [name, str(tmp_path / "made")])
        runpy.run_path(str(root / "examples" / name), run_name="__main__")
        return capsys.readouterr().out

    return run_it


@pytest.mark.parametrize("name", sorted(SHOWN))
def test_an_example_shows_what_it_says(name, run):
    assert SHOWN[name] in run(name)


def test_every_numbered_example_is_run(root):
    assert sorted(path.name for path in (root / "examples").glob("[0-9]*.py")) == sorted(SHOWN)


@pytest.mark.parametrize("name", sorted(SHOWN))
def test_an_example_is_short(name, root):
    assert len((root / "examples" / name).read_text().splitlines()) < MOST_LINES


@pytest.mark.parametrize("name", sorted(SHOWN))
def test_an_example_says_how_it_is_run(name, root):
    first = (root / "examples" / name).read_text().splitlines()[0]
    assert re.fullmatch(rf'"""[A-Z].*: python examples/{name} \[FOLDER\]\."""', first)


def test_the_ball_is_gone(run, tmp_path):
    run("01_remove_object.py")
    with av.open(str(tmp_path / "made" / "without_ball.mp4")) as container:
        frames = [frame.to_ndarray(format="rgb24").astype(int) for frame in container.decode(video=0)]
    reds = [np.count_nonzero(frame[..., 0] - frame[..., 1:].max(axis=-1) > 120) for frame in frames]
    assert len(frames) == 24
    assert max(reds) == 0


@pytest.mark.slow
def test_the_picture_of_the_readme_is_drawn_from_two_clips(root, tmp_path, run):
    run("01_remove_object.py")
    made, script = tmp_path / "made", root / "examples" / "before_after.py"
    words = [made / "clip.mp4", made / "without_ball.mp4", tmp_path / "strip.jpg"]
    subprocess.run([sys.executable, script, *words], check=True)
    strip = cv2.imread(str(tmp_path / "strip.jpg"))
    assert strip.shape == (2 * 240 + 6, 426, 3)  # one of the three moments lies in 24 frames


def test_a_picture_of_the_pages_on_masks_shows_what_is_found_and_filled(root, tmp_path):
    script, parts = root / "examples" / "mask_pictures.py", 3
    subprocess.run([sys.executable, script, tmp_path, "filled_specks"], check=True)
    strip = cv2.imread(str(tmp_path / "filled_specks.jpg")).astype(int)
    assert strip.shape == (140, 3 * 210 + 2 * 5, 3)
    dirty, mask, filled = (strip[:, 215 * part :][:, :210] for part in range(parts))
    marked = cv2.erode(np.uint8(mask[..., 0] > 200), np.ones((3, 3))) > 0
    changed = np.abs(dirty - filled).max(axis=-1)
    assert np.count_nonzero(marked) > 50
    assert np.median(changed[marked]) > 20
    assert np.median(changed[mask[..., 0] < 50]) < 3
