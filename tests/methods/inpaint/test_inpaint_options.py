"""Words into a job: where the result goes, and what is refused."""

from pathlib import Path

import pytest

from vrestore.detect.base import Detector
from vrestore.errors import UsageError
from vrestore.masks.options import mask_options
from vrestore.methods.dehaze.method import DEHAZE
from vrestore.methods.inpaint.method import INPAINT
from vrestore.run.job import default_target, make_job


def inpaint_job(source, **words):
    return make_job(INPAINT, source, **words)


@pytest.mark.parametrize(
    ("source", "target"),
    [
        ("video.mp4", "video.inpaint.mp4"),
        ("folder/video.part.mkv", "folder/video.part.inpaint.mkv"),
        ("/data/no_suffix", "/data/no_suffix.inpaint"),
        ("frames/%06d.png", "frames.inpaint/"),
        ("../in/shot_%04d.tif", "../in.inpaint/"),
        ("-", "-"),
    ],
)
def test_the_result_goes_beside_the_source(source, target):
    assert default_target(source, INPAINT) == target
    assert inpaint_job(source, box="0,0,1,1").target == target


def test_a_folder_of_images_gives_a_folder(tmp_path):
    (tmp_path / "frames").mkdir()
    assert default_target(str(tmp_path / "frames"), INPAINT) == str(tmp_path / "frames.inpaint") + "/"


@pytest.mark.parametrize(
    ("source", "target"),
    [
        ("%03d.png", "{}/shot.inpaint/"),
        (".", "{}/shot.inpaint/"),
        ("..", "{}.inpaint/"),
        ("../%03d.png", "{}.inpaint/"),
    ],
)
def test_the_current_folder_has_a_name(tmp_path, monkeypatch, source, target):
    (tmp_path / "shot").mkdir()
    monkeypatch.chdir(tmp_path / "shot")
    assert default_target(source, INPAINT) == target.format(tmp_path.resolve())


@pytest.mark.parametrize("name", ["100% fun.mp4", "50%done.mp4", "take %03d.mkv"])
def test_a_file_that_exists_is_a_file_whatever_its_name_looks_like(tmp_path, name):
    source = tmp_path / name
    source.touch()
    assert default_target(str(source), INPAINT) == str(source.with_stem(f"{source.stem}.inpaint"))
    detector = Detector("bright", "Mark what is bright.", (), lambda _view, _frames: iter(()))
    assert default_target(str(source), detector) == str(source.with_name(f"{source.stem}.mask.mkv"))


def test_a_target_that_is_named_is_taken():
    assert inpaint_job("a.mp4", box="0,0,1,1", target=Path("b.mkv")).target == "b.mkv"


def test_one_or_several_masks_and_boxes_may_be_given():
    one = inpaint_job("a.mp4", mask="m.png", box="0,0,1,1")
    several = inpaint_job("a.mp4", mask=["m.png", Path("n.png")], box=["0,0,1,1", "2,2,1,1"])
    one, several = mask_options(one.options[0]), mask_options(several.options[0])
    assert (one.paths, one.boxes) == ((Path("m.png"),), ("0,0,1,1",))
    assert (several.paths, several.boxes) == ((Path("m.png"), Path("n.png")), ("0,0,1,1", "2,2,1,1"))


@pytest.mark.parametrize(("memory", "count"), [("2GiB", 2**31), (12345, 12345), (None, None)], ids=str)
def test_memory_is_words_or_bytes(memory, count):
    assert inpaint_job("a.mp4", box="0,0,1,1", memory=memory).run.memory_bytes == count


@pytest.mark.parametrize(("start", "stop"), [(0, 12), ("0", "12"), ("1.5s", "0:02")], ids=str)
def test_start_and_stop_are_numbers_or_times(start, stop):
    job = inpaint_job("a.mp4", box="0,0,1,1", start=start, stop=stop)
    assert (job.run.start, job.run.stop) == (str(start), str(stop))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"method": "magic"}, "method is one of tsam, propagate, got 'magic'"),
        ({"quality": "high"}, "quality is one of draft, balanced, best, got 'high'"),
        ({"compare_layout": "above"}, "compare layout is one of .*, got 'above'"),
        ({"threads": -1}, "threads are 0 .automatic. or more, got -1"),
        ({"memory": "much"}, "memory is a size"),
        ({"feather": -2}, "feather is -2 pixels"),
        ({"box": ()}, "pass --mask or --box"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else None,
)
def test_words_that_do_not_fit_are_refused(options, message):
    with pytest.raises(UsageError, match=message):
        inpaint_job("a.mp4", **({"box": "0,0,1,1"} | options))


def test_a_job_is_a_value():
    assert inpaint_job("a.mp4", box="0,0,1,1", crf=12) == inpaint_job("a.mp4", box="0,0,1,1", crf=12)


@pytest.mark.parametrize(("method", "words"), [(INPAINT, {"box": "0,0,1,1"}), (DEHAZE, {})])
def test_every_method_knows_the_common_words(method, words):
    assert make_job(method, "a.mp4", resume=False, crf=3, **words).run.resume is False


@pytest.mark.parametrize(("method", "words"), [(INPAINT, {"box": "0,0,1,1"}), (DEHAZE, {})])
def test_a_word_that_no_method_knows_is_refused(method, words):
    with pytest.raises(TypeError, match="there is no option 'colour'; known are "):
        make_job(method, "a.mp4", colour=1, **words)


def test_a_painter_is_a_file_that_counts_by_what_it_holds():
    job = inpaint_job("a.mp4", box="0,0,1,1", mask="m.png", painter=Path("own.onnx"))
    assert job.reads == [Path("m.png"), Path("own.onnx")]
    assert "painter" not in job.output_settings()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ({"paint": "smooth"}, "a painter paints texture, got --paint smooth"),
        ({"method": "tsam"}, "a painter is for the method propagate, got the method tsam"),
    ],
)
def test_a_painter_goes_with_what_it_can_paint(words, said):
    with pytest.raises(UsageError, match=said):
        inpaint_job("a.mp4", box="0,0,1,1", painter="own.onnx", **words)
