"""From a file to a file: what `vrestore.inpaint` does, says and leaves."""

import json
import threading

import numpy as np
import pytest
from clips import planes_in, stamps_of, write_clip, write_pictures
from textured import panned, texture

import vrestore
from vrestore.errors import LossError, MaskError, OutOfMemory, TargetError

BOX = "21,15,11,9"
SHARP = {"grow": 0, "feather": 0}
LOSSLESS = {"codec": "ffv1"} | SHARP


@pytest.fixture
def clip(tmp_path):
    return write_clip(tmp_path / "clip.mp4")


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def outside(plane, *, x, y, width, height):
    """A plane's samples outside a box, flat."""
    keep = np.ones(plane.shape, bool)
    keep[y : y + height, x : x + width] = False
    return plane[keep]


def test_a_report_says_what_was_done(clip, tmp_path):
    report = vrestore.inpaint(clip, box=BOX, **SHARP)
    assert (report.source, report.target) == (str(clip), str(tmp_path / "clip.inpaint.mp4"))
    assert (report.frames, report.repaired_frames, report.scenes) == (8, 8, 1)
    assert (report.method, report.device, report.codec) == ("propagate", "cpu", "libx264")
    assert report.details.origins.total == 8 * 11 * 9
    assert (report.damage, report.exit_code) == ([], 0)
    assert set(report.stage_seconds) == {"decode", "restore", "encode"}
    assert sum(report.stage_seconds.values()) > 0
    assert report.peak_memory_bytes > 2**20


def test_the_written_report_is_the_one_that_is_given(clip, tmp_path):
    report = vrestore.inpaint(
        clip, box=[BOX, "1,1,5,5@2-4"], target=tmp_path / "out.mkv", report=tmp_path / "report.json", crf=20
    )
    written = json.loads((tmp_path / "report.json").read_text())
    assert written == json.loads(json.dumps(report.to_dict()))
    assert written["settings"]["masks"]["boxes"] == [BOX, "1,1,5,5@2-4"]
    assert written["settings"]["encode"]["crf"] == 20
    assert (written["settings"]["masks"]["grow"], written["settings"]["masks"]["feather"]) == (0, 0)
    assert written["plan"]["track_count"] >= 1


@pytest.mark.parametrize(
    ("layout", "size", "shift"),
    [
        ("yuv420p", (45, 63), (1, 1)),
        ("yuv422p10le", (45, 63), (0, 1)),
        ("yuv444p", (44, 62), (0, 0)),
        ("gray", (45, 63), (0, 0)),
    ],
    ids=["420", "422-10", "444", "gray"],
)
def test_outside_the_hole_no_sample_of_any_plane_changes(tmp_path, layout, size, shift):
    source = write_clip(
        tmp_path / "in.mkv", codec="ffv1", layout=layout, height=size[0], width=size[1], frames=4, noise=True
    )
    vrestore.inpaint(source, box=BOX, target=tmp_path / "out.mkv", **LOSSLESS)
    for before, after in zip(planes_in(source), planes_in(tmp_path / "out.mkv"), strict=True):
        for number, (old, new) in enumerate(zip(before, after, strict=True)):
            down, across = shift if number else (0, 0)
            x, y = 21 >> across, 15 >> down
            box = {"x": x, "y": y, "width": (31 >> across) + 1 - x, "height": (23 >> down) + 1 - y}
            assert (outside(old, **box) == outside(new, **box)).all()
            assert (old != new).any()


def with_hidden(path, pictures, seed):
    """The pictures as a lossless clip with noise of that seed in the box."""
    rng = np.random.default_rng(seed)
    for picture in pictures:
        picture[15:24, 21:32] = rng.integers(0, 256, (9, 11, 3))
    return write_pictures(path, pictures, layout="bgr0")


def test_the_result_does_not_depend_on_what_is_hidden(tmp_path):
    views = panned(texture(70, 90), count=6, height=45, width=63, step=(2.0, 1.0))
    pictures = [np.rint(view.transpose(1, 2, 0) * 255).astype(np.uint8) for view in views]
    results = []
    for seed in range(2):
        source = with_hidden(tmp_path / f"in{seed}.mkv", pictures, seed)
        vrestore.inpaint(source, box=BOX, target=tmp_path / f"out{seed}.mkv", **LOSSLESS)
        results.append(planes_in(tmp_path / f"out{seed}.mkv"))
    for one, other in zip(*results, strict=True):
        assert all((a == b).all() for a, b in zip(one, other, strict=True))


def test_threads_do_not_change_the_result(clip, tmp_path):
    results = []
    for threads in (1, 3):
        target = tmp_path / f"out{threads}.mkv"
        vrestore.inpaint(clip, box=BOX, target=target, threads=threads, **LOSSLESS)
        results.append(planes_in(target))
    for one, other in zip(*results, strict=True):
        assert all((a == b).all() for a, b in zip(one, other, strict=True))


