"""A patch alone, laid over the source, gives the restored picture; what cannot hold it is refused."""

from dataclasses import replace

import av
import numpy as np
import pytest
from clips import mask_meta, planes_in, stamps_of, with_company, write_clip, write_pictures
from resuming import assert_same, stopped
from textured import texture

import vrestore
from vrestore.batching.folder import FolderJobs
from vrestore.batching.manifest import read_manifest
from vrestore.errors import UsageError
from vrestore.frames import Box, Color, Frame, Hole, MaskedFrame
from vrestore.media.av_frames import planes_of
from vrestore.media.formats import pixel_format, plane_shapes
from vrestore.media.patch.maker import PatchMaker
from vrestore.media.reader import open_video

BOX = "21,15,11,9"
OPTIONS = {"box": BOX, "feather": 5, "quality": "draft", "threads": 1, "overwrite": True}
OVERLAYS = {
    "yuv420p": "yuv420",
    "yuv420p10le": "yuv420p10",
    "yuv422p": "yuv422",
    "yuv422p10le": "yuv422p10",
    "yuv444p": "yuv444",
    "yuv444p10le": "yuv444p10",
}


def laid_over(source, patch, layout):
    """Return the planes of a video with another over it, frame by frame, as FFmpeg's `overlay` makes them."""
    graph = av.filter.Graph()
    with av.open(str(source)) as below, av.open(str(patch)) as above:
        inputs = [graph.add_buffer(template=each.streams.video[0]) for each in (below, above)]
        overlay = graph.add("overlay", f"format={OVERLAYS[layout]}")
        shown, sink = graph.add("format", f"pix_fmts={layout}"), graph.add("buffersink")
        for number, each in enumerate(inputs):
            each.link_to(overlay, 0, number)
        overlay.link_to(shown)
        shown.link_to(sink)
        graph.configure()
        for each, stream in zip(inputs, (below, above), strict=True):
            for picture in stream.decode(video=0):
                each.push(picture)
            each.push(None)
        while True:
            try:
                picture = graph.pull()
            except (av.BlockingIOError, av.EOFError):
                return
            yield [plane.copy() for plane in planes_of(picture, pixel_format(layout))]


def furthest(one, other):
    """Return the largest difference of samples in two rows of planes."""
    return max(
        abs(a.astype(int) - b.astype(int)).max()
        for pair in zip(one, other, strict=True)
        for a, b in zip(*pair, strict=True)
    )


@pytest.mark.parametrize(
    ("layout", "height", "width"),
    [
        ("yuv420p", 48, 64),
        ("yuv420p", 45, 63),
        ("yuv420p10le", 45, 63),
        ("yuv422p10le", 48, 64),
        ("yuv444p", 45, 63),
        ("yuv444p10le", 48, 64),
    ],
)
def test_overlay_makes_of_source_and_patch_the_usual_result(tmp_path, layout, height, width):
    source = write_clip(
        tmp_path / "in.mkv", codec="ffv1", layout=layout, height=height, width=width, frames=4
    )
    vrestore.inpaint(source, target=tmp_path / "all.mkv", codec="ffv1", **OPTIONS)
    vrestore.inpaint(source, target=tmp_path / "patch.mkv", patch_only=True, **OPTIONS)
    whole = list(planes_in(tmp_path / "all.mkv"))
    assert furthest(planes_in(source), whole) > 20
    assert furthest(laid_over(source, tmp_path / "patch.mkv", layout), whole) <= 1


def test_images_hold_straight_alpha_over_rgb(tmp_path):
    frames = tmp_path / "frames"
    frames.mkdir()
    pictures = np.rint(texture(45, 63).transpose(1, 2, 0) * 255).astype(np.uint8)
    for number in range(3):
        rolled = av.VideoFrame.from_ndarray(np.roll(pictures, 3 * number, 1), format="rgb24")
        rolled.save(str(frames / f"{number:04d}.png"))
    vrestore.inpaint(frames, target=f"{tmp_path}/all/", **OPTIONS)
    vrestore.inpaint(frames, target=f"{tmp_path}/patch/", patch_only=True, **OPTIONS)
    for name in ("0000.png", "0002.png"):
        below, whole, patch = (
            _read(place / name) for place in (frames, tmp_path / "all", tmp_path / "patch")
        )
        alpha = patch[..., 3:] / 255
        assert abs(patch[..., :3] * alpha + below * (1 - alpha) - whole).max() <= 1
        assert {0, 255} < set(patch[..., 3].ravel())
        assert (patch[-1, -1] == 0).all()


def _read(path):
    with av.open(str(path)) as container:
        picture = next(container.decode(video=0))
        return picture.to_ndarray(format="rgba" if "rgba" in picture.format.name else "rgb24").astype(float)


