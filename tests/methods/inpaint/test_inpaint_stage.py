"""What filling gives: quality on drawn scenes, scene cuts, tracks, and one frame out for each one in."""

import subprocess
import sys
import weakref
from dataclasses import replace

import numpy as np
import pytest
import torch
from textured import (
    ONCE,
    QUICK,
    frame_of,
    hole_of_boxes,
    hole_psnr,
    panned,
    repaired,
    repairing,
    rgb_of,
    summaries_of,
    texture,
)

from vrestore.frames import Box, Hole, HoleSummary, MaskedFrame
from vrestore.masks.tracks import find_tracks
from vrestore.methods.inpaint import frame_buffer as reel
from vrestore.methods.inpaint.settings import InpaintStats
from vrestore.ops.filters.membrane import membrane

HEIGHT, WIDTH, COUNT = 70, 94, 10
STILL = [hole_of_boxes(Box(40, 26, 12, 14))] * COUNT
WALKING = [hole_of_boxes(Box(6 + 6 * index, 24, 14, 18)) for index in range(COUNT)]


def scene(*, step=(0.0, 0.0), count=COUNT, seed=0, height=HEIGHT, width=WIDTH):
    """Frames of a camera that moves over a texture."""
    world = texture(height + 60, width + 60, seed=seed)
    pictures = panned(world, count=count, height=height, width=width, step=step)
    return [frame_of(picture, index) for index, picture in enumerate(pictures)]


def fill(frames, holes, *, height=HEIGHT, width=WIDTH, **options):
    return repaired(frames, holes, height=height, width=width, **options)


def quality(result, truth, holes):
    return hole_psnr(map(rgb_of, result), map(rgb_of, truth), holes)


def smoothed(frame, hole):
    """The hole filled by a membrane alone, as a picture."""
    picture, known = torch.from_numpy(rgb_of(frame)), torch.ones(HEIGHT, WIDTH, dtype=torch.bool)
    known[hole.box.rows, hole.box.columns] = torch.from_numpy(hole.alpha == 0)
    return membrane(picture * known, known).numpy()


def same(a, b):
    return all((one.planes[0] == other.planes[0]).all() for one, other in zip(a, b, strict=True))


@pytest.mark.parametrize(
    ("step", "holes", "least"),
    [
        ((3.0, 1.0), STILL, 45.0),  # 58 dB seen
        ((2.5, 0.5), STILL, 30.0),  # 36 dB seen: between the pixels
        ((2.0, 1.0), WALKING[::-1], 40.0),  # 52 dB seen
    ],
    ids=["whole-steps", "half-steps", "both-move"],
)
def test_camera_motion_uncovers_what_is_hidden(step, holes, least):
    frames = scene(step=step)
    result = fill(frames, holes)
    alone = hole_psnr(map(smoothed, frames, holes), map(rgb_of, frames), holes)
    assert quality(result, frames, holes) > max(least, alone + 8)


def test_what_stands_still_behind_a_walker_comes_back_exactly():
    frames, tally = scene(), InpaintStats()
    assert quality(fill(frames, WALKING, tally=tally), frames, WALKING) > 60
    assert tally.painted == 0
    assert tally.copied + tally.blended == tally.hole_pixels == COUNT * 14 * 18


def test_what_no_frame_shows_is_painted_smoothly():
    frames, tally = scene(), InpaintStats()
    result = fill(frames, STILL, tally=tally, settings=replace(QUICK, texture_side=0))
    assert (tally.copied, tally.blended, tally.painted) == (0, 0, COUNT * 12 * 14)
    assert quality(result, map(frame_of, map(smoothed, frames, STILL), range(COUNT)), STILL) > 30


def test_a_change_of_brightness_is_matched_at_the_seam():
    """The lamp goes down while the walker passes; copied colors are as bright as what is around them."""
    world = rgb_of(scene(count=1)[0])
    frames = [frame_of(world * (1 - 0.015 * index), index) for index in range(COUNT)]
    assert quality(fill(frames, WALKING), frames, WALKING) > 45


@pytest.mark.parametrize("step", [(2.5, 0.5), (1.7, 0.3), (1.3, 0.8)], ids=str)
def test_what_is_read_sharply_between_pixels_is_nearer_to_the_truth(step):
    frames = scene(step=step)
    soft, sharp = (
        fill(frames, STILL, settings=replace(QUICK, sharpness=sharpness)) for sharpness in (0.0, 0.6)
    )
    assert quality(sharp, frames, STILL) > quality(soft, frames, STILL) + 1


