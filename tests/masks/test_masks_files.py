from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from tests.clips import write_pictures
from vrestore.errors import MaskError
from vrestore.masks.files import mask_of, open_mask_file

HEIGHT, WIDTH = 17, 23
MARKED = np.zeros((HEIGHT, WIDTH), bool)
MARKED[4:9, 5:14] = True


def read(path):
    return [image.mask for image in open_mask_file(path).images()]


def gray(mask, low=0, high=255, dtype=np.uint8):
    return np.where(mask, high, low).astype(dtype)


def painted(color):
    """BGR or BGRA, the color where marked, black elsewhere."""
    return (MARKED[..., None] * np.array(color)).astype(np.uint8)


def with_alpha(alpha):
    """A picture whose colors are noise and whose alpha is the mask."""
    noise = np.random.default_rng(0).integers(0, 256, (HEIGHT, WIDTH, 3))
    return np.dstack([noise, np.broadcast_to(alpha, (HEIGHT, WIDTH))]).astype(np.uint8)


def palette_png():
    """The shape of a label map: index 1 is the dark red of label palettes."""
    picture = av.VideoFrame(WIDTH, HEIGHT, "pal8")
    indices = np.zeros((HEIGHT, picture.planes[0].line_size), np.uint8)
    indices[:, :WIDTH] = MARKED
    picture.planes[0].update(indices.tobytes())
    palette = np.zeros(256, "<u4")
    palette[0], palette[1] = 0xFF000000, 0xFF800000
    picture.planes[1].update(palette.tobytes())
    context = av.CodecContext.create("png", "w")
    context.width, context.height, context.pix_fmt, context.time_base = WIDTH, HEIGHT, "pal8", Fraction(1)
    return b"".join(bytes(packet) for packet in [*context.encode(picture), *context.encode()])


@pytest.mark.parametrize("suffix", ["png", "bmp", "tiff", "jpg", "webp"])
def test_an_image_of_any_kind_is_one_still_mask(tmp_path, suffix):
    path = tmp_path / f"m.{suffix}"
    cv2.imwrite(str(path), gray(MARKED))
    file = open_mask_file(path)
    assert file.is_still
    assert (next(file.images()).mask == MARKED).mean() > (0.97 if suffix in {"jpg", "webp"} else 0.999)


@pytest.mark.parametrize(
    "picture",
    [
        pytest.param(gray(MARKED, 0, 128), id="just above half"),
        pytest.param(gray(MARKED, 127, 255), id="just below half is not marked"),
        pytest.param(gray(MARKED, 32767, 32768, np.uint16), id="16 bit"),
        pytest.param(painted((0, 0, 255)), id="red"),
        pytest.param(painted((255, 255, 255, 255)) | np.array((0, 0, 0, 255), np.uint8), id="opaque alpha"),
        pytest.param(with_alpha(gray(MARKED)), id="alpha"),
    ],
)
def test_a_pixel_is_marked_above_half_of_the_scale(tmp_path, picture):
    cv2.imwrite(str(tmp_path / "m.png"), picture)
    assert (read(tmp_path / "m.png")[0] == MARKED).all()


def test_a_label_palette_marks_its_labels(tmp_path):
    (tmp_path / "m.png").write_bytes(palette_png())
    assert (read(tmp_path / "m.png")[0] == MARKED).all()


def test_a_transparent_picture_marks_nothing(tmp_path):
    cv2.imwrite(str(tmp_path / "m.png"), with_alpha(0))
    assert read(tmp_path / "m.png") == [None]


@pytest.mark.parametrize(
    ("codec", "layout", "full_range", "name"),
    [
        ("ffv1", "gray", None, "m.mkv"),
        ("ffv1", "gray16le", None, "m.mkv"),
        ("ffv1", "yuv420p", None, "m.mkv"),
        ("ffv1", "yuv444p10le", True, "m.mkv"),
        ("ffv1", "bgr0", None, "m.mkv"),
        ("png", "rgb24", None, "m.mov"),
        ("png", "monob", None, "m.mov"),
        ("rawvideo", "nv12", None, "m.nut"),
        ("qtrle", "argb", None, "m.mov"),
        ("mjpeg", "yuvj444p", True, "m.avi"),
    ],
)
def test_a_video_of_any_codec_is_a_mask_a_frame(tmp_path, codec, layout, full_range, name):
    masks = [np.roll(MARKED, shift, axis=1) for shift in range(3)]
    pictures = [np.dstack([gray(mask)] * 3) for mask in masks]
    path = write_pictures(tmp_path / name, pictures, codec=codec, layout=layout, full_range=full_range)
    found = read(path)
    assert len(found) == 3
    assert [(a == b).mean() > 0.97 for a, b in zip(found, masks, strict=True)] == [True] * 3
    assert not open_mask_file(path).is_still


@pytest.mark.parametrize(("layout", "full_range"), [("yuv444p", None), ("yuv444p", True), ("gray", None)])
@pytest.mark.parametrize(("step", "marked"), [(0, False), (1, True)])
def test_video_is_cut_at_the_middle_of_its_range(tmp_path, layout, full_range, step, marked):
    limited = layout == "yuv444p" and not full_range
    value = (125 if limited else 127) + step
    with av.open(str(tmp_path / "m.mkv"), "w") as container:
        stream = container.add_stream("ffv1", rate=25)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, layout
        if full_range:
            stream.codec_context.color_range = 2
        frame = av.VideoFrame(WIDTH, HEIGHT, layout)
        frame.color_range = 2 if full_range else 0
        for plane in frame.planes:
            plane.update(bytes([value]) * plane.buffer_size)
        frame.pts = 0
        container.mux(stream.encode(frame))
        container.mux(stream.encode())
    assert (read(tmp_path / "m.mkv")[0] is not None) == marked


