"""Remove words where and while they stand: python examples/03_subtitles_by_time.py [FOLDER]."""

import sys
from pathlib import Path

from small_clip import WORDS, WORDS_SHOWN, draw

import vrestore

folder = Path(sys.argv[1] if len(sys.argv) > 1 else "out")
video, _ = draw(folder)

# Frames 6 up to, not including, 18; times are written 0:00.25-0:00.75 or 0.25s-0.75s.
box = "{},{},{},{}@{}-{}".format(*WORDS, WORDS_SHOWN.start, WORDS_SHOWN.stop)
report = vrestore.inpaint(video, box=[box], target=folder / "without_words.mp4", overwrite=True)

print(f"{report.repaired_frames} of {report.frames} frames repaired, the others passed as they are")