@pytest.mark.parametrize("passes", [1, 2, 3])
def test_any_number_of_passes_fills(passes):
    frames = scene(step=(3.0, 1.0))
    result = fill(frames, STILL, settings=replace(QUICK, passes=passes))
    assert quality(result, frames, STILL) > 40


def flat_scene(color, indices, seed):
    """Frames of one still picture whose colors all lie about `color`."""
    picture = 0.1 * (texture(HEIGHT, WIDTH, seed=seed) - 0.5) + np.float32(color)[:, None, None]
    return [frame_of(picture, index) for index in indices]


def colors_in(frames, holes):
    """Least and greatest value of each channel in the holes."""
    values = [
        rgb_of(frame)[:, hole.box.rows, hole.box.columns][:, hole.alpha > 0]
        for frame, hole in zip(frames, holes, strict=True)
    ]
    return np.concatenate(values, 1).min(1), np.concatenate(values, 1).max(1)


def test_nothing_crosses_a_scene_cut():
    frames = flat_scene((0.7, 0.2, 0.2), range(5), 1) + flat_scene((0.1, 0.2, 0.8), range(5, 10), 2)
    tally = InpaintStats()
    result = fill(frames, WALKING, tally=tally)
    assert tally.scenes == 2
    for part in (slice(0, 5), slice(5, 10)):
        everything = [hole_of_boxes(Box(0, 0, WIDTH, HEIGHT))] * 5
        low, high = colors_in(frames[part], everything)
        least, greatest = colors_in(result[part], WALKING[part])
        assert (least >= low - 0.02).all()
        assert (greatest <= high + 0.02).all()


def test_tracks_are_found_once_for_all_scenes_of_a_still_hole(monkeypatch):
    """A logo over a film of thousands of scenes: looking at all its frames anew in each would take hours."""
    calls = []

    def counted(*args, **options):
        calls.append(options["first"])
        return find_tracks(*args, **options)

    monkeypatch.setattr(reel, "find_tracks", counted)
    frames = flat_scene((0.7, 0.2, 0.2), range(5), 1) + flat_scene((0.1, 0.2, 0.8), range(5, 10), 2)
    tally = InpaintStats()
    fill(frames, STILL, tally=tally)
    assert (tally.scenes, calls) == (2, [0])


def test_a_hole_on_one_side_of_a_cut_takes_nothing_from_the_other():
    """The frame before a run is a source only if it is of the same scene; so is the frame after it."""
    frames = [
        *flat_scene((0.7, 0.2, 0.2), range(3), 1),
        *flat_scene((0.1, 0.2, 0.8), range(3, 6), 2),
        *flat_scene((0.2, 0.9, 0.2), range(6, 9), 3),
    ]
    holes = [None] * 3 + [STILL[0]] * 3 + [None] * 3
    least, greatest = colors_in(fill(frames, holes)[3:6], holes[3:6])
    assert (least >= np.array([0.03, 0.13, 0.73])).all()
    assert (greatest <= np.array([0.17, 0.27, 0.87])).all()


def test_the_frames_around_a_run_show_what_it_hides():
    frames, tally = scene(), InpaintStats()
    holes = [None] * 4 + [STILL[0]] * 2 + [None] * 4
    assert quality(fill(frames, holes, tally=tally), frames, holes) > 60
    assert tally.blended == 2 * 12 * 14


@pytest.mark.parametrize("place", [0, COUNT - 1], ids=["first", "last"])
def test_a_hole_in_one_frame_at_an_end_is_filled_from_its_neighbor(place):
    frames = scene()
    holes = [STILL[0] if index == place else None for index in range(COUNT)]
    assert quality(fill(frames, holes), frames, holes) > 60


def test_frames_without_a_hole_pass_as_the_same_objects():
    frames = scene()
    holes = [STILL[0] if index in {3, 4, 8} else None for index in range(COUNT)]
    result = fill(frames, holes)
    assert [one is other for one, other in zip(result, frames, strict=True)] == [
        index not in {3, 4, 8} for index in range(COUNT)
    ]


def test_a_video_without_holes_passes_and_is_counted():
    frames, tally = scene(), InpaintStats()
    result = fill(frames, [None] * COUNT, tally=tally)
    assert [id(frame) for frame in result] == [id(frame) for frame in frames]
    assert (tally.frames, tally.repaired_frames, tally.hole_pixels, tally.scenes) == (COUNT, 0, 0, 1)


