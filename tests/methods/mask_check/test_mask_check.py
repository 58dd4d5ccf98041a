"""What is told of a mask: each finding on a scene where it is true, and none on one where all is well."""

import numpy as np
import pytest

import vrestore
from tests.clips import write_pictures
from tests.textured import panned, texture
from vrestore.errors import UsageError
from vrestore.masks.editing.edit import edit_masks
from vrestore.masks.editing.options import EditOptions
from vrestore.masks.options import MaskWords
from vrestore.methods.mask_check.check import check_video

HEIGHT, WIDTH, FRAMES, RADIUS = 120, 200, 34, 17


def disc(index, *, radius=RADIUS, below=0):
    """Where the object stands: it swings to and fro while the camera pans."""
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    middle = 100 + 45 * np.sin(index / 8), 60 + 20 * np.cos(index / 6)
    return np.hypot(x - middle[0], y - middle[1] - below) <= radius


def scene(*, shadow=False):
    """Draw a disc of another texture before a background that the camera pans over."""
    behind = panned(
        texture(HEIGHT, WIDTH + 80, seed=1), count=FRAMES, height=HEIGHT, width=WIDTH, step=(2, 0)
    )
    before = texture(HEIGHT, WIDTH, seed=2)
    for index, picture in enumerate(behind):
        if shadow:
            picture[:, disc(index, below=9)] *= 0.6
        inside = disc(index)
        picture[:, inside] = 0.3 * before[:, inside] + np.array([0.6, 0.5, 0.1])[:, None]
        yield np.rint(picture.transpose(1, 2, 0).clip(0, 1) * 255).astype(np.uint8)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("checked")
    write_pictures(folder / "clip.mkv", scene(), layout="yuv420p")
    write_pictures(folder / "shadow.mkv", scene(shadow=True), layout="yuv420p")
    write_pictures(folder / "mask.mkv", (disc(index) * np.uint8(255) for index in range(FRAMES)))
    edits = {
        "late": EditOptions(shift=3),
        "early": EditOptions(shift=-2),
        "narrow": EditOptions(shrink=4),
        "wide": EditOptions(grow=5),
        "large": EditOptions(grow=16),
        "turned": EditOptions(invert=True, shrink=16),
    }
    for name, options in edits.items():
        edit_masks([folder / "mask.mkv"], folder / f"{name}.mkv", options)
    gaps = (disc(index, radius=0 if index in (9, 20) else RADIUS) * np.uint8(255) for index in range(FRAMES))
    write_pictures(folder / "gaps.mkv", gaps)
    dust = (
        np.random.default_rng(0).random((FRAMES, HEIGHT, WIDTH)) < np.arange(FRAMES)[:, None, None] % 3 / 400
    )
    write_pictures(folder / "dust.mkv", dust * np.uint8(255))
    return folder


slow = pytest.mark.slow
LATE, RIM = "frame(s) late; pass --mask-offset", "a rim or a shadow is left outside; pass --grow"
GAPS, TURNED = "; vrestore mask edit MASK --smooth 5", "if it marks what is to be kept,"


@pytest.mark.parametrize(
    ("video", "mask", "options", "kinds", "words"),
    [
        pytest.param("clip", "mask", {}, [], "nothing looks wrong; ", id="well"),
        pytest.param("clip", "wide", {}, [], "nothing looks wrong; ", id="wide", marks=slow),
        pytest.param("clip", "dust", {}, [], "nothing looks wrong; ", id="dust", marks=slow),
        pytest.param("clip", "late", {}, ["timing"], f"3 {LATE} -3", id="late", marks=slow),
        pytest.param("clip", "early", {}, ["timing"], "2 frame(s) early; pass --mask-offset 2", id="early"),
        pytest.param("clip", "mask", {"mask_offset": 4}, ["timing"], f"4 {LATE} 0", id="moved", marks=slow),
        pytest.param("clip", "narrow", {}, ["rim"], RIM, id="narrow", marks=slow),
        pytest.param("shadow", "mask", {}, ["rim"], RIM, id="shadow"),
        pytest.param("clip", "gaps", {}, ["gaps"], f"missing at 2 frame(s) (9, 20){GAPS}", id="gaps"),
        pytest.param("clip", "turned", {}, ["turned"], f"{TURNED} pass --invert", id="turned", marks=slow),
        pytest.param("clip", "large", {"invert": True}, ["turned"], f"{TURNED} drop --invert", id="inverted"),
    ],
)
def test_what_is_found_has_a_line_that_says_what_to_do(folder, video, mask, options, kinds, words):
    found = check_video(folder / f"{video}.mkv", MaskWords(mask=folder / f"{mask}.mkv", **options))
    assert [each.kind for each in found.findings] == kinds
    assert words in found.lines()[0]
    assert found.looked_at > 40


@slow
def test_what_it_says_to_do_helps(folder):
    narrow = MaskWords(mask=folder / "narrow.mkv")
    (line, _) = check_video(folder / "clip.mkv", narrow).lines()
    grow = int(line.partition("--grow ")[2].partition(",")[0])
    assert 4 <= grow <= 12
    assert not check_video(folder / "clip.mkv", MaskWords(mask=folder / "narrow.mkv", grow=grow)).findings


@slow
def test_a_box_that_cuts_what_stands_on_the_picture_leaves_a_rim(folder):
    logo = [picture.copy() for picture in scene()]
    for picture in logo:
        picture[10:30, 120:170] = (250, 250, 60)
    write_pictures(folder / "logo.mkv", logo, layout="yuv420p")
    cut, whole = (MaskWords(box=box, grow=0, feather=0) for box in ("125,12,40,14", "118,8,54,24"))
    assert [each.kind for each in check_video(folder / "logo.mkv", cut).findings] == ["rim"]
    assert check_video(folder / "logo.mkv", whole).findings == []


def test_few_frames_are_not_looked_at(folder):
    found = check_video(folder / "clip.mkv", MaskWords(box="10,10,30,20@3-20"))
    assert found.looked_at == 0
    assert found.lines() == [
        "nothing looks wrong; fewer than 22 frames have a hole: only the masks were looked at"
    ]


def test_what_cannot_be_read_twice_is_refused():
    with pytest.raises(UsageError, match="read twice"):
        check_video("-", MaskWords(box="1,1,9,9"))


@slow
def test_a_run_tells_beforehand_and_in_its_report(folder, tmp_path):
    told = []
    words = {"mask": folder / "gaps.mkv", "target": tmp_path / "out.mkv"}
    report = vrestore.inpaint(folder / "clip.mkv", progress=told.append, **words)
    (line,) = report.warnings
    assert "missing at 2 frame(s) (9, 20)" in line
    kinds = [event.event for event in told]
    assert [event.text for event in told if event.event == "warning"] == [line]
    assert kinds.index("warning") < kinds.index("progress")


def test_a_draft_and_boxes_alone_are_not_looked_at(folder):
    late = folder / "late.mkv"
    drafted = vrestore.plan_inpaint(folder / "clip.mkv", mask=late, quality="draft", target="out.mkv")
    assert not any("late" in line for line in drafted.lines())
    boxed = vrestore.plan_inpaint(folder / "clip.mkv", box="125,12,40,14", grow=0, target="out.mkv")
    assert not any("rim" in line for line in boxed.lines())


def test_a_plan_tells_it_too(folder):
    planned = vrestore.plan_inpaint(folder / "clip.mkv", mask=folder / "late.mkv", target="out.mkv")
    assert any("3 frame(s) late" in line for line in planned.lines())
