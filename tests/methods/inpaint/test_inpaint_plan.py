"""A run's numbers from a memory bound: arithmetic that can be checked by hand."""

import json
import re

import pytest
from clips import mask_meta
from hypothesis import given
from hypothesis import strategies as st

from vrestore.device.memory import parse_bytes
from vrestore.errors import OutOfMemory
from vrestore.frames import Box, HoleSummary
from vrestore.methods.inpaint.effort import EFFORTS, LEAST_CHUNK, LEAST_LOOK_AHEAD
from vrestore.methods.inpaint.plan import ORIGIN_BYTES, POINT_BYTES, READ_BYTES, make_plan

HD = mask_meta(height=1080, width=1920, frame_count=500)
SD = mask_meta(height=240, width=432, frame_count=500)
PLENTY = 64 * 2**30


def summary(*boxes):
    return HoleSummary(boxes, sum(box.area for box in boxes))


LOGO, TITLE = Box(100, 80, 200, 100), Box(700, 900, 500, 80)
BOTH = [summary(LOGO, TITLE)] * 9


def plan(summaries=BOTH, *, meta=HD, quality="balanced", threads=2, memory=PLENTY, **how):
    return make_plan(meta, summaries, quality=quality, threads=threads, memory_bytes=memory, **how)


@pytest.mark.parametrize("quality", ["draft", "balanced", "best"])
def test_with_plenty_of_memory_a_quality_gets_its_effort(quality):
    made, effort = plan(meta=SD, summaries=[summary(Box(9, 8, 70, 60))], quality=quality), EFFORTS[quality]
    assert (made.passes, made.flow, made.chunk, made.look_ahead, made.margin) == (
        effort.passes,
        effort.flow,
        effort.chunk,
        effort.look_ahead,
        effort.margin,
    )


def test_large_pictures_take_one_of_several_passes_less():
    passes = {quality: plan(quality=quality).passes for quality in ("draft", "balanced", "best")}
    assert passes == {"draft": 1, "balanced": 2, "best": 3}


@pytest.mark.parametrize("quality", ["draft", "balanced", "best"])
def test_a_hidden_pixel_counts_once_for_each_frame_that_is_held(quality):
    """However many passes hold these frames; what the last one knows of its origins comes on top."""
    thin, thick = (plan(summaries=[HoleSummary((TITLE,), count)], quality=quality) for count in (1000, 3000))
    more = POINT_BYTES * thick.frames_held
    if thick.origin_frames:
        more += READ_BYTES + ORIGIN_BYTES * (thick.chunk + thick.look_ahead)
    assert thick.expected_bytes - thin.expected_bytes == 2000 * more