def test_no_frames_give_none():
    assert fill([], [], summaries=[None]) == []


LEFT, RIGHT = Box(8, 8, 10, 12), Box(150, 40, 12, 9)
FAR = {"height": 70, "width": 200}


def timed(*pairs):
    """Holes of boxes that are each there in some frames only."""
    return [hole_of_boxes(*(box for box, when in pairs if index in when)) for index in range(COUNT)]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (range(COUNT), range(COUNT)),
        (range(2, 5), range(3, 9)),
        (range(4, 8), range(6)),
        (range(1, 3), range(1, 9)),
        (range(7, 9), range(1, 9)),
        (range(0, 10, 2), range(1, 9)),
    ],
    ids=["always", "ends-first", "starts-later", "ends-early", "comes-late", "flickers"],
)
def test_far_apart_holes_are_filled_each_from_its_surroundings(first, second):
    frames = scene(step=(3.0, 1.0), **FAR)
    holes, tally = timed((LEFT, first), (RIGHT, second)), InpaintStats()
    result = fill(frames, holes, tally=tally, settings=ONCE, **FAR)
    hidden = [index for index, hole in enumerate(holes) if hole is not None]
    assert [frame.index for frame in result] == list(range(COUNT))
    assert tally.repaired_frames == len(hidden)
    assert tally.max_tracks >= 2
    assert tally.copied + tally.blended + tally.painted == tally.hole_pixels
    assert quality(result, frames, holes) > 35


def test_a_track_that_has_ended_leaves_the_holes_of_others_alone():
    """In the corner above all, where it has its token."""
    frames, tally = scene(step=(3.0, 1.0), **FAR), InpaintStats()
    holes = timed((Box(0, 0, 9, 8), range(COUNT)), (RIGHT, range(2)))
    result = fill(frames, holes, tally=tally, settings=ONCE, **FAR)
    assert tally.copied + tally.blended + tally.painted == tally.hole_pixels
    assert quality(result[4:], frames[4:], [hole_of_boxes(Box(0, 0, 4, 4))] * 6) > 35


@pytest.mark.parametrize(
    ("chunk", "look_ahead"), [(1, 1), (2, 3), (3, 1), (4, 4), (10, 10), (30, 60)], ids=str
)
def test_windows_give_each_frame_once(chunk, look_ahead):
    frames = scene(step=(3.0, 1.0))
    holes = [None, *STILL[:-2], None]
    result = fill(frames, holes, settings=replace(ONCE, chunk=chunk, look_ahead=look_ahead))
    assert [frame.index for frame in result] == list(range(COUNT))
    assert quality(result, frames, holes) > 35


@pytest.mark.parametrize("count", [1, 4, 5, 6, 13, 14, 18, 19], ids=str)
def test_every_length_about_a_window_comes_out_whole(count):
    """With windows of 5 frames and 8 of look-ahead, the last one is short, full, or just begun."""
    frames = scene(count=count, step=(1.0, 0.0))
    result = fill(frames, (STILL * 2)[:count], settings=ONCE)
    assert [frame.index for frame in result] == list(range(count))
    assert all(one is not other for one, other in zip(result, frames, strict=True))


def test_more_threads_give_the_same_bits():
    frames = scene(step=(2.5, 0.5))
    results = [fill(frames, STILL, settings=replace(QUICK, threads=threads)) for threads in (1, 3)]
    assert same(*results)


def test_a_second_run_gives_the_same_bits():
    frames = scene(step=(2.5, 0.5))
    assert same(fill(frames, STILL), fill(frames, STILL))


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize(
    ("height", "width"), [(1, 1), (1, 9), (11, 1), (3, 5)], ids=["1x1", "row", "column", "small"]
)
def test_the_smallest_pictures_are_filled(height, width, count):
    frames = scene(height=height, width=width, count=count)
    corner = [hole_of_boxes(Box(width - 1, height - 1, 1, 1))] * count
    result = fill(frames, corner, height=height, width=width)
    assert [frame.planes[0].shape for frame in result] == [(height, 3 * width)] * count


def test_a_hole_over_the_whole_picture_is_filled_from_its_neighbors():
    frames = scene()
    holes = [None] * 4 + [hole_of_boxes(Box(0, 0, WIDTH, HEIGHT))] + [None] * 5
    assert quality(fill(frames, holes), frames, holes) > 35  # 40 dB seen: there is no flow but a guessed one


