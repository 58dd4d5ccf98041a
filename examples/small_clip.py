"""Draw what the examples work on: a wall that the camera pans over, a ball, a logo, a line of words."""

from pathlib import Path

import av
import cv2
import numpy as np

WIDTH, HEIGHT, FRAMES, RATE = 320, 180, 24, 24
LOGO, WORDS, WORDS_SHOWN = (262, 10, 48, 18), (60, 148, 200, 24), range(6, 18)


def wall():
    random = np.random.default_rng(3)
    grains = [random.integers(60, 200, (260 // cell, 520 // cell, 3), np.uint8) for cell in (32, 8, 3)]
    layers = [cv2.resize(grain, (520, 260), interpolation=cv2.INTER_CUBIC) for grain in grains]
    return cv2.addWeighted(cv2.addWeighted(layers[0], 0.6, layers[1], 0.4, 0), 0.8, layers[2], 0.2, 0)


def pictures():
    """Yield (H, W, 3) RGB and the mask of the ball, (H, W), both uint8."""
    ground = wall()
    for number in range(FRAMES):
        picture = ground[20 + number // 3 :][:HEIGHT, 3 * number :][:, :WIDTH].copy()
        ball, mask = (20 + 12 * number, 90), np.zeros((HEIGHT, WIDTH), np.uint8)
        cv2.circle(picture, ball, 20, (230, 60, 40), -1)
        cv2.circle(mask, ball, 22, 255, -1)
        cv2.putText(picture, "LOGO", (264, 24), cv2.FONT_HERSHEY_SIMPLEX, 0.5, (255, 255, 255), 1)
        if number in WORDS_SHOWN:
            cv2.putText(
                picture, "These are words", (64, 166), cv2.FONT_HERSHEY_SIMPLEX, 0.7, (255, 240, 90), 2
            )
        yield picture, mask


def draw(folder):
    """Write FOLDER/clip.mp4 and FOLDER/ball.mkv, the ball's mask; give both paths."""
    Path(folder).mkdir(parents=True, exist_ok=True)
    video, mask = Path(folder, "clip.mp4"), Path(folder, "ball.mkv")
    frames, marks = zip(*pictures(), strict=True)
    for path, codec, layout, shots in (
        (video, "libx264", "yuv420p", frames),
        (mask, "ffv1", "gray", marks),
    ):
        with av.open(str(path), "w") as container:
            stream = container.add_stream(codec, RATE, pix_fmt=layout, width=WIDTH, height=HEIGHT)
            for shot in shots:
                native = av.VideoFrame.from_ndarray(shot, "rgb24" if shot.ndim == 3 else "gray")
                container.mux(stream.encode(native.reformat(format=layout, threads=1)))
            container.mux(stream.encode(None))
    return video, mask