def test_a_feather_is_alpha_and_the_color_is_that_of_the_fill():
    layout, below = pixel_format("yuv420p"), pixel_format("yuva420p")
    shapes = plane_shapes(layout, height=32, width=32)
    before = Frame(tuple(np.full(shape, 40, np.uint8) for shape in shapes), 7, 1, 3)
    alpha = np.full((8, 8), 51, np.uint8)
    alpha[2:6, 2:6] = 255
    # A fill of 200 over 40: blended by a fifth at the rim, all of it within.
    shown = before.planes[0].copy()
    shown[8:16, 8:16] = np.where(alpha == 255, 200, 72)
    hole = Hole(Box(8, 8, 8, 8), alpha, (Box(8, 8, 8, 8),))
    patch = PatchMaker(_meta(layout), below).cut(MaskedFrame(before, hole), before.with_planes({0: shown}))
    assert (patch.pts, patch.index) == (7, 3)
    assert (patch.planes[3][8:16, 8:16] == alpha).all()
    assert (patch.planes[0][8:16, 8:16] == 200).all()
    outside = np.ones((32, 32), bool)
    outside[8:16, 8:16] = False
    assert (patch.planes[3][outside] == 0).all()


def test_what_no_color_could_make_by_its_feather_gets_more_alpha():
    layout = pixel_format("gray")
    before = Frame((np.full((24, 24), 100, np.uint8),), 0, 1, 0)
    hole = Hole(Box(8, 8, 4, 4), np.full((4, 4), 10, np.uint8), (Box(8, 8, 4, 4),))
    changed = before.planes[0].copy()
    changed[8:12, 8:12] = 250
    patch = PatchMaker(_meta(layout), pixel_format("ya8")).cut(
        MaskedFrame(before, hole), before.with_planes({0: changed})
    )
    color, alpha = patch.planes[0][:, ::2].astype(float), patch.planes[0][:, 1::2] / 255
    assert abs(color * alpha + before.planes[0] * (1 - alpha) - changed).max() <= 0.5


def _meta(layout):
    height = 32 if layout.model == "yuv" else 24
    return replace(mask_meta(height=height, width=height), pixel_format=layout, color=Color())


def test_times_are_the_sources_and_sound_is_left_out(tmp_path):
    stamps = [0, 500, 1500, 1700, 3000, 3300]
    source = write_clip(tmp_path / "in.mp4", frames=6, stamps=stamps, beside=with_company(subtitles=None))
    report = vrestore.inpaint(source, patch_only=True, strict=True, **OPTIONS)
    assert report.target == str(tmp_path / "in.patch.mov")
    assert (report.codec, report.kept, report.losses) == ("prores_ks", [], [])
    assert stamps_of(report.target) == stamps_of(source)
    with av.open(report.target) as container:
        assert [stream.type for stream in container.streams] == ["video"]
        picture = next(container.decode(video=0))
    assert picture.format.name.startswith("yuva444p1")


def test_prores_composes_nearly_what_the_result_is(tmp_path):
    source = write_clip(tmp_path / "in.mkv", codec="ffv1", layout="yuv422p10le", frames=2)
    vrestore.inpaint(source, target=tmp_path / "all.mkv", codec="ffv1", **OPTIONS)
    vrestore.inpaint(source, target=tmp_path / "patch.mov", patch_only=True, **OPTIONS)
    for one, other in zip(
        laid_over(source, tmp_path / "patch.mov", "yuv422p10le"), planes_in(tmp_path / "all.mkv"), strict=True
    ):
        for made, wanted in zip(one, other, strict=True):
            error = made.astype(float) - wanted
            assert np.sqrt(np.square(error).mean()) < 10  # of 1023: the encoder's loss
        # Beside the hole alpha is 0, which comes back as it was.
        assert (one[0][:8] == other[0][:8]).all()


def test_quicktime_animation_holds_rgb(tmp_path):
    pictures = [np.full((32, 48, 3), 30 + 20 * number, np.uint8) for number in range(3)]
    source = write_pictures(tmp_path / "in.mkv", pictures, layout="bgr0")
    options = OPTIONS | {"box": "8,8,16,12"}
    report = vrestore.inpaint(source, target=tmp_path / "patch.mov", patch_only=True, **options)
    assert report.codec == "qtrle"
    with av.open(report.target) as container:
        alpha = [picture.to_ndarray(format="rgba")[..., 3] for picture in container.decode(video=0)]
    assert all(each[0, 0] == 0 and each[14, 16] == 255 for each in alpha)