@pytest.mark.parametrize(
    ("options", "part"),
    [
        ({"start": 3}, slice(3, None)),
        ({"stop": 5}, slice(None, 5)),
        ({"start": 2, "stop": 3}, slice(2, 3)),
        ({"start": "0.12s", "stop": "0.24s"}, slice(3, 6)),
    ],
    ids=["start", "stop", "one", "times"],
)
def test_a_part_of_a_video_is_that_part_alone(clip, tmp_path, options, part):
    report = vrestore.inpaint(clip, box=BOX, target=tmp_path / "out.mkv", **options, **LOSSLESS)
    source, result = planes_in(clip)[part], planes_in(tmp_path / "out.mkv")
    assert report.frames == len(result) == len(source)
    for before, after in zip(source, result, strict=True):
        box = {"x": 21, "y": 15, "width": 11, "height": 9}
        assert (outside(before[0], **box) == outside(after[0], **box)).all()


def test_a_box_with_times_counts_from_the_sources_start(clip, tmp_path):
    """Frames 4 and 5 of the source, whichever part of it is read."""
    target = tmp_path / "out.mkv"
    report = vrestore.inpaint(clip, box=f"{BOX}@0.16s-0.24s", start=2, target=target, **LOSSLESS)
    changed = [
        (before[0] != after[0]).any()
        for before, after in zip(planes_in(clip)[2:], planes_in(target), strict=True)
    ]
    assert changed == [False, False, True, True, False, False]
    assert report.repaired_frames == 2


def test_a_box_with_times_keeps_them_where_the_rate_varies(tmp_path):
    """Also when the first frame that is read is not the source's first."""
    stamps = [round(12800 * seconds) for seconds in (0, 0.04, 0.08, 0.40, 0.44, 0.48, 0.52, 0.56)]
    source, target = write_clip(tmp_path / "in.mp4", stamps=stamps), tmp_path / "out.mkv"
    vrestore.inpaint(source, box=f"{BOX}@0.42s-0.5s", start=3, target=target, **LOSSLESS)
    changed = [
        (before[0] != after[0]).any()
        for before, after in zip(planes_in(source)[3:], planes_in(target), strict=True)
    ]
    assert changed == [False, True, True, False, False]


def test_timestamps_come_back_where_the_rate_varies(tmp_path):
    stamps = [round(12800 * seconds) for seconds in (0, 0.04, 0.09, 0.31, 0.33, 0.80, 0.81, 1.7)]
    source = write_clip(tmp_path / "in.mp4", stamps=stamps)
    vrestore.inpaint(source, box=BOX, target=tmp_path / "out.mp4")
    assert stamps_of(tmp_path / "out.mp4") == stamps_of(source)


@pytest.mark.parametrize("size", [(1, 1), (2, 3)], ids=str)
@pytest.mark.parametrize("frames", [1, 2])
def test_the_smallest_videos_are_restored(tmp_path, size, frames):
    source = write_clip(
        tmp_path / "in.mkv", codec="ffv1", layout="yuv444p", height=size[0], width=size[1], frames=frames
    )
    report = vrestore.inpaint(source, box="0,0,1,1", target=tmp_path / "out.mkv", assume_yes=True, **LOSSLESS)
    assert (report.frames, len(planes_in(tmp_path / "out.mkv"))) == (frames, frames)


@pytest.mark.parametrize("layout", ["side", "split", "difference"])
def test_a_comparison_has_a_picture_for_each_frame(clip, tmp_path, layout):
    both = tmp_path / "both.mp4"
    report = vrestore.inpaint(
        clip, box=BOX, target=tmp_path / "out.mp4", compare=both, compare_layout=layout, start=2
    )
    assert report.extra_files == [str(both)]
    assert len(stamps_of(both)) == 6


def test_progress_tells_the_plan_then_every_frame_then_the_check(clip, tmp_path):
    events = []
    vrestore.inpaint(clip, box=BOX, target=tmp_path / "out.mp4", progress=events.append)
    assert [event.frame for event in events if event.event == "progress"] == list(range(1, 9))
    assert {event.frames for event in events if event.event == "progress"} == {8}
    order = [event.stage or event.event for event in events]
    assert list(dict.fromkeys(order)) == ["masks", "plan", "inpaint", "verify"]


def test_a_plan_writes_nothing_and_says_what_a_run_would_do(clip, tmp_path):
    plan = vrestore.plan_inpaint(clip, box=BOX, target=tmp_path / "out.mp4", compare=tmp_path / "both.mp4")
    assert (plan.frames, plan.frames_with_holes, plan.codec) == (8, 8, "libx264")
    assert names(tmp_path) == ["clip.mp4"]
    report = vrestore.inpaint(clip, box=BOX, target=tmp_path / "out.mp4", memory=plan.plan.memory_bytes)
    assert report.plan == plan.plan


