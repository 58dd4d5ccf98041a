"""What shines through an overlay comes back, all else stays, and what cannot be told is said."""

import cv2
import numpy as np
import pytest

import vrestore
from tests.clips import planes_in, write_pictures
from tests.textured import panned, texture
from vrestore.errors import MaskError, UsageError
from vrestore.masks.options import MaskWords

HEIGHT, WIDTH, FRAMES = 56, 96, 24
STEP = (2.6, 0.7)
COLOR = np.array([250.0, 240.0, 225.0])
QUICK = {"codec": "ffv1", "overwrite": True, "quality": "draft"}

BADGE = np.zeros((HEIGHT, WIDTH), np.float32)
cv2.circle(BADGE, (72, 20), 11, 1.0, -1, cv2.LINE_AA)
cv2.circle(BADGE, (72, 20), 4, 0.0, -1, cv2.LINE_AA)

SCREEN = np.s_[14:40, 52:72]
"""Shows something else in every frame, so that no other frame tells what is there."""


def scene(step=STEP, count=FRAMES):
    world = texture(HEIGHT + 40, WIDTH + 120, seed=5)
    pictures = panned(world, count=count, height=HEIGHT, width=WIDTH, step=step)
    pictures = [picture.transpose(1, 2, 0) * 255 for picture in pictures]
    shows = texture(HEIGHT, 20 * count, seed=6).transpose(1, 2, 0) * 255
    for index, picture in enumerate(pictures):
        picture[SCREEN] = shows[SCREEN[0], 20 * index : 20 * index + 20]
    return pictures


def under(pictures, opacity=0.4, gains=None):
    """Lay the badge over pictures; `gains` say how much of it each shows."""
    shares = [BADGE[:, :, None] * opacity * gain for gain in gains or [1.0] * len(pictures)]
    return [(1 - share) * picture + share * COLOR for picture, share in zip(pictures, shares, strict=True)]


def written(path, pictures, layout="yuv420p"):
    codes = [np.rint(picture).clip(0, 255).astype(np.uint8) for picture in pictures]
    return write_pictures(path, codes, layout=layout)


def picture_of_badge(path, opacity=0.4, size=(WIDTH, HEIGHT)):
    rgba = np.zeros((HEIGHT, WIDTH, 4), np.uint8)
    rgba[:, :, :3], rgba[:, :, 3] = COLOR[::-1], np.rint(BADGE * opacity * 255)
    cv2.imwrite(str(path), cv2.resize(rgba, size))
    return path


def nearness(result, truth, frames=slice(None)):
    """Return the decibels of the badge's pixels, of the first plane in levels of 8 bits."""
    planes = [np.stack([each[0] for each in planes_in(path)][frames]) for path in (result, truth)]
    unit = 1 if planes[0].dtype == np.uint8 else 4
    first, second = (each[:, :HEIGHT, :WIDTH].astype(np.float64) / unit for each in planes)
    error = np.mean((first - second)[:, BADGE > 0] ** 2)
    return 10 * np.log10(255**2 / max(error, 1e-9))


@pytest.fixture(scope="module")
def clips(tmp_path_factory):
    """A scene, and the same with a badge over it."""
    folder = tmp_path_factory.mktemp("overlay")
    return written(folder / "truth.mkv", scene()), written(folder / "shown.mkv", under(scene()))


@pytest.fixture(scope="module")
def filled(clips):
    """What propagation makes of the place where the badge is."""
    mask, target = clips[1].with_name("mask.png"), clips[1].with_name("filled.mkv")
    cv2.imwrite(str(mask), (BADGE > 0).astype(np.uint8) * 255)
    vrestore.inpaint(clips[1], mask=mask, target=target, **QUICK)
    return target


@pytest.fixture(scope="module")
def restored(clips):
    """The badge found and taken away."""
    target = clips[1].with_name("restored.mkv")
    return vrestore.inpaint(clips[1], overlay="auto", target=target, **QUICK), target


