"""What `import vrestore` offers."""

import inspect
import pydoc
import subprocess
import sys

import pytest
from clips import planes_in, write_clip

import vrestore
from vrestore import DehazeOptions, InpaintOptions, MaskWords, RunOptions
from vrestore.option_schema import options_of


@pytest.fixture
def clip(tmp_path):
    return write_clip(tmp_path / "clip.mp4")


FUNCTIONS = {"batch", "batch_run", "dehaze", "dehaze_frames", "inpaint", "inpaint_frames", "open_video"}
FUNCTIONS |= {"plan_command", "plan_dehaze", "plan_inpaint", "run_command"}
TYPES = {"BatchReport", "DetectionReport", "PlanReport", "ProgressEvent", "Report", "VRestoreError"}
TYPES |= {"DehazeOptions", "InpaintOptions", "MaskWords", "RunOptions"}


def test_all_that_is_offered_is_there_and_described():
    assert set(dir(vrestore)) == FUNCTIONS | TYPES | {"__version__", "errors"}
    assert dir(vrestore) == sorted(dir(vrestore))
    assert all(getattr(vrestore, name).__doc__ for name in dir(vrestore))


def test_functions_are_functions_whatever_was_imported_before():
    code = "import vrestore.run.execute, vrestore.batching.folder, vrestore\n"
    code += f"assert all(callable(getattr(vrestore, name)) for name in {sorted(FUNCTIONS)!r})"
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize(
    ("function", "kinds"),
    [
        (vrestore.inpaint, (MaskWords, InpaintOptions, RunOptions)),
        (vrestore.plan_inpaint, (MaskWords, InpaintOptions, RunOptions)),
        (vrestore.dehaze, (DehazeOptions, RunOptions)),
        (vrestore.plan_dehaze, (DehazeOptions, RunOptions)),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_help_tells_every_option_with_its_default(function, kinds):
    parameters = inspect.signature(function).parameters
    words = pydoc.plain(pydoc.render_doc(function))
    for name, each in options_of(*kinds).items():
        assert parameters[name].default == each.default
        assert f"{name}: {each.option.more or each.option.help}" in " ".join(words.split()).replace("  ", " ")


def test_what_is_not_offered_is_an_attribute_error():
    with pytest.raises(AttributeError, match="module 'vrestore' has no attribute 'colorise'"):
        _ = vrestore.colorise


def test_a_video_can_be_read_frame_by_frame(clip):
    with vrestore.open_video(clip, start=2, stop=6) as reader:
        frames = list(reader)
    assert [frame.index for frame in frames] == [2, 3, 4, 5]
    for frame, planes in zip(frames, planes_in(clip)[2:6], strict=True):
        assert all((a == b).all() for a, b in zip(frame.planes, planes, strict=True))


def test_paths_may_be_words_or_paths(clip, tmp_path):
    one = vrestore.plan_inpaint(clip, box="1,1,9,9", memory="2GiB")
    other = vrestore.plan_inpaint(str(clip), box=["1,1,9,9"], memory=2**31)
    assert one == other
    assert one.target == str(tmp_path / "clip.inpaint.mp4")