@pytest.mark.slow
def test_a_patch_in_segments_that_was_stopped_is_the_same(tmp_path):
    source = write_clip(tmp_path / "in.mp4", frames=40)
    options = OPTIONS | {"box": f"{BOX}@6-30", "patch_only": True, "segment": 0.4, "overwrite": False}
    vrestore.inpaint(source, target=tmp_path / "once.mkv", **options)
    assert stopped(vrestore.inpaint, source, tmp_path / "parts.mkv", at=25, **options) > 0
    vrestore.inpaint(source, target=tmp_path / "parts.mkv", **options)
    assert_same(tmp_path / "once.mkv", tmp_path / "parts.mkv")


def test_clips_beside_a_patch_show_the_whole_picture(tmp_path):
    source = write_clip(tmp_path / "in.mkv", codec="ffv1", frames=3)
    for name, more in {"whole": {"codec": "ffv1"}, "patch": {"patch_only": True}}.items():
        vrestore.inpaint(
            source,
            target=tmp_path / f"{name}.mkv",
            compare=tmp_path / f"{name}.compare.mkv",
            reveal_map=tmp_path / f"{name}.reveal.mkv",
            **OPTIONS,
            **more,
        )
    for kind in ("compare", "reveal"):
        assert_same(tmp_path / f"whole.{kind}.mkv", tmp_path / f"patch.{kind}.mkv")


@pytest.mark.parametrize(
    ("target", "codec", "words"),
    [
        ("out.mp4", None, r"\.mp4 files hold no alpha.* takes \.mov, \.mkv"),
        ("out.webm", None, r"\.webm files hold no alpha"),
        ("out.mkv", "h264", r"h264 holds no alpha; --patch-only takes --codec prores, ffv1, qtrle or png"),
        ("out/%04d.jpg", None, r"\.jpg images hold no alpha"),
        ("-", None, "a pipe holds no alpha"),
    ],
)
def test_what_holds_no_alpha_is_refused_before_the_work(tmp_path, target, codec, words):
    source = write_clip(tmp_path / "in.mp4", frames=2)
    place = target if target == "-" else str(tmp_path / target)
    with pytest.raises(UsageError, match=words):
        vrestore.inpaint(source, target=place, codec=codec, patch_only=True, **OPTIONS)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.mp4"]


def test_too_many_bits_for_a_codec_and_an_alpha_of_its_own_are_refused(tmp_path):
    deep = write_clip(tmp_path / "deep.mkv", codec="ffv1", layout="yuv422p12le", frames=2)
    with pytest.raises(UsageError, match="prores_ks cannot hold yuv422p12le with alpha"):
        vrestore.inpaint(deep, target=tmp_path / "out.mov", codec="prores", patch_only=True, **OPTIONS)
    clear = write_clip(tmp_path / "clear.mkv", codec="ffv1", layout="yuva420p", frames=2)
    with pytest.raises(UsageError, match="has an alpha of its own"):
        vrestore.inpaint(clear, target=tmp_path / "out.mov", patch_only=True, **OPTIONS)


@pytest.mark.parametrize(
    ("layout", "patch"),
    [("yuv411p", "yuva444p"), ("nv12", "yuva420p"), ("gbrp12le", "gbrap12le"), ("gray10le", "gbrap10le")],
)
def test_a_layout_without_a_twin_gets_the_nearest_with_alpha(tmp_path, layout, patch):
    codec = "rawvideo" if layout == "nv12" else "ffv1"
    suffix = ".nut" if layout == "nv12" else ".mkv"
    source = write_clip(tmp_path / f"in{suffix}", codec=codec, layout=layout, frames=2)
    vrestore.inpaint(source, target=tmp_path / "patch.mkv", patch_only=True, **OPTIONS)
    with open_video(tmp_path / "patch.mkv") as reader:
        assert reader.meta.pixel_format.name == patch


def test_frames_in_memory_have_no_patch():
    with pytest.raises(TypeError, match="no option 'patch_only'"):
        next(vrestore.inpaint_frames([np.zeros((8, 8, 3), np.uint8)], np.ones((8, 8)), patch_only=True))


def test_a_folder_of_patches_is_named_for_what_holds_them(tmp_path):
    (tmp_path / "clips").mkdir()
    jobs = FolderJobs("inpaint", tmp_path / "clips", options={"box": BOX, "patch_only": True})
    write_clip(tmp_path / "clips" / "a.mp4", frames=2)
    assert [task.target for task in jobs.tasks()] == [str(tmp_path / "clips.inpaint" / "a.mov")]
    listed = tmp_path / "jobs.toml"
    listed.write_text(
        f'[[job]]\ncommand = "inpaint"\nsource = "clips/a.mp4"\nbox = "{BOX}"\npatch_only = true'
    )
    assert [task.target for task in read_manifest(listed).tasks] == [str(tmp_path / "clips" / "a.patch.mov")]
