"""A mask that is widened by what is left around it, and a run that tells at its end what is."""

from contextlib import ExitStack

import numpy as np
import pytest

import vrestore
from tests.leftovers import EXACT, FRAMES, RADIUS, disc
from vrestore.errors import UsageError
from vrestore.frames import Box
from vrestore.masks.masks import open_masks
from vrestore.masks.options import MaskWords, mask_options
from vrestore.media.preview.display import shown
from vrestore.media.reader import open_video
from vrestore.methods.leftovers.look import Judgement
from vrestore.methods.leftovers.sampling import sampled
from vrestore.methods.leftovers.widening import ShadowMasks
from vrestore.run.execute import open_job, silent
from vrestore.run.finding.masks import with_masks_found
from vrestore.run.job import command_named, make_job

QUICK = {"quality": "draft", "codec": "ffv1", "threads": 1, "feather": 0}


def pictures(path):
    with open_video(path) as reader:
        return np.stack([shown(frame, reader.meta) for frame in reader])


def error_at(result, truth, where):
    """Return the root of the mean squared error of pictures at places (T, H, W)."""
    apart = (pictures(result) - pictures(truth)).transpose(0, 2, 3, 1)[where]
    return float(np.sqrt(np.mean(np.square(apart))))


@pytest.mark.slow
def test_auto_takes_the_rim_along_and_the_report_says_how_wide(folder, tmp_path):
    told = []
    words = {"mask": folder / "narrow.mkv", "grow": "auto", "target": tmp_path / "out.mkv", **QUICK}
    report = vrestore.inpaint(folder / "clip.mkv", progress=told.append, **words)
    assert 4 <= report.settings["masks"]["grow"] <= 7
    assert any("move as the object does" in event.text for event in told if event.event == "plan")


@pytest.mark.slow
def test_a_shadow_is_filled_with_what_lies_under_it(folder, tmp_path):
    shadows = np.stack([disc(index, below=12, right=4) & ~disc(index, radius=17) for index in range(FRAMES)])
    left, gone = tmp_path / "left.mkv", tmp_path / "gone.mkv"
    vrestore.inpaint(folder / "clip.mkv", mask=folder / "mask.mkv", target=left, **QUICK)
    vrestore.inpaint(folder / "clip.mkv", mask=folder / "mask.mkv", grow="shadow", target=gone, **QUICK)
    before, after = (error_at(result, folder / "clean.mkv", shadows) for result in (left, gone))
    assert after < before / 2


@pytest.mark.slow
def test_a_run_tells_at_its_end_where_a_rim_is_left(folder, tmp_path):
    words = {"mask": folder / "narrow.mkv", "target": tmp_path / "out.mkv", "threads": 1, **EXACT}
    report = vrestore.inpaint(folder / "clip.mkv", **words)
    told = report.to_dict()["leftovers"]
    assert told["rim_frames"] == told["told"] >= 2
    assert told["worst"][0]["kind"] == "rim"
    (line,) = [text for text in report.warnings if text.startswith("a rim of what was removed seems")]
    assert "(frames " in line
    assert f"pass --grow {told['grow']}, or --grow auto" in line


@pytest.mark.parametrize(
    ("words", "message"),
    [
        pytest.param(
            {"grow": "much"}, "grow is a number of pixels, 'auto' or 'shadow', got 'much'", id="word"
        ),
        pytest.param({"grow": "auto", "invert": True}, "goes with neither --dirt, --overlay", id="inverted"),
        pytest.param({"grow": "shadow", "mask_offset": 2}, "goes with neither --dirt, --overlay", id="moved"),
    ],
)
def test_what_cannot_be_measured_is_refused_in_one_line(words, message):
    with pytest.raises(UsageError, match=message):
        MaskWords(mask="mask.png", **words)


def test_a_pipe_fields_and_arrays_are_refused(folder):
    inpaint = command_named("inpaint")
    piped = make_job(inpaint, "-", mask="mask.png", grow="auto")
    fields = make_job(inpaint, folder / "clip.mkv", mask="mask.png", grow="shadow", deinterlace=True)
    with ExitStack() as closing, pytest.raises(UsageError, match="--grow auto reads the video twice, got -"):
        with_masks_found(piped, closing, progress=silent, say=[].append)
    with ExitStack() as closing, pytest.raises(UsageError, match="with --deinterlace or --detelecine give"):
        with_masks_found(fields, closing, progress=silent, say=[].append)
    frames = [np.zeros((8, 8, 3), np.uint8)]
    with pytest.raises(UsageError, match="frames in memory take pixels, got 'auto'"):
        next(vrestore.inpaint_frames(frames, np.ones((8, 8), bool), grow="auto"))
    with ExitStack() as closing, pytest.raises(UsageError, match="is measured by inpaint, in one process"):
        open_job(
            make_job(inpaint, folder / "clip.mkv", mask=folder / "mask.mkv", grow="auto"), closing, silent
        )


def test_a_shadow_goes_along_with_its_object(folder):
    with open_video(folder / "clip.mkv") as reader:
        meta, start = reader.meta, reader.first_pts
    with open_masks(
        mask_options(MaskWords(mask=folder / "mask.mkv", **EXACT)), meta, start_pts=start
    ) as masks:
        seen = disc(8, below=12, right=4)
        judged = Judgement(
            8, 0, is_told=True, box=Box(0, 0, meta.width, meta.height), shadow=seen, weight=3.0
        )
        shadows = ShadowMasks([judged], masks, meta)
        for number in (8, 13):
            found, there = shadows.shadow(number), disc(number, below=12, right=4)
            assert (found & there).sum() > 0.95 * there.sum()
        assert sum(1 for mask in shadows.all(FRAMES, known=FRAMES) if mask.any()) == FRAMES


def test_what_lies_between_the_ends_of_a_shadow_is_shadow_too(folder):
    with open_video(folder / "clip.mkv") as reader:
        meta, start = reader.meta, reader.first_pts
    with open_masks(
        mask_options(MaskWords(mask=folder / "mask.mkv", **EXACT)), meta, start_pts=start
    ) as masks:
        whole, columns = disc(10, below=16), np.arange(meta.width)
        ends = [whole & (columns < 94), whole & (columns > 106)]
        box = Box(0, 0, meta.width, meta.height)
        judged = [Judgement(10, 0, is_told=True, box=box, shadow=end, weight=3.0) for end in ends]
        found = ShadowMasks(judged, masks, meta).shadow(10)
    beside = whole & ~disc(10)  # the rest is the object's own mask
    assert (found & beside).sum() > 0.95 * beside.sum()
    assert (found & ~disc(10, below=16, radius=RADIUS + 6)).sum() < 0.1 * whole.sum()


def test_a_long_video_is_looked_at_in_a_few_places():
    assert sampled(range(40)) == [0, 8, 16, 24, 32]
    chosen = sampled(range(100, 5100))
    assert len(chosen) == 12
    assert 100 < chosen[0] < 1000 < 4000 < chosen[-1] < 5100
