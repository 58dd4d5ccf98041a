"""How a scene looks after a camera and an encoder had it: color, exposure, blur, noise, compression."""

from __future__ import annotations

import cv2
import numpy as np

from vrestore.training.data.sources import Pictures


def record(rng: np.random.Generator, frames: Pictures) -> Pictures:
    """Return the frames as if recorded: one way for a whole clip, exposure drifting a little."""
    count = len(frames)
    # As a camera does it: light times gain and exposure, defocus, the sensor's noise, 8 bits, the codec.
    gain = rng.uniform(0.6, 1.25, 3) if rng.random() < 0.3 else np.full(3, rng.uniform(0.6, 1.25))
    drift = 1 + np.cumsum(rng.normal(0, 0.006, count)) if rng.random() < 0.3 else np.ones(count)
    gamma = rng.uniform(0.75, 1.35)
    gray_share = rng.uniform(0, 0.6) if rng.random() < 0.3 else 0.0
    blur = rng.uniform(0.3, 1.3) if rng.random() < 0.35 else 0.0
    noise = rng.uniform(0.002, 0.03) if rng.random() < 0.4 else 0.0
    quality = int(rng.integers(35, 95)) if rng.random() < 0.5 else None
    recorded = []
    for frame, exposure in zip(frames, drift, strict=True):
        # Drawn anew for each clip, the exponent stands for both the scene's contrast and the camera's curve.
        light = np.power(frame.astype(np.float32) / 255, gamma, dtype=np.float32) * (gain * exposure)
        light = light.astype(np.float32)
        light += gray_share * (light.mean(-1, keepdims=True) - light)
        if blur:
            light = cv2.GaussianBlur(light, (0, 0), blur)
        if noise:
            light += rng.normal(0, noise, light.shape).astype(np.float32)
        codes = np.rint(light * 255).clip(0, 255).astype(np.uint8)
        if quality is not None:
            _, packet = cv2.imencode(".jpg", codes, [cv2.IMWRITE_JPEG_QUALITY, quality])
            codes = np.asarray(cv2.imdecode(packet, cv2.IMREAD_COLOR), np.uint8)
        recorded.append(codes)
    return np.stack(recorded)
