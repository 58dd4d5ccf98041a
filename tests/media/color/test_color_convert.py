"""Native planes to RGB and back: against float64, against FFmpeg, and the promises of a composite."""

import av
import numpy as np
import pytest
from av.video.reformatter import Interpolation
from close import assert_close

from vrestore.errors import InputError
from vrestore.frames import Box, Color, Frame
from vrestore.media.color.color_matrix import coding_of
from vrestore.media.color.convert import composite, known_rgb, to_rgb
from vrestore.media.formats import pixel_format, plane_shapes

FORMATS = [
    *("yuv420p", "yuvj420p", "yuv422p", "yuv444p", "yuv440p", "yuv411p", "yuv410p", "nv12", "nv21"),
    *("yuv420p10le", "yuv422p10be", "yuv444p12le", "yuv420p16le", "p010le", "yuyv422", "uyvy422"),
    *("yuva420p", "gray", "gray10le", "ya8", "rgb24", "bgr0", "argb", "gbrp", "gbrap12le", "rgb48be"),
]
ODD = Box(5, 3, 22, 17)
HEIGHT, WIDTH = 31, 45
UNTAGGED = Color()


def noise_frame(name, *, seed=0, height=HEIGHT, width=WIDTH):
    """A frame of any code values, each component's padding bits zero."""
    layout = pixel_format(name)
    random = np.random.default_rng(seed)
    shapes = plane_shapes(layout, height=height, width=width)
    shift = layout.components[0].shift
    planes = (random.integers(0, layout.peak + 1, shape) << shift for shape in shapes)
    return Frame(tuple(plane.astype(layout.dtype) for plane in planes), 0, 1, 0), layout


def smooth_frame(name, *, height=HEIGHT, width=WIDTH, color=UNTAGGED):
    """A frame of colors well inside the gamut that change slowly."""
    frame, layout = noise_frame(name, height=height, width=width)
    y, x = np.mgrid[:height, :width]
    waves = [0.5 + 0.25 * np.sin(x / 9 + i) * np.cos(y / 7 - i) for i in range(3)]
    everything = Box(0, 0, width, height)
    full = np.full((height, width), 255, np.uint8)
    rgb = np.stack(waves).astype(np.float32)
    return composite(frame, everything, rgb, full, format=layout, color=color), layout


def some_alpha(box, *, feather=True, seed=1):
    """A ragged hole that reaches the box's edge, with a rim of every feather value."""
    random = np.random.default_rng(seed)
    alpha = np.zeros((box.height, box.width), np.uint8)
    alpha[2:9, 3:14] = 255
    alpha[0, -3:] = 255
    alpha[12, 5] = 255
    if feather:
        rim = random.integers(1, 255, alpha.shape)
        alpha[9:11, 3:16] = rim[9:11, 3:16]
        alpha[2:9, 14:16] = rim[2:9, 14:16]
    return alpha


