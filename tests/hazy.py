"""Clips under haze that is known, as frames in any pixel format, and estimators that know it."""

from dataclasses import replace

import cv2
import numpy as np
import torch
from clips import write_pictures
from textured import layout, panned, texture

from vrestore.frames import Box, Color, Frame, MaskedFrame
from vrestore.media.color.color_matrix import coding_of
from vrestore.media.color.convert import to_rgb
from vrestore.media.formats import plane_shapes
from vrestore.methods.dehaze.estimators.dark_channel import estimate_dark
from vrestore.methods.dehaze.estimators.estimate import HazeEstimate
from vrestore.methods.dehaze.settings import DehazeSettings, DehazeStats
from vrestore.methods.dehaze.stage import dehaze
from vrestore.models.cards import Card
from vrestore.models.cgidn.config import CGIDN_SMALL
from vrestore.models.cgidn.network import CgIdn
from vrestore.models.weights import save_weights

AIR = (0.85, 0.87, 0.9)
TAGGED = Color(matrix=1, full_range=False)
TINY = replace(CGIDN_SMALL, name="tiny", channels=(8, 12, 16), align_channels=8, offset_groups=2, radius=1)


def clear_pictures(count, *, height=64, width=96, seed=0):
    """Pictures of a camera that pans over a texture, (T, 3, H, W) in [0, 1], with dark places everywhere."""
    world = texture(height + 8, width + 4 * count, seed=seed)
    views = panned(world, count=count, height=height, width=width, step=(2.0, 0.0))
    return np.clip(2 * np.stack(views) - 0.65, 0, 1).astype(np.float32)


def slanted_depth(height=64, width=96, *, near=0.2, far=1.2):
    """An optical depth (H, W) that grows from the bottom to the top."""
    return np.tile(np.linspace(far, near, height, dtype=np.float32)[:, None], (1, width))


def hazed(pictures, depth, *, air=AIR):
    """The scattering law, the same haze over every picture."""
    t = np.exp(-depth)
    return (pictures * t + np.float32(air)[:, None, None] * (1 - t)).astype(np.float32)


def foggy_scenes(*lengths, height=64, width=96):
    """Scenes of so many frames, one after the other (T, 3, H, W), under haze that flickers."""
    rng, pictures = np.random.default_rng(1), []
    for seed, count in enumerate(lengths):
        depth = slanted_depth(height, width)
        for each in clear_pictures(count, height=height, width=width, seed=seed):
            air = rng.normal((0.8, 0.82, 0.85), 0.04)
            thick = depth * rng.uniform(0.7, 1.3) / (1 + seed % 3)
            pictures.append(hazed(each, thick, air=air) * (1 - 0.4 * (seed % 2)))
    return np.clip(np.stack(pictures), 0, 1)


def frames_of(pictures, name, *, tags=TAGGED):
    """Pictures as frames in a pixel format; chroma is the mean of its cell."""
    made, frames = layout(name), []
    for index, picture in enumerate(pictures):
        height, width = picture.shape[1:]
        coding = coding_of(made, tags, height=height)
        shapes = plane_shapes(made, height=height, width=width)
        planes = [np.zeros(shape, made.dtype) for shape in shapes]
        for number, part in enumerate(made.components):
            codes = np.tensordot(coding.from_rgb[number], picture, 1) + coding.offset[number]
            samples = planes[part.plane][:, part.offset :: part.step]
            codes = cv2.resize(codes.astype(np.float32), samples.shape[::-1], interpolation=cv2.INTER_AREA)
            samples[...] = np.rint(np.clip(codes, 0, made.peak)).astype(made.dtype) << part.shift
        frames.append(Frame(tuple(planes), index * 10, 10, index))
    return frames


def pictures_of(frames, name, *, height=64, width=96, tags=TAGGED):
    """Frames as pictures (T, 3, H, W)."""
    whole = Box(0, 0, width, height)
    return np.stack([to_rgb(frame, whole, format=layout(name), color=tags) for frame in frames])


def knowing(depth, *, air=AIR, tint=None):
    """An estimator that knows the haze: `depth` (H, W), or one for each frame (T, H, W)."""
    every = np.broadcast_to(depth, (10_000, *depth.shape)) if depth.ndim == 2 else depth

    def estimate(looks):
        for index, look in enumerate(looks):
            yield HazeEstimate(
                look, torch.from_numpy(every[index].copy())[None, None], torch.tensor(air), tint
            )

    return estimate


def write_foggy(path, *lengths, height=64, width=96):
    """Write scenes under haze as a clip, lossless."""
    scenes = foggy_scenes(*lengths, height=height, width=width)
    pictures = [np.rint(each.transpose(1, 2, 0) * 255).astype(np.uint8) for each in scenes]
    return write_pictures(path, pictures, layout="yuv420p")


def write_weights(path, network):
    """Write weights of the small network with a card."""
    card = Card(path.stem, "0", "cgidn-small", "Untrained.", "CC0-1.0", (), "a test", 0, 0, "none", ())
    save_weights(network, path, card)
    return path


def stirred(config=TINY, *, by=0.05):
    """A small network whose weights are not at rest: what it is given shows."""
    torch.manual_seed(0)
    network = CgIdn(config).eval()
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(by * torch.randn_like(parameter))
    return network


def cleared(
    frames,
    name,
    *,
    estimate=estimate_dark,
    tags=TAGGED,
    observe=None,
    tally=None,
    segments=None,
    **settings,
):
    """Dehaze a list of frames."""
    result = dehaze(
        (MaskedFrame(frame, None) for frame in frames),
        estimate=estimate,
        format=layout(name),
        color=tags,
        settings=DehazeSettings(**{"strength": 1.0} | settings),
        tally=tally if tally is not None else DehazeStats(),
        observe=observe,
        segments=segments,
    )
    return list(result)


def psnr(actual, expected):
    """PSNR in dB of pictures in [0, 1]."""
    return float(-10 * np.log10(np.mean(np.square(np.clip(actual, 0, 1) - expected, dtype=np.float64))))
