"""Draw a clip to try things on: a ball rolls through a landscape that the camera pans over.

    python examples/demo_clip.py [FOLDER]

writes FOLDER/meadow.mp4 (640x360, 72 frames, a tone for sound) and FOLDER/meadow.mask.mkv, which is
white where ball and shadow are. Every run draws the same pictures.
"""

import sys
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np

WIDTH, HEIGHT, FRAMES, RATE = 640, 360, 72, 24
WORLD_WIDTH, WORLD_HEIGHT, HORIZON = 2000, 900, 330
SUN = np.array([-0.55, -0.65, 0.52])
SOUND_RATE, TONE = 48000, 220
INVERSE = cv2.WARP_INVERSE_MAP | cv2.INTER_LINEAR


def noise(random, height, width, *, coarsest, octaves, gain=0.55):
    """Sums of smooth noise from coarse to fine, mean 0, deviation 1."""
    total = np.zeros((height, width), np.float32)
    for octave in range(octaves):
        cell = max(1, coarsest >> octave)
        seeds = random.standard_normal((height // cell + 3, width // cell + 3)).astype(np.float32)
        smooth = cv2.resize(seeds, None, fx=cell, fy=cell, interpolation=cv2.INTER_CUBIC)
        total += gain**octave * smooth[:height, :width]
    return (total - total.mean()) / total.std()


def mix(low, high, share):
    """Colors between two, (H, W, 3), for shares of (H, W)."""
    share = np.clip(share, 0, 1)[..., None]
    return np.array(low, np.float32) * (1 - share) + np.array(high, np.float32) * share


def paste(world, left, top, colors, cover):
    """Lay a sprite over the world; what lies beyond its edge is cut."""
    height, width = cover.shape
    x0, x1 = max(0, left), min(world.shape[1], left + width)
    y0, y1 = max(0, top), min(world.shape[0], top + height)
    if x0 < x1 and y0 < y1:
        cut = np.s_[y0 - top : y1 - top, x0 - left : x1 - left]
        share = cover[cut][..., None]
        world[y0:y1, x0:x1] = world[y0:y1, x0:x1] * (1 - share) + colors[cut] * share


def sky(random):
    down = np.linspace(0, 0.9, HORIZON, dtype=np.float32)[:, None].repeat(WORLD_WIDTH, 1)
    clouds = noise(random, HORIZON, WORLD_WIDTH, coarsest=256, octaves=7)
    blue = mix((0.30, 0.50, 0.80), (0.78, 0.86, 0.92), down**0.8)
    lit = mix((0.72, 0.75, 0.80), (0.98, 0.97, 0.95), 0.6 + 0.4 * np.roll(clouds, 6, axis=0))
    return blue + (lit - blue) * (np.clip((clouds - 0.2) * 0.7, 0, 1) * (0.5 + 0.5 * down))[..., None]


def folded(axis):
    """Run to and fro over a texture, so that it has no seam."""
    return (1023 - np.abs(np.mod(axis, 2046) - 1023)).astype(np.float32)


def ground(random):
    """A meadow with a worn path, sampled from textures as a plane seen in perspective."""
    grass = noise(random, 1024, 1024, coarsest=128, octaves=8, gain=0.8)
    patches = noise(random, 1024, 1024, coarsest=256, octaves=5)
    depth = (260.0 / (np.arange(WORLD_HEIGHT - HORIZON, dtype=np.float32) + 14))[:, None]
    across = (np.arange(WORLD_WIDTH, dtype=np.float32)[None] - WORLD_WIDTH / 2) * depth * 0.9
    along = np.broadcast_to(900 * depth, across.shape)
    fine = cv2.remap(grass, folded(3.2 * across + 700), folded(1.3 * along), cv2.INTER_LINEAR)
    broad = cv2.remap(patches, folded(across + 512), folded(along), cv2.INTER_LINEAR)
    near = np.clip(1.3 - depth / 4, 0.10, 1)  # far grass is too fine to be seen
    colors = mix((0.13, 0.21, 0.06), (0.44, 0.49, 0.17), 0.45 + 0.21 * fine * near + 0.12 * broad)
    earth = mix((0.30, 0.23, 0.15), (0.60, 0.51, 0.38), 0.5 + 0.22 * fine * near)
    path = np.exp(-(((along - 1250 - 140 * broad - 0.10 * across) / 330) ** 2)) + 0.25 * fine * near
    colors = colors + (earth - colors) * np.clip(path * 2 - 0.7, 0, 1)[..., None]
    return colors + (np.array([0.62, 0.70, 0.74]) - colors) * np.clip(depth / 22, 0, 0.75)[..., None]


def hills(random, world):
    rows = np.arange(WORLD_HEIGHT, dtype=np.float32)[:, None]
    for height, color, share in ((95, (0.50, 0.60, 0.68), 0.85), (52, (0.30, 0.40, 0.36), 0.95)):
        ridge = noise(random, 8, WORLD_WIDTH, coarsest=256, octaves=6)[4]
        tops = HORIZON + 16 - height * (0.55 + 0.22 * ridge)
        cover = np.clip(rows - tops[None] + 0.5, 0, 1) * (rows < HORIZON + 16) * share
        grain = 1 + 0.10 * noise(random, WORLD_HEIGHT, WORLD_WIDTH, coarsest=32, octaves=5)
        paste(world, 0, 0, np.array(color, np.float32) * grain[..., None], cover)


def tree(random, size):
    """A crown of many small leaves, lit from the left, on a forked trunk."""
    edge, sprite = 2 * size, np.zeros((2 * size, 2 * size, 4), np.float32)  # colors and cover
    for x, y, wide in ((0.50, 0.45, 0.035), (0.38, 0.38, 0.016), (0.62, 0.36, 0.018), (0.52, 0.25, 0.02)):
        bole = [(0.5 - wide, 1), (0.5 - wide / 2, 0.7), (x, y), (0.5 + wide / 2, 0.7), (0.5 + wide, 1)]
        cv2.fillPoly(sprite, [np.int32(np.array(bole) * edge)], (0.17, 0.13, 0.10, 1.0))
    clumps = np.clip(random.normal((0.5, 0.38), (0.15, 0.11), (26, 2)), 0.17, 0.83)
    for _ in range(9000):
        x, y = random.choice(clumps) + random.normal(0, 0.048, 2)
        light = np.clip(0.42 - 0.9 * (x - 0.5) - 1.1 * (y - 0.38) + random.normal(0, 0.16), 0, 1)
        tint = (*mix((0.05, 0.10, 0.03), (0.42, 0.50, 0.16), light[None])[0].tolist(), 1.0)
        axes, angle = (max(2, edge // 105), max(1, edge // 190)), float(random.uniform(0, 180))
        cv2.ellipse(sprite, (int(x * edge), int(y * edge)), axes, angle, 0, 360, tint, -1)
    sprite = cv2.resize(sprite, (size, size), interpolation=cv2.INTER_AREA)
    return sprite[..., :3], sprite[..., 3]


def rock(random, size):
    y, x = (np.mgrid[:size, :size].astype(np.float32) / size - 0.5) * 2.4
    bumps = noise(random, size, size, coarsest=max(4, size // 3), octaves=6, gain=0.7)
    height = np.sqrt(np.clip(1 - x**2 - (y * 1.5) ** 2 + 0.12 * bumps, 0, None)) + 0.06 * bumps
    down, across = np.gradient(height * size / 2.4)
    light = (SUN[2] - across * SUN[0] - down * SUN[1]) / np.sqrt(1 + across**2 + down**2)
    colors = mix((0.10, 0.10, 0.10), (0.70, 0.67, 0.62), 0.30 + 0.6 * light + 0.05 * bumps)
    return colors, cv2.GaussianBlur((height > 0.25).astype(np.float32), (3, 3), 0)


def scene(random):
    world = np.concatenate([sky(random), ground(random)]).astype(np.float32)
    hills(random, world)
    trees, rocks = random.uniform(8, 110, 15), random.uniform(40, 560, 26)
    for foot, kind in sorted([(y, "tree") for y in trees] + [(y, "rock") for y in rocks]):  # far ones first
        size = int((70 + 2.4 * foot) if kind == "tree" else (14 + 0.16 * foot * random.uniform(0.5, 1.3)))
        colors, cover = tree(random, size) if kind == "tree" else rock(random, size)
        base = size if kind == "tree" else int(0.76 * size)
        left, top = int(random.uniform(0, WORLD_WIDTH)), int(HORIZON + foot - base)
        shade = cv2.GaussianBlur(np.pad(cover, size // 2), (0, 0), size / 14)
        flat = cv2.resize(shade, None, fx=1.2, fy=0.22) * 0.4
        low = top + base - int(flat.shape[0] * (0.62 if kind == "tree" else 0.55))
        paste(world, left - int(0.4 * size), low, np.zeros((*flat.shape, 3), np.float32), flat)
        paste(world, left, top, colors * (0.9 + 0.2 * random.random()), cover)
    return np.clip(world, 0, 1)


def ball(radius, turn):
    """A striped ball that has turned by an angle, and its cover."""
    reach = radius + 2
    y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1].astype(np.float32) / radius
    depth = np.sqrt(np.clip(1 - x**2 - y**2, 0, None))
    u, v = x * np.cos(turn) + y * np.sin(turn), y * np.cos(turn) - x * np.sin(turn)
    stripe = np.mod(np.floor(np.arctan2(v, u + 0.35 * depth) / (np.pi / 4)), 4).astype(int)
    paint = np.array([(0.80, 0.10, 0.08), (0.93, 0.91, 0.86), (0.10, 0.25, 0.62), (0.95, 0.74, 0.12)])[stripe]
    light = np.clip(x * SUN[0] + y * SUN[1] + depth * SUN[2], 0, 1)[..., None]
    gloss = np.clip(x * -0.36 + y * -0.44 + depth * 0.82, 0, 1)[..., None] ** 40
    cover = np.clip((1 - np.hypot(x, y)) * radius + 0.5, 0, 1)
    return np.float32(paint * (0.24 + 0.78 * light) + 0.5 * gloss), cover


def pictures():
    """Frames as (H, W, 3) RGB and masks as (H, W), both uint8."""
    random = np.random.default_rng(7)
    world = cv2.GaussianBlur(scene(random), (0, 0), 0.55)
    y, x = np.mgrid[:HEIGHT, :WIDTH].astype(np.float32)
    vignette = 1 - 0.22 * (((x / WIDTH - 0.5) ** 2) + ((y / HEIGHT - 0.5) ** 2)) * 2
    for number in range(FRAMES):
        time = number / (FRAMES - 1)
        left, top = 300 + 620 * time + 2 * np.sin(number / 3), 150 + 30 * time + 1.5 * np.sin(number / 4.1)
        camera = np.array([[1.35 - 0.16 * time, 0, left], [0, 1.35 - 0.16 * time, top]])
        picture = cv2.warpAffine(world, camera, (WIDTH, HEIGHT), flags=INVERSE)
        radius, center = round(44 + 6 * time), (round(-40 + 730 * time), round(250 + 8 * np.sin(2.2 * time)))
        shadow, foot = np.zeros((HEIGHT, WIDTH), np.float32), (center[0] + 18, center[1] + radius - 5)
        cv2.ellipse(shadow, foot, (radius, radius // 4), 0, 0, 360, 0.62, -1)
        shadow = cv2.GaussianBlur(shadow, (0, 0), 5)
        picture *= 1 - shadow[..., None]
        colors, cover = ball(radius, 730 * time / radius)
        corner = center[0] - radius - 2, center[1] - radius - 2
        paste(picture, *corner, colors, cover)
        mask = (shadow > 0.02).astype(np.float32)[..., None]
        paste(mask, *corner, np.ones((*cover.shape, 1)), cover)
        grain = cv2.GaussianBlur(random.standard_normal((HEIGHT, WIDTH, 3)).astype(np.float32), (0, 0), 0.6)
        picture = np.clip(picture * vignette[..., None] + 0.012 * grain, 0, 1)
        yield np.uint8(picture * 255 + 0.5), np.uint8(255 * (mask[..., 0] > 0))


def write(folder):
    folder.mkdir(parents=True, exist_ok=True)
    video, masks = folder / "meadow.mp4", folder / "meadow.mask.mkv"
    with av.open(str(video), "w") as clip, av.open(str(masks), "w") as marks:
        size, options = {"width": WIDTH, "height": HEIGHT}, {"crf": "16", "preset": "veryfast"}
        stream = clip.add_stream("libx264", RATE, options=options, pix_fmt="yuv420p", **size)
        stream.colorspace = stream.color_primaries = stream.color_trc = 1  # BT.709
        sound = clip.add_stream("aac", SOUND_RATE, layout="mono")
        mark = marks.add_stream("ffv1", RATE, pix_fmt="gray", **size)
        for picture, mask in pictures():
            frame = av.VideoFrame.from_ndarray(picture, "rgb24")
            clip.mux(stream.encode(frame.reformat(format="yuv420p", dst_colorspace=1, threads=1)))
            marks.mux(mark.encode(av.VideoFrame.from_ndarray(mask, "gray")))
        tone = 0.1 * np.sin(2 * np.pi * TONE / SOUND_RATE * np.arange(SOUND_RATE * FRAMES // RATE)[None])
        note = av.AudioFrame.from_ndarray(np.float32(tone), "fltp", "mono")
        note.sample_rate, note.pts, note.time_base = SOUND_RATE, 0, Fraction(1, SOUND_RATE)
        clip.mux(sound.encode(note))
        for output, ending in ((clip, stream), (clip, sound), (marks, mark)):
            output.mux(ending.encode(None))
    print(video, masks, sep="\n")


if __name__ == "__main__":
    write(Path(sys.argv[1] if len(sys.argv) > 1 else "demo"))