@pytest.mark.parametrize(
    ("codec", "layout", "name"), [("png", "rgba", "m.mov"), ("ffv1", "yuva444p", "m.mkv")]
)
def test_a_video_with_alpha_is_read_by_its_alpha(tmp_path, codec, layout, name):
    pictures = [with_alpha(gray(MARKED)), with_alpha(0)]
    found = read(write_pictures(tmp_path / name, pictures, codec=codec, layout=layout))
    assert (found[0] == MARKED).all()
    assert found[1] is None


def test_samples_in_the_high_bits_are_read_as_they_lie():
    picture = av.VideoFrame.from_ndarray(np.dstack([gray(MARKED)] * 3), format="rgb24")
    assert (mask_of(picture.reformat(format="p010le", threads=1)).mask == MARKED).all()


def test_a_video_painted_in_one_color_is_marked_there(tmp_path):
    pictures = [painted((0, 0, 255))]
    assert (read(write_pictures(tmp_path / "m.mkv", pictures, layout="bgr0"))[0] == MARKED).all()


def test_a_folder_is_read_in_natural_order(tmp_path):
    for number, shift in ((2, 1), (10, 2), (1, 0)):
        cv2.imwrite(str(tmp_path / f"mask{number}.png"), gray(np.roll(MARKED, shift, axis=0)))
    (tmp_path / "notes.txt").write_text("not an image")
    (tmp_path / ".hidden.png").write_text("not an image either")
    found = read(tmp_path)
    assert [np.argwhere(mask)[0, 0] for mask in found] == [4, 5, 6]


def test_a_pattern_takes_its_own_images_only(tmp_path):
    for name in ("m007.png", "m008.png", "other001.png"):
        cv2.imwrite(str(tmp_path / name), gray(MARKED))
    assert len(read(tmp_path / "m%03d.png")) == 2


def test_a_gap_in_a_pattern_is_an_error(tmp_path):
    for number in (0, 1, 3):
        cv2.imwrite(str(tmp_path / f"{number:05}.png"), gray(MARKED))
    with pytest.raises(MaskError, match="has no image 2"):
        open_mask_file(tmp_path / "%05d.png")


def truncated_image(folder):
    cv2.imwrite(str(folder / "m.png"), np.random.default_rng(0).integers(0, 256, (60, 70)).astype(np.uint8))
    (folder / "m.png").write_bytes((folder / "m.png").read_bytes()[:2000])
    return folder / "m.png"


def text_named(name):
    def make(folder):
        (folder / name).write_text("just words")
        return folder / name

    return make


def empty_folder(folder):
    (folder / "masks").mkdir()
    return folder / "masks"


@pytest.mark.parametrize(
    ("make", "message"),
    [
        pytest.param(lambda folder: folder / "none.png", "does not exist", id="missing"),
        pytest.param(lambda folder: folder / "%03d.png", "no file matches", id="pattern"),
        pytest.param(empty_folder, "folder without images", id="empty folder"),
        pytest.param(text_named("m.png"), "cannot read mask image", id="text as image"),
        pytest.param(text_named("m.mp4"), "mask .* is not a video that can be read", id="text as video"),
        pytest.param(truncated_image, "m.png'; it is damaged or no image", id="truncated image"),
    ],
)
def test_what_cannot_be_read_is_named(tmp_path, make, message):
    path = make(tmp_path)
    with pytest.raises(MaskError, match=message):
        read(path)


def test_an_empty_image_file_is_named(tmp_path):
    (tmp_path / "m.png").write_bytes(b"")
    with pytest.raises(MaskError, match=r"cannot read mask image .*; it is damaged or no image"):
        read(tmp_path / "m.png")


def test_a_frame_decoded_with_errors_is_named(tmp_path):
    noise = np.random.default_rng(0).integers(0, 256, (9, 48, 64)).astype(np.uint8)
    path = write_pictures(tmp_path / "m.mp4", noise, codec="libx264", layout="yuv420p")
    with av.open(str(path)) as container:
        places = [packet.pos for packet in container.demux(video=0) if packet.size]
    data = bytearray(path.read_bytes())
    data[places[0] + 1500 : places[0] + 1520] = b"\xff" * 20
    path.write_bytes(bytes(data))
    with pytest.raises(MaskError, match=r"^frame \d+ of mask '.*m\.mp4' is damaged"):
        read(path)


def test_a_damaged_frame_of_a_mask_video_is_named(tmp_path):
    noise = np.random.default_rng(0).integers(0, 256, (5, 40, 50)).astype(np.uint8)
    path = write_pictures(tmp_path / "m.mov", noise, codec="png", layout="gray")
    data = bytearray(path.read_bytes())
    third = [place for place in range(len(data)) if data[place : place + 4] == b"\x89PNG"][2]
    data[third : third + 200] = b"\0" * 200
    path.write_bytes(bytes(data))
    with pytest.raises(MaskError, match=r"cannot read frame 2 of mask '.*m\.mov'"):
        read(Path(path))