def test_what_shines_through_is_restored_nearer_than_it_is_filled(clips, filled, restored):
    assert nearness(restored[1], clips[0]) > nearness(filled, clips[0]) + 4


def test_nothing_else_changes(clips, restored):
    far = cv2.dilate(BADGE, np.ones((9, 9))) == 0
    for planes, others in zip(planes_in(clips[1]), planes_in(restored[1]), strict=True):
        assert (planes[0] == others[0])[far].all()
        for one, other in zip(planes[1:], others[1:], strict=True):
            assert (one == other)[far[::2, ::2] & far[1::2, 1::2]].all()


def test_the_report_says_how_much_was_restored_and_what_is_left(restored):
    report = restored[0]
    told = report.to_dict()["overlay"]
    assert told["restored"] > 0
    assert told["filled"] > 0
    assert told["residue"] < 0.15
    assert report.summary_lines()[1].startswith("overlay: ")
    assert report.to_dict()["settings"]["masks"]["overlay"] == "auto"


def test_a_picture_of_it_helps_where_the_camera_stands_still(tmp_path):
    still = scene(step=(0, 0), count=14)
    truth, shown = written(tmp_path / "truth.mkv", still), written(tmp_path / "shown.mkv", under(still))
    with pytest.raises(MaskError, match=r"the picture hardly moves.* with --overlay FILE"):
        vrestore.inpaint(shown, overlay="auto", target=tmp_path / "clean.mkv", **QUICK)
    badge = picture_of_badge(tmp_path / "badge.png")
    vrestore.inpaint(shown, overlay=badge, target=tmp_path / "clean.mkv", **QUICK)
    assert nearness(tmp_path / "clean.mkv", truth) > 38


def test_an_overlay_in_the_corner_of_a_picture_of_odd_size_is_restored(tmp_path):
    corner = np.zeros((57, 97, 4), np.uint8)
    corner[-15:, -21:] = (250, 250, 250, 128)
    cv2.imwrite(str(tmp_path / "corner.png"), corner)
    behind = texture(57, 97, seed=8).transpose(1, 2, 0) * 255
    share = corner[:, :, 3:] / 255
    for name, picture in (("truth", behind), ("shown", (1 - share) * behind + share * 250)):
        written(tmp_path / f"{name}.mkv", [picture] * 2)
    vrestore.inpaint(
        tmp_path / "shown.mkv", overlay=tmp_path / "corner.png", target=tmp_path / "clean.mkv", **QUICK
    )
    truth, clean = (planes_in(tmp_path / f"{name}.mkv")[1][0].astype(float) for name in ("truth", "clean"))
    assert np.abs(truth - clean)[-15:, -21:].mean() < 3
    assert (truth == clean)[:-20, :-26].all()