def test_what_is_short_of_memory_looks_less_far_for_motion_and_origins():
    wide, narrow = plan(), plan(memory=plan().expected_bytes * 2 // 3)
    assert narrow.look_ahead < wide.look_ahead
    assert narrow.carried_frames <= min(wide.carried_frames, narrow.look_ahead)
    assert narrow.origin_frames <= min(wide.origin_frames, narrow.look_ahead)
    assert plan(quality="draft").carried_frames == plan(quality="draft").origin_frames == 0


def test_what_a_network_corrects_is_not_read_once():
    assert plan(network_scale=2).origin_frames == 0


@pytest.mark.parametrize(("height", "scale"), [(240, 1), (399, 1), (400, 2), (1599, 2), (1600, 3), (4320, 3)])
def test_flow_is_searched_at_a_size_that_fits_the_picture(height, scale):
    assert plan(meta=mask_meta(height=height, width=800), summaries=[None]).flow_scale == scale


def test_better_qualities_try_harder():
    efforts = [plan(quality=quality) for quality in ("draft", "balanced", "best")]
    assert [each.passes for each in efforts] == sorted(each.passes for each in efforts)
    assert [each.expected_bytes for each in efforts] == sorted(each.expected_bytes for each in efforts)


def test_look_ahead_goes_first_then_windows_then_passes():
    least = plan()
    seen = []
    while True:
        try:
            least = plan(memory=least.expected_bytes - 1)
        except OutOfMemory:
            break
        seen.append((least.look_ahead, least.chunk, least.passes))
    assert seen == sorted(seen, key=lambda each: (-each[2], -each[1], -each[0]))
    assert seen[-1] == (LEAST_LOOK_AHEAD, LEAST_CHUNK, 1)
    assert all(ahead == LEAST_LOOK_AHEAD for ahead, chunk, _ in seen if chunk < EFFORTS["balanced"].chunk)
    assert all(chunk == LEAST_CHUNK for _, chunk, passes in seen if passes < plan().passes)


@given(st.integers(2**28, 2**34), st.integers(1, 16), st.sampled_from(["draft", "balanced", "best"]))
def test_a_plan_keeps_its_bound_or_is_refused(memory, threads, quality):
    try:
        made = plan(memory=memory, threads=threads, quality=quality)
    except OutOfMemory:
        assert memory < plan(threads=threads, quality=quality).expected_bytes
    else:
        assert made.expected_bytes <= memory == made.memory_bytes


def test_too_little_memory_is_told_with_what_is_needed():
    with pytest.raises(
        OutOfMemory, match=r"at least .* for 1920x1080 with this mask, 1 MiB are allowed; pass"
    ):
        plan(memory=2**20)


def test_what_is_refused_fits_with_the_memory_that_is_named():
    with pytest.raises(OutOfMemory) as refused:
        plan(memory=2**20)
    (needed,) = re.findall(r"at least ([\d.]+ \w+) are needed", str(refused.value))
    assert plan(memory=int(parse_bytes(needed) * 1.01)).passes == 1  # the number is rounded


@pytest.mark.parametrize(
    ("larger", "smaller"),
    [
        ({"threads": 8}, {"threads": 1}),
        ({"summaries": BOTH}, {"summaries": [summary(LOGO)] * 9}),
        ({"meta": HD}, {"meta": mask_meta(height=1000, width=1600)}),
        ({"quality": "best"}, {"quality": "draft"}),
    ],
    ids=["threads", "mask", "picture", "quality"],
)
def test_more_of_anything_needs_more_memory(larger, smaller):
    assert plan(**larger).expected_bytes > plan(**smaller).expected_bytes


def test_the_length_of_a_video_costs_nothing():
    assert plan(BOTH).expected_bytes == plan(BOTH * 200).expected_bytes


def test_far_apart_holes_are_crops_of_their_own():
    assert plan().track_count == 2
    assert plan([summary(LOGO)] * 3).track_count == 1


def test_the_canvas_is_the_holes_with_their_surroundings():
    """Margin 96, edges at multiples of 8: 4 to 396 becomes 0 to 400, 0 to 276 becomes 0 to 280."""
    made = plan([summary(LOGO)])
    assert (made.canvas_pixels, made.hole_pixels) == (400 * 280, 200 * 100)


def test_of_many_frames_the_largest_counts():
    small, large = summary(Box(100, 80, 10, 10)), summary(Box(100, 80, 300, 300))
    several, alone = plan([small] * 4 + [None] + [large] + [None, small]), plan([large])
    assert (several.canvas_pixels, several.hole_pixels) == (alone.canvas_pixels, alone.hole_pixels)


def test_a_moving_hole_needs_the_surroundings_of_its_neighbors():
    walking = [summary(Box(100 + 90 * index, 300, 40, 80)) for index in range(5)]
    assert plan(walking).canvas_pixels > plan(walking[:1]).canvas_pixels


def test_a_canvas_is_at_most_the_picture():
    everything = [summary(Box(0, 0, 1920, 1080))] * 3
    assert plan(everything).canvas_pixels == 1920 * 1080


@pytest.mark.parametrize("summaries", [[], [None], [None] * 9], ids=["empty", "one", "many"])
def test_without_holes_only_frames_are_held(summaries):
    made = plan(summaries)
    assert (made.track_count, made.canvas_pixels, made.hole_pixels) == (0, 0, 0)


def test_a_picture_of_one_pixel_has_a_plan():
    made = plan([summary(Box(0, 0, 1, 1))], meta=mask_meta(height=1, width=1))
    assert made.canvas_pixels == 1


def test_a_plan_is_told_to_people_and_programs():
    made = plan()
    assert "quality balanced" in made.lines()[0]
    assert "2 crop(s) at full resolution with a margin of 96 pixels" in made.lines()[2]
    assert json.loads(json.dumps(made.to_dict()))["track_count"] == 2