def test_a_hole_over_the_whole_video_is_filled_with_something():
    frames, tally = scene(count=3), InpaintStats()
    everything = [hole_of_boxes(Box(0, 0, WIDTH, HEIGHT))] * 3
    result = fill(frames, everything, tally=tally)
    assert tally.painted == tally.hole_pixels
    assert len({frame.planes[0].tobytes() for frame in result}) == 1


def test_one_summary_stands_for_a_video_of_unknown_length():
    frames = scene(step=(3.0, 1.0))
    expected = fill(frames, STILL)
    assert same(fill(frames, STILL, summaries=summaries_of(STILL[:1])), expected)


def test_summaries_that_end_early_stand_for_what_follows():
    frames = scene(step=(3.0, 1.0))
    holes = [None] * 2 + STILL[:-2]
    assert same(fill(frames, holes, summaries=summaries_of(holes[:4])), fill(frames, holes))


SHIFTS = {
    "early": lambda holes: [*holes[1:], holes[-1]],
    "late": lambda holes: [holes[0], *holes[:-1]],
    "nothing": lambda holes: [None] * len(holes),
    "elsewhere": lambda holes: [HoleSummary((Box(0, 0, 2, 2),), 4)] * len(holes),
    "short": lambda holes: holes[:2],
}


@pytest.mark.parametrize("shift", SHIFTS.values(), ids=SHIFTS)
@pytest.mark.parametrize(
    "holes",
    [
        [None] * 2 + STILL[:3] + [None] * 5,
        WALKING,
        timed((LEFT, range(2, 5)), (Box(70, 40, 9, 9), range(3, 8))),
    ],
    ids=["still", "walking", "two"],
)
def test_summaries_that_are_off_leave_no_pixel_unfilled(shift, holes):
    """Boxes with times may be a frame off by rounding: the hole that the frame comes with is what counts."""
    frames, holes = scene(step=(3.0, 1.0), count=7), holes[:7]
    black = [_blackened(frame, hole) for frame, hole in zip(frames, holes, strict=True)]
    result = fill(black, holes, summaries=shift(summaries_of(holes)), settings=ONCE)
    assert [frame.index for frame in result] == list(range(7))
    assert quality(result, frames, holes) > 15  # black would be 6 dB


def _blackened(frame, hole):
    if hole is None:
        return frame
    picture = rgb_of(frame)
    picture[:, hole.box.rows, hole.box.columns][:, hole.alpha > 0] = 0
    return frame_of(picture, frame.index)


def test_a_feathered_hole_is_hidden_whole():
    """Where alpha is 1..254 old and new are blended, and neither is fetched from there."""
    frames = scene()
    ramp = np.full((18, 14), 120, np.uint8)
    ramp[3:-3, 3:-3] = 255
    holes = [Hole(hole.box, ramp, hole.parts) for hole in WALKING]
    assert quality(fill(frames, holes), frames, holes) > 60


@pytest.mark.parametrize(
    ("has_hole", "most"),
    [
        (lambda index: False, 8),
        (lambda index: index < 3, 12),
        (lambda index: index % 7, 40),
        (lambda index: True, 40),
    ],
    ids=["none", "once", "now-and-then", "always"],
)
def test_the_number_of_frames_held_does_not_grow_with_the_video(has_hole, most):
    """Two passes with windows of 3 + 4 frames and 2 pairs under way hold 20, motion that is carried over
    3 frames 9 more, the search for cuts a few."""
    planes = []
    holes = [STILL[0] if has_hole(index) else None for index in range(45)]
    world = rgb_of(scene(count=1)[0])

    def items():
        for index, hole in enumerate(holes):
            frame = frame_of(world, index)
            planes.append(weakref.ref(frame.planes[0]))
            yield MaskedFrame(frame, hole)

    settings = replace(QUICK, chunk=3, look_ahead=4, carried_frames=3)
    given = repairing(items(), summaries=summaries_of(holes), height=HEIGHT, width=WIDTH, settings=settings)
    alive = [sum(plane() is not None for plane in planes) for _ in given]
    assert max(alive) <= most


def test_torch_is_not_waited_for_until_a_hole_comes():
    """Loading it takes as long as a hundred small frames; one thread loads it while others pass."""
    code = "import sys, vrestore.methods.inpaint.stage; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