@pytest.mark.slow
def test_a_picture_that_is_only_about_right_is_mended(clips, filled, tmp_path):
    badge = picture_of_badge(tmp_path / "badge.png", opacity=0.6, size=(WIDTH // 2, HEIGHT // 2))
    target = tmp_path / "clean.mkv"
    vrestore.inpaint(clips[1], overlay=badge, mask_fit="resize", target=target, **QUICK)
    assert nearness(target, clips[0]) > nearness(filled, clips[0]) + 3  # 28.0 and 24.2 dB seen


@pytest.mark.slow
@pytest.mark.parametrize("layout", ["yuv420p10le", "gbrp10le", "gray"])
def test_every_depth_and_layout_is_restored_in_its_own_planes(layout, tmp_path):
    truth = written(tmp_path / "truth.mkv", scene(), layout)
    shown = written(tmp_path / "shown.mkv", under(scene()), layout)
    vrestore.inpaint(shown, overlay="auto", target=tmp_path / "clean.mkv", **QUICK)
    assert nearness(tmp_path / "clean.mkv", truth) > nearness(shown, truth) + 6  # filled: 5 in RGB


@pytest.mark.slow
def test_a_fade_is_followed_and_frames_without_the_overlay_stay(tmp_path):
    gains = [*np.linspace(0, 1, 9), *[1.0] * 30]
    pictures = scene(count=len(gains))
    shown = written(tmp_path / "shown.mkv", under(pictures, gains=gains))
    truth, badge = written(tmp_path / "truth.mkv", pictures), picture_of_badge(tmp_path / "badge.png")
    vrestore.inpaint(shown, overlay=badge, target=tmp_path / "clean.mkv", **QUICK)
    before, after = planes_in(shown)[0], planes_in(tmp_path / "clean.mkv")[0]
    assert all((one == other).all() for one, other in zip(before, after, strict=True))
    fading = slice(3, 7)
    assert nearness(tmp_path / "clean.mkv", truth, fading) > nearness(shown, truth, fading) + 6


@pytest.mark.slow
def test_what_is_opaque_is_filled(tmp_path):
    shown = written(tmp_path / "shown.mkv", under(scene(), opacity=1.0))
    report = vrestore.inpaint(shown, overlay="auto", target=tmp_path / "clean.mkv", **QUICK)
    told = report.to_dict()["overlay"]
    assert told["filled"] > 4 * told["restored"]


@pytest.mark.slow
def test_a_run_that_was_stopped_goes_on_to_the_same_end(clips, tmp_path):
    words = {"overlay": "auto", "segment": 0.3, **QUICK}

    def stop(event):
        if (event.event, event.stage, event.frame) == ("progress", "inpaint", 16):
            raise KeyboardInterrupt

    whole = vrestore.inpaint(clips[1], target=tmp_path / "whole.mkv", **words)
    with pytest.raises(KeyboardInterrupt):
        vrestore.inpaint(clips[1], target=tmp_path / "clean.mkv", progress=stop, **words)
    rest = vrestore.inpaint(clips[1], target=tmp_path / "clean.mkv", **words)
    assert rest.frames_before > 0
    assert rest.to_dict()["overlay"] == whole.to_dict()["overlay"]
    for planes, others in zip(
        planes_in(tmp_path / "clean.mkv"), planes_in(tmp_path / "whole.mkv"), strict=True
    ):
        assert all((one == other).all() for one, other in zip(planes, others, strict=True))


@pytest.mark.parametrize(
    "more", [{"mask": "a.png"}, {"box": "1,1,8,8"}, {"dirt": True}, {"invert": True}, {"mask_offset": 3}]
)
def test_it_goes_alone(more):
    with pytest.raises(UsageError, match="--overlay goes alone"):
        MaskWords(overlay="auto", **more)


def test_a_picture_that_says_too_little_is_refused(clips, tmp_path):
    def refused(path, message):
        with pytest.raises(MaskError, match=message):
            vrestore.plan_inpaint(clips[1], overlay=path, target=tmp_path / "clean.mkv")

    refused(tmp_path / "none.png", "cannot read overlay image")
    cv2.imwrite(str(tmp_path / "opaque.png"), np.zeros((HEIGHT, WIDTH, 3), np.uint8))
    refused(tmp_path / "opaque.png", "has no transparency")
    cv2.imwrite(str(tmp_path / "empty.png"), np.zeros((HEIGHT, WIDTH, 4), np.uint8))
    refused(tmp_path / "empty.png", "is empty: its alpha is 0 all over")
    small = picture_of_badge(tmp_path / "small.png", size=(WIDTH // 2, HEIGHT // 2))
    refused(small, f"is {WIDTH // 2}x{HEIGHT // 2}, video is {WIDTH}x{HEIGHT}; pass --mask-fit resize")


def test_what_cannot_be_read_twice_is_refused():
    with pytest.raises(UsageError, match="--overlay reads the video several times, got -"):
        vrestore.inpaint("-", overlay="auto", target="clean.mkv")