def covered_cells(alpha, box, shift, *, at_least=1):
    """Which samples of a whole component have a pixel of the hole in their cell."""
    whole = np.zeros((HEIGHT, WIDTH), bool)
    whole[box.rows, box.columns] = alpha >= at_least
    across, down = 1 << shift[0], 1 << shift[1]
    cells = np.zeros((-(-HEIGHT // down), -(-WIDTH // across)), bool)
    for y, x in zip(*np.nonzero(whole), strict=True):
        cells[y // down, x // across] = True
    return cells


def component_of(frame, component):
    shape = (-(-HEIGHT >> component.subsample_y), -(-WIDTH >> component.subsample_x))
    view = frame.planes[component.plane][:, component.offset :: component.step]
    return view[: shape[0], : shape[1]]


def with_other_content(frame, layout, alpha, box, *, seed=9, at_least=1):
    """The frame with every sample that the hole touches replaced by noise."""
    other, _ = noise_frame(layout.name, seed=seed)
    planes = [plane.copy() for plane in frame.planes]
    for component in layout.components:
        shift = component.subsample_x, component.subsample_y
        cells = covered_cells(alpha, box, shift, at_least=at_least)
        view = planes[component.plane][:, component.offset :: component.step]
        view = view[: cells.shape[0], : cells.shape[1]]
        view[cells] = component_of(other, component)[cells]
    return frame.with_planes(dict(enumerate(planes)))


def reference_rgb(frame, layout, color, *, weights, full, places=(0.0, 0.5)):
    """The whole picture in float64, sample by sample, by the textbook."""
    bits = layout.bits
    codes = [component_of(frame, c).astype(float) / 2**c.shift for c in layout.components]
    y, x = np.mgrid[:HEIGHT, :WIDTH].astype(float)
    channels = []
    for values, component in zip(codes, layout.components, strict=True):
        across, down = 1 << component.subsample_x, 1 << component.subsample_y
        u = np.clip((x - places[0] * (across - 1)) / across, 0, values.shape[1] - 1)
        v = np.clip((y - places[1] * (down - 1)) / down, 0, values.shape[0] - 1)
        left, top = np.floor(u).astype(int), np.floor(v).astype(int)
        right, below = np.minimum(left + 1, values.shape[1] - 1), np.minimum(top + 1, values.shape[0] - 1)
        upper = values[top, left] * (1 - (u - left)) + values[top, right] * (u - left)
        lower = values[below, left] * (1 - (u - left)) + values[below, right] * (u - left)
        channels.append(upper * (1 - (v - top)) + lower * (v - top))
    luma, blue, red = channels
    step = 2 ** (bits - 8)
    luma = luma / (2**bits - 1) if full else (luma - 16 * step) / (219 * step)
    blue, red = ((c - 128 * step) / ((2**bits - 1) if full else 224 * step) for c in (blue, red))
    kr, kb = weights
    r, b = luma + 2 * (1 - kr) * red, luma + 2 * (1 - kb) * blue
    return np.clip(np.stack([r, (luma - kr * r - kb * b) / (1 - kr - kb), b]), 0, 1)


@pytest.mark.parametrize(
    ("name", "color", "weights", "full", "places"),
    [
        ("yuv420p", Color(), (0.299, 0.114), False, (0, 0.5)),
        ("yuvj420p", Color(chroma_location=2), (0.299, 0.114), True, (0.5, 0.5)),
        ("yuv422p10be", Color(matrix=9), (0.2627, 0.0593), False, (0, 0.5)),
        ("yuv444p12le", Color(matrix=1, full_range=True), (0.2126, 0.0722), True, (0, 0.5)),
        ("p010le", Color(matrix=9, chroma_location=3), (0.2627, 0.0593), False, (0, 0)),
        ("yuv420p16le", Color(matrix=7, chroma_location=6), (0.212, 0.087), False, (0.5, 1)),
        ("yuv440p", Color(matrix=4, chroma_location=5), (0.3, 0.11), False, (0, 1)),
        ("yuv411p", Color(matrix=5), (0.299, 0.114), False, (0, 0.5)),
        ("yuyv422", Color(matrix=6, chroma_location=4), (0.299, 0.114), False, (0.5, 0)),
        ("nv21", Color(matrix=1), (0.2126, 0.0722), False, (0, 0.5)),
    ],
)
@pytest.mark.parametrize("box", [ODD, Box(0, 0, WIDTH, HEIGHT), Box(WIDTH - 1, HEIGHT - 1, 1, 1)])
def test_rgb_is_that_of_the_textbook(name, color, weights, full, places, box):
    frame, layout = noise_frame(name)
    expected = reference_rgb(frame, layout, color, weights=weights, full=full, places=places)
    actual = to_rgb(frame, box, format=layout, color=color)
    assert_close(actual, expected[:, box.rows, box.columns])


@pytest.mark.parametrize(
    ("name", "tolerance"),
    [("yuv444p", 1.01), ("yuv422p", 2.01), ("yuv420p", 2.01)],  # swscale works in integers
)
@pytest.mark.parametrize(("matrix", "full"), [(1, False), (5, True), (9, False)])
def test_rgb_is_that_of_ffmpeg(name, tolerance, matrix, full):
    color = Color(matrix=matrix, full_range=full, chroma_location=2)
    frame, layout = smooth_frame(name, height=48, width=64, color=color)
    ours = to_rgb(frame, Box(0, 0, 64, 48), format=layout, color=color) * 255
    picture = av.VideoFrame(64, 48, name)
    for plane, samples in zip(picture.planes, frame.planes, strict=True):
        rows = np.frombuffer(plane, np.uint8).reshape(plane.height, -1)
        rows[:, : samples.shape[1]] = samples
    theirs = picture.reformat(
        format="gbrp",
        src_colorspace=matrix,
        src_color_range=2 if full else 1,
        dst_color_range=2,
        threads=1,
        interpolation=Interpolation.BILINEAR | Interpolation.ACCURATE_RND | Interpolation.FULL_CHR_H_INT,
    )
    rows = [np.frombuffer(plane, np.uint8).reshape(48, -1)[:, :64] for plane in theirs.planes]
    inner = np.s_[:, 2:-2, 2:-2]
    difference = np.abs(ours - np.stack([rows[2], rows[0], rows[1]]))[inner]
    assert difference.max() <= tolerance


@pytest.mark.parametrize("name", FORMATS)
def test_a_round_trip_keeps_luma(name):
    frame, layout = smooth_frame(name)
    rgb = to_rgb(frame, ODD, format=layout, color=UNTAGGED)
    full = np.full((ODD.height, ODD.width), 255, np.uint8)
    again = composite(frame, ODD, rgb, full, format=layout, color=UNTAGGED)
    before, after = (component_of(f, layout.components[0]).astype(int) for f in (frame, again))
    difference = np.abs(before - after) >> layout.components[0].shift
    assert difference.mean() < 0.01
    assert difference.max() <= 1


@pytest.mark.parametrize("name", ["yuv444p", "yuv444p12le", "rgb24", "bgr0", "gbrap12le", "rgb48be", "gray"])
@pytest.mark.parametrize("color", [Color(matrix=1), Color(matrix=0), Color(matrix=8, full_range=True)])
def test_a_round_trip_without_subsampling_keeps_everything(name, color):
    frame, layout = smooth_frame(name, color=color)
    rgb = to_rgb(frame, ODD, format=layout, color=color)
    full = np.full((ODD.height, ODD.width), 255, np.uint8)
    again = composite(frame, ODD, rgb, full, format=layout, color=color)
    for before, after in zip(frame.planes, again.planes, strict=True):
        assert np.abs(before.astype(int) - after.astype(int)).max() <= 1


@pytest.mark.parametrize("location", [0, 2, 3, 6])
def test_a_round_trip_does_not_move_chroma(location):
    color = Color(chroma_location=location)
    frame, layout = smooth_frame("yuv420p", color=color)
    everything = Box(0, 0, WIDTH, HEIGHT)
    full = np.full((HEIGHT, WIDTH), 255, np.uint8)
    rgb = to_rgb(frame, everything, format=layout, color=color)
    again = composite(frame, everything, rgb, full, format=layout, color=color)
    for before, after in zip(frame.planes[1:], again.planes[1:], strict=True):
        difference = (after.astype(int) - before.astype(int))[1:-1, 1:-1]
        assert np.abs(difference).max() <= 2  # the curvature of the waves, smoothed


@pytest.mark.parametrize("name", FORMATS)
def test_nothing_outside_the_hole_changes(name):
    frame, layout = noise_frame(name)
    alpha = some_alpha(ODD)
    rgb = np.random.default_rng(3).uniform(-1, 2, (3, ODD.height, ODD.width)).astype(np.float32)
    rgb[:, 4, 5] = np.nan
    result = composite(frame, ODD, rgb, alpha, format=layout, color=UNTAGGED)
    for component in layout.components:
        cells = covered_cells(alpha, ODD, (component.subsample_x, component.subsample_y))
        before, after = component_of(frame, component), component_of(result, component)
        assert np.array_equal(before[~cells], after[~cells])
        assert (before[cells] != after[cells]).mean() > 0.7
        assert after.max() >> component.shift <= layout.peak


@pytest.mark.parametrize("name", ["yuva420p", "ya8", "argb", "gbrap12le"])
def test_alpha_planes_are_not_touched(name):
    frame, layout = noise_frame(name)
    full = np.full((ODD.height, ODD.width), 255, np.uint8)
    rgb = np.zeros((3, ODD.height, ODD.width), np.float32)
    result = composite(frame, ODD, rgb, full, format=layout, color=UNTAGGED)
    assert np.array_equal(component_of(frame, layout.alpha), component_of(result, layout.alpha))


def test_planes_are_copied_never_written():
    frame, layout = noise_frame("yuv420p")
    for plane in frame.planes:
        plane.flags.writeable = False
    rgb = np.zeros((3, ODD.height, ODD.width), np.float32)
    result = composite(frame, ODD, rgb, some_alpha(ODD), format=layout, color=UNTAGGED)
    assert result.changed == {0, 1, 2}
    assert frame.changed == set()


def test_an_empty_hole_gives_the_frame_itself():
    frame, layout = noise_frame("yuv420p")
    rgb = np.zeros((3, ODD.height, ODD.width), np.float32)
    alpha = np.zeros((ODD.height, ODD.width), np.uint8)
    assert composite(frame, ODD, rgb, alpha, format=layout, color=UNTAGGED) is frame


@pytest.mark.parametrize("name", FORMATS)
def test_known_colors_do_not_depend_on_what_is_hidden(name):
    frame, layout = noise_frame(name)
    alpha = some_alpha(ODD)
    other = with_other_content(frame, layout, alpha, ODD)
    first, second = (known_rgb(f, ODD, alpha, format=layout, color=UNTAGGED) for f in (frame, other))
    assert np.array_equal(first, second)
    assert not first[:, alpha > 0].any()


@pytest.mark.parametrize("location", range(7))
def test_known_colors_do_not_depend_on_what_is_hidden_wherever_chroma_lies(location):
    frame, layout = noise_frame("yuv420p")
    alpha = some_alpha(ODD)
    color = Color(chroma_location=location)
    other = with_other_content(frame, layout, alpha, ODD)
    first, second = (known_rgb(f, ODD, alpha, format=layout, color=color) for f in (frame, other))
    assert np.array_equal(first, second)


def test_known_colors_do_not_depend_on_what_is_outside_the_box():
    frame, layout = noise_frame("yuv420p")
    other, _ = noise_frame("yuv420p", seed=5)
    planes = [plane.copy() for plane in other.planes]
    planes[0][ODD.rows, ODD.columns] = frame.planes[0][ODD.rows, ODD.columns]
    for plane, old in zip(planes[1:], frame.planes[1:], strict=True):  # x 5..26 holds cells 3..12 whole
        plane[2:10, 3:13] = old[2:10, 3:13]
    alpha = some_alpha(ODD)
    first = known_rgb(frame, ODD, alpha, format=layout, color=UNTAGGED)
    second = known_rgb(frame.with_planes(dict(enumerate(planes))), ODD, alpha, format=layout, color=UNTAGGED)
    assert np.array_equal(first, second)


@pytest.mark.parametrize("name", FORMATS)
def test_known_colors_are_the_colors_away_from_the_hole(name):
    frame, layout = noise_frame(name)
    everything = Box(0, 0, WIDTH, HEIGHT)
    alpha = np.zeros((HEIGHT, WIDTH), np.uint8)
    alpha[12:16, 16:24] = 255
    known = known_rgb(frame, everything, alpha, format=layout, color=UNTAGGED)
    rgb = to_rgb(frame, everything, format=layout, color=UNTAGGED)
    assert np.array_equal(known[:, :8, :-2], rgb[:, :8, :-2])
    # Not the last two: packed layouts of odd width have a padding column, which hides the picture's edge.
    assert np.array_equal(known[..., 32:-2], rgb[..., 32:-2])


def test_known_colors_at_the_rim_are_those_next_to_it():
    frame, layout = smooth_frame("yuv420p")
    everything = Box(0, 0, WIDTH, HEIGHT)
    alpha = np.zeros((HEIGHT, WIDTH), np.uint8)
    alpha[11:20, 13:30] = 255
    hidden = with_other_content(frame, layout, alpha, everything)
    known = known_rgb(hidden, everything, alpha, format=layout, color=UNTAGGED)
    rgb = to_rgb(frame, everything, format=layout, color=UNTAGGED)
    assert np.abs(known - rgb)[:, alpha == 0].max() < 0.05


def test_a_box_that_is_all_hole_is_black():
    frame, layout = noise_frame("yuv420p")
    full = np.full((ODD.height, ODD.width), 255, np.uint8)
    assert not known_rgb(frame, ODD, full, format=layout, color=UNTAGGED).any()


def test_a_pixel_with_no_known_chroma_at_all_is_gray():
    frame, layout = noise_frame("yuv420p")
    alpha = np.full((2, 2), 255, np.uint8)
    alpha[1, 1] = 0
    known = known_rgb(frame, Box(4, 4, 2, 2), alpha, format=layout, color=UNTAGGED)
    assert_close(known[:, 1, 1], known[:1, 1, 1].repeat(3))


@pytest.mark.parametrize("name", FORMATS)
def test_a_repaired_frame_does_not_depend_on_what_was_hidden(name):
    frame, layout = noise_frame(name)
    alpha = some_alpha(ODD)
    other = with_other_content(frame, layout, alpha, ODD, at_least=255)
    rgb = np.random.default_rng(3).random((3, ODD.height, ODD.width), np.float32)
    results = [composite(f, ODD, rgb, alpha, format=layout, color=UNTAGGED) for f in (frame, other)]
    for first, second in zip(*(result.planes for result in results), strict=True):
        assert np.array_equal(first, second)


def test_a_feather_blends_old_and_new():
    frame, layout = noise_frame("yuv420p")
    planes = {0: np.full_like(frame.planes[0], 100), 1: np.full_like(frame.planes[1], 90)}
    alpha = np.full((4, 4), 102, np.uint8)
    white = np.ones((3, 4, 4), np.float32)
    result = composite(frame.with_planes(planes), Box(8, 8, 4, 4), white, alpha, format=layout, color=Color())
    assert (result.planes[0][8:12, 8:12] == round(100 + 0.4 * (235 - 100))).all()
    assert (result.planes[1][4:6, 4:6] == round(90 + 0.4 * (128 - 90))).all()


def test_a_chroma_sample_takes_the_mean_feather_of_its_cell():
    frame, layout = noise_frame("yuv420p")
    planes = {1: np.full_like(frame.planes[1], 90)}
    alpha = np.array([[0, 204], [0, 204]], np.uint8)
    white = np.ones((3, 2, 2), np.float32)
    result = composite(frame.with_planes(planes), Box(8, 8, 2, 2), white, alpha, format=layout, color=Color())
    assert result.planes[1][4, 4] == round(90 + 0.4 * (128 - 90))


def test_a_chroma_sample_with_one_replaced_pixel_is_replaced_whole():
    frame, layout = noise_frame("yuv420p")
    alpha = np.array([[255, 0], [0, 0]], np.uint8)
    white = np.ones((3, 2, 2), np.float32)
    result = composite(frame, Box(8, 8, 2, 2), white, alpha, format=layout, color=UNTAGGED)
    assert result.planes[1][4, 4] == 128
    assert result.planes[0][8, 8] == 235


def test_untagged_pictures_of_720_lines_are_bt709():
    _, layout = noise_frame("yuv420p")
    small, large = (coding_of(layout, Color(), height=height).from_rgb[0] for height in (719, 720))
    assert_close(small, 219 * np.array([0.299, 0.587, 0.114]))
    assert_close(large, 219 * np.array([0.2126, 0.7152, 0.0722]))


def test_an_unknown_matrix_is_refused():
    frame, layout = noise_frame("yuv420p")
    with pytest.raises(InputError, match=r"color matrix is number 14 of H\.273, known are 0, 1, 2, 4"):
        to_rgb(frame, ODD, format=layout, color=Color(matrix=14))


def test_a_box_outside_the_picture_is_refused():
    frame, layout = noise_frame("yuv420p")
    with pytest.raises(ValueError, match="outside"):
        to_rgb(frame, Box(WIDTH, 0, 4, 4), format=layout, color=Color())
