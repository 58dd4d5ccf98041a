"""Draw the pictures of docs/masks.md: what is found in a clip, and what is made of it.

    python examples/mask_pictures.py [FOLDER] [NAME ...]

writes FOLDER/found_logo.jpg, restored_overlay.jpg, filled_words.jpg and filled_specks.jpg, or those of them
that are named. All is drawn over the clip of demo_clip.py, and found and filled by the commands themselves.
"""

import sys
from functools import cache
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory

import av
import cv2
import demo_clip
import numpy as np

import vrestore

GAP, JPEG_QUALITY = 5, 80
FRAMES, AT, CRF = 48, 12, 18
"""How many frames there are, which is shown, and how coarsely they are encoded."""

OUTLINE = (255, 40, 200)
SPECKS, SEEN = 80, 20
"""How many specks a frame has, and by how many levels a pixel differs that counts as one of theirs."""


def found_logo(folder):
    """A logo; what `mask logo` finds of it, outlined."""
    mark = written("VR 24", (548, 52), 1.0)
    clip = write(folder / "clip.mp4", [blend(picture, mark, 0.9, 245) for picture in landscape()])
    vrestore.run_command("mask logo", clip, target=folder / "logo.mkv", overwrite=True)
    frame, mask = read(clip), read(folder / "logo.mkv")
    return [cut[10:110, 323:] for cut in (frame, outlined(frame, mask))]


def restored_overlay(folder):
    """A clip as it was; a badge of 40 % on it; what `--overlay auto` makes of that."""
    badge = np.zeros((demo_clip.HEIGHT, demo_clip.WIDTH), np.float32)
    cv2.circle(badge, (520, 230), 48, 1.0, -1, cv2.LINE_AA)
    badge *= 1 - written("VR", (492, 242), 1.2)
    before = landscape()
    clean = write(folder / "before.mp4", before)
    clip = write(folder / "clip.mp4", [blend(picture, badge, 0.4, 255) for picture in before])
    report = vrestore.inpaint(clip, overlay="auto", target=folder / "restored.mp4", overwrite=True)
    print(report.details.overlay.line())
    frames = [read(path) for path in (clean, clip, folder / "restored.mp4")]
    return [frame[165:295, 415:625] for frame in frames]


def filled_words(folder):
    """A subtitle; its strokes as `mask text` marks them; what `inpaint` fills there."""
    fill = written("Where to?", (235, 330), 1.1)
    edge = cv2.dilate(fill, np.ones((3, 3)))
    shown = [
        blend(blend(picture, edge, 1, 10), fill, 1, 240) if 4 <= number < 40 else picture
        for number, picture in enumerate(landscape())
    ]
    clip, mask = write(folder / "clip.mp4", shown), folder / "words.mkv"
    vrestore.run_command("mask text", clip, target=mask, overwrite=True)
    vrestore.inpaint(clip, mask=mask, target=folder / "filled.mp4", overwrite=True)
    return [read(path)[270:360, 215:425] for path in (clip, mask, folder / "filled.mp4")]


def filled_specks(folder):
    """Specks of film; those that `mask dirt` marks; what `inpaint --dirt` makes of the frame."""
    random = np.random.default_rng(5)
    before = landscape()[: AT + 3]
    dirty = [speckled(picture, random) for picture in before]
    clip = write(folder / "clip.mp4", dirty)
    mask, target = folder / "dirt.mkv", folder / "filled.mp4"
    vrestore.run_command("mask dirt", clip, target=mask, overwrite=True)
    vrestore.inpaint(clip, dirt=True, target=target, overwrite=True)
    changed = np.abs(dirty[AT].astype(int) - before[AT]).max(axis=-1) >= SEEN
    print(f"{(read(mask)[..., 0] > 127)[changed].mean():.0%} of the pixels of specks are marked")
    return [read(path)[10:150, 225:435] for path in (clip, mask, target)]


PICTURES = {draw.__name__: draw for draw in (found_logo, restored_overlay, filled_words, filled_specks)}


@cache
def landscape():
    return [picture for picture, _ in islice(demo_clip.pictures(), FRAMES)]


def written(words, place, scale):
    """How much of letters lies over each pixel, (H, W) in [0, 1]."""
    cover = np.zeros((demo_clip.HEIGHT, demo_clip.WIDTH), np.uint8)
    cv2.putText(cover, words, place, cv2.FONT_HERSHEY_SIMPLEX, scale, 255, 2, cv2.LINE_AA)
    return cover.astype(np.float32) / 255


def blend(picture, cover, opacity, level):
    share = opacity * cover[..., None]
    return np.uint8(np.rint((1 - share) * picture + share * level))


def speckled(picture, random):
    dirty = picture.copy()
    for _ in range(SPECKS):
        speck = np.zeros(picture.shape[:2], np.uint8)
        x, y = random.uniform((0, 0), (demo_clip.WIDTH, demo_clip.HEIGHT)).astype(int).tolist()
        axes, turn = random.integers(1, 6, 2).tolist(), float(random.uniform(0, 180))
        cv2.ellipse(speck, (x, y), axes, turn, 0, 360, 255, -1, cv2.LINE_AA)
        around = np.s_[max(0, y - 8) : y + 8, max(0, x - 8) : x + 8]
        opacity, level = random.uniform(0.2, 0.9), random.choice([15, 240])
        dirty[around] = blend(dirty[around], speck[around] / 255, opacity, level)
    return dirty


def write(path, pictures):
    with av.open(str(path), "w") as container:
        size = {"width": demo_clip.WIDTH, "height": demo_clip.HEIGHT}
        stream = container.add_stream(
            "libx264", demo_clip.RATE, pix_fmt="yuv420p", options={"crf": f"{CRF}"}, **size
        )
        for picture in pictures:
            frame = av.VideoFrame.from_ndarray(picture, "rgb24")
            container.mux(stream.encode(frame.reformat(format="yuv420p", threads=1)))
        container.mux(stream.encode(None))
    return path


def read(path):
    """The frame that is shown, (H, W, 3) RGB."""
    with av.open(str(path)) as container:
        return next(islice(container.decode(video=0), AT, None)).to_ndarray(format="rgb24")


def outlined(picture, mask):
    edges, _ = cv2.findContours(mask[..., 0] // 128, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    return cv2.drawContours(picture.copy(), edges, -1, OUTLINE, 1)


def row(cuts):
    gap = np.full((cuts[0].shape[0], GAP, 3), 255, np.uint8)
    return np.hstack([part for cut in cuts for part in (cut, gap)][:-1])


def main(folder="docs/images", *names):
    Path(folder).mkdir(parents=True, exist_ok=True)
    for name in names or PICTURES:
        with TemporaryDirectory() as made:
            strip = row(PICTURES[name](Path(made)))
        _, data = cv2.imencode(".jpg", strip[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
        target = Path(folder, f"{name}.jpg")
        target.write_bytes(data.tobytes())
        print(target)


if __name__ == "__main__":
    main(*sys.argv[1:])