def test_too_little_memory_is_refused_before_anything_is_written(clip, tmp_path):
    with pytest.raises(OutOfMemory, match="pass --memory with more"):
        vrestore.inpaint(clip, box=BOX, memory="100MiB")
    assert names(tmp_path) == ["clip.mp4"]


def test_little_memory_shrinks_the_plan_and_the_run_goes_on(clip, tmp_path):
    wide = vrestore.plan_inpaint(clip, box=BOX, memory="8GiB").plan
    report = vrestore.inpaint(
        clip, box=BOX, memory=wide.expected_bytes - 1, target=tmp_path / "out.mp4", threads=wide.threads
    )
    assert report.plan.look_ahead < wide.look_ahead
    assert report.plan.expected_bytes < wide.expected_bytes
    assert report.frames == 8


@pytest.fixture
def torn(tmp_path):
    """A clip that ends too early."""
    whole = write_clip(tmp_path / "whole.mkv", codec="ffv1", frames=20, noise=True)
    data = whole.read_bytes()
    whole.unlink()
    (tmp_path / "torn.mkv").write_bytes(data[: len(data) * 6 // 10])
    return tmp_path / "torn.mkv"


def test_of_a_torn_source_what_is_readable_is_restored_and_the_rest_told(torn, tmp_path):
    report = vrestore.inpaint(torn, box=BOX, target=tmp_path / "out.mkv")
    assert 5 < report.frames < 20
    assert report.exit_code == 9
    assert report.damage
    assert len(stamps_of(tmp_path / "out.mkv")) == report.frames


def test_strict_refuses_a_torn_source_and_leaves_nothing(torn, tmp_path):
    with pytest.raises(LossError, match="drop --strict to go on"):
        vrestore.inpaint(torn, box=BOX, target=tmp_path / "out.mkv", strict=True, report=tmp_path / "r.json")
    assert names(tmp_path) == ["torn.mkv"]


def test_strict_takes_a_whole_source(clip, tmp_path):
    assert vrestore.inpaint(clip, box=BOX, target=tmp_path / "out.mp4", strict=True).exit_code == 0


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError], ids=["interrupted", "failed"])
@pytest.mark.parametrize("at", [1, 8], ids=["first", "last"])
def test_a_run_that_ends_early_leaves_nothing(clip, tmp_path, at, error):
    def progress(event):
        if event.frame == at:
            raise error

    threads = set(threading.enumerate())
    with pytest.raises(error):
        vrestore.inpaint(
            clip,
            box=BOX,
            target=tmp_path / "out.mp4",
            compare=tmp_path / "both.mp4",
            report=tmp_path / "report.json",
            progress=progress,
        )
    assert names(tmp_path) == ["clip.mp4"]
    assert set(threading.enumerate()) <= threads


def test_a_target_that_exists_stays_as_it_was_when_a_run_fails(clip, tmp_path):
    target = tmp_path / "out.mp4"
    target.write_text("mine")

    def progress(event):
        if event.frame == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        vrestore.inpaint(clip, box=BOX, target=target, overwrite=True, progress=progress)
    assert target.read_text() == "mine"


@pytest.mark.parametrize(
    "options",
    [
        {"target": "clip.mp4", "overwrite": "yes"},
        {"compare": "out.mp4"},
        {"compare": "clip.mp4", "overwrite": "yes"},
        {"report": "clip.mp4"},
        {"report": "no/folder/report.json"},
        {"compare": "no/folder/both.mp4"},
    ],
    ids=[
        "target-is-source",
        "compare-is-target",
        "compare-is-source",
        "report-is-source",
        "report",
        "compare",
    ],
)
def test_places_that_cannot_be_written_are_refused_first(clip, tmp_path, options):
    before = clip.read_bytes()
    places = {key: tmp_path / value for key, value in options.items() if key != "overwrite"}
    with pytest.raises(TargetError):
        vrestore.inpaint(
            clip, box=BOX, **({"target": tmp_path / "out.mp4"} | places), overwrite="overwrite" in options
        )
    assert names(tmp_path) == ["clip.mp4"]
    assert clip.read_bytes() == before


def test_a_box_outside_the_times_that_are_read_is_an_error(clip, tmp_path):
    with pytest.raises(MaskError, match="no frame that is read lies in the times of a box"):
        vrestore.inpaint(clip, box=f"{BOX}@1-3", start=4, target=tmp_path / "out.mp4")
    assert names(tmp_path) == ["clip.mp4"]
