"""Damaged videos and masks, random words: a result that is whole, or one line; never anything else.

VRESTORE_FUZZ_COUNT says how many (60 by default), VRESTORE_FUZZ_SEED with which the first is made.
Each case has a seed of its own: VRESTORE_FUZZ_COUNT=1 VRESTORE_FUZZ_SEED=that makes it again.
"""

import os
import shutil
from collections import Counter
from pathlib import Path
from random import Random

import cv2
import numpy as np
import pytest
from clips import with_company, write_clip, write_pictures
from mutations import mutated

from vrestore.errors import VRestoreError
from vrestore.media.reader import open_video
from vrestore.parallel.executor import Outcome
from vrestore.parallel.process_pool import ProcessPool
from vrestore.parallel.task import Task
from vrestore.run.checkpoint import drop_segments

COUNT = int(os.environ.get("VRESTORE_FUZZ_COUNT", "60"))
SEED = int(os.environ.get("VRESTORE_FUZZ_SEED", "1"))
ONCE_WRONG = (363,)
"""Seeds of cases that ended wrong once; they are always made too."""

MOST_SECONDS = 30.0
"""Without a sign of life; a case takes a fraction of a second."""

FRAMES = 12
KNOWN_CODES = {0, *(kind.exit_code for kind in VRestoreError.__subclasses__())}


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """Videos and masks that are as they should be."""
    folder = tmp_path_factory.mktemp("whole")
    for name, words in {
        "a.mp4": {"beside": with_company(subtitles="mov_text")},
        "b.mkv": {"beside": with_company(), "options": {"g": "4"}},
        "c.ts": {},
        "d.avi": {"codec": "mpeg4"},
        "e.webm": {"codec": "libvpx-vp9", "options": {"deadline": "realtime", "cpu-used": "8"}},
        "f.mov": {"layout": "yuv422p10le", "codec": "prores_ks"},
        "g.mkv": {"codec": "ffv1", "layout": "gray", "noise": True},
        "h.mp4": {"stamps": [0, 512, 600, 2000, 2100, 2600, 3000, 3072, 5000, 6000, 6001, 9000]},
    }.items():
        write_clip(folder / name, frames=FRAMES, **words)
    marked = np.zeros((48, 64), np.uint8)
    marked[16:26, 20:32] = 255
    cv2.imwrite(str(folder / "mask.png"), marked)
    cv2.imwrite(str(folder / "mask.tif"), marked)
    write_pictures(folder / "mask.mkv", [marked] * FRAMES)
    write_pictures(folder / "mask.mp4", [marked] * FRAMES, codec="libx264", layout="yuv420p")
    return folder


def made(seed, whole, folder):
    """Make the case of a seed: its files in a folder, and the task on them."""
    random = Random(seed)
    source = random.choice(sorted(path for path in whole.iterdir() if not path.name.startswith("mask")))
    masks = sorted(path for path in whole.iterdir() if path.name.startswith("mask"))
    broken = random.choice(("source", "source", "source", "mask", "both", "neither"))
    options = _random_words(random)
    if broken in {"mask", "both"} or random.random() < 0.3:
        mask = folder / random.choice(masks).name
        data = (whole / mask.name).read_bytes()
        mask.write_bytes(mutated(data, random) if broken in {"mask", "both"} else data)
        options["mask"] = str(mask)
    else:
        options["box"] = random.choice(("20,16,12,10", "30%,30%,20%,20%", "-20,16,12,10@0.1s-0.3s"))
    video, data = folder / source.name, source.read_bytes()
    video.write_bytes(mutated(data, random) if broken in {"source", "both"} else data)
    target = folder / f"out{random.choice(('.mkv', '.mkv', source.suffix, '.mp4'))}"
    return Task("inpaint", str(video), str(target), options)


def _random_words(random):
    choices = {
        "quality": ("draft", "balanced", "best"),
        "grow": (-2, 0, 5, 100),
        "feather": (0, 3, 90),
        "mask_offset": (-3, 2, 1000),
        "mask_fit": ("resize",),
        "invert": (True,),
        "assume_yes": (True,),
        "start": ("2", "0.1s", "50", "1:00"),
        "stop": ("3", "0.3s", "0"),
        "codec": ("ffv1", "mpeg4", "libx264", "vp9", "nothing"),
        "crf": (0, 30, 1000),
        "preset": ("ultrafast", "none"),
        "encoder_options": ({"tune": "grain"}, {"nothing": "x"}),
        "strict": (True,),
        "threads": (1, 3),
        "memory": ("2GiB", "1MB"),
        "rate": ("25", "0"),
    }
    words = {"quality": "draft"}
    for name in random.sample(sorted(choices), random.choice((0, 0, 1, 3))):
        words[name] = random.choice(choices[name])
    return words


def worked_on(workers, task):
    """Do a task as a batch does, which drops the segments once it has noted the end."""
    workers.start(0, task)
    while True:
        for happening in workers.wait(1.0):
            if isinstance(happening.what, Outcome):
                if happening.what.report is not None:
                    drop_segments(task.target)
                return happening.what


def wrong(task, outcome, before, folder):
    """Say what is wrong with how a case ended, nothing when all is well."""
    target = Path(task.target)
    left = {path.name for path in folder.iterdir()} - set(before) - {target.name}
    if any((folder / name).read_bytes() != data for name, data in before.items()):
        return "a file that was given was changed"
    if left:
        return f"left behind: {sorted(left)}"
    if outcome.exit_code not in KNOWN_CODES or "\n" in outcome.words:
        return f"exit code {outcome.exit_code}: {outcome.words}"
    if outcome.report is None:
        return "a target of a run that failed" if target.exists() else ""
    with open_video(target) as reader:
        frames = sum(1 for _ in reader)
        if reader.damage.texts or frames != outcome.report["frames"]:
            return f"{frames} of {outcome.report['frames']} frames, {reader.damage.texts}"
    return ""


def test_whatever_is_given_ends_in_a_whole_result_or_in_one_line(whole, tmp_path):
    workers, failures, ends = ProcessPool(1, stall_seconds=MOST_SECONDS), {}, Counter()
    try:
        for seed in dict.fromkeys((*range(SEED, SEED + COUNT), *ONCE_WRONG)):
            folder = tmp_path / str(seed)
            folder.mkdir()
            task = made(seed, whole, folder)
            before = {path.name: path.read_bytes() for path in folder.iterdir()}
            outcome = worked_on(workers, task)
            ends[outcome.exit_code] += 1
            if reason := wrong(task, outcome, before, folder):
                failures[seed] = f"{reason}\n{task}\n{outcome.log}"
            shutil.rmtree(folder)
    finally:
        workers.close()
    print(f"{sum(ends.values())} cases by exit code: {dict(sorted(ends.items()))}, {len(failures)} wrong")
    assert not failures, "\n\n".join(f"seed {seed}: {text}" for seed, text in failures.items())
    assert COUNT < 20 or len(ends) > 2, "the cases all ended alike: nothing was tested"
