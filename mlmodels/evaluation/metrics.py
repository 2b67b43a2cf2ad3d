"""
How good a painting and how steady a clip is, one number each. Lower is better throughout.

Style is the training's style term; content compares instance-normalized relu3_1 and relu4_1, so that a change of colour
and contrast alone costs nothing; the warping error follows DIS optical flow of the input (Lai et al. 2018, eq. 5).
Pictures are RGB bytes, (H, W, 3).
"""

import statistics
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from mlmodels.losses import style_loss
from mlmodels.motion import Flow, follow, optical_flow, unoccluded
from mlmodels.release import Pixels, to_tensor
from mlmodels.vgg import VGGFeatures, channel_statistics

SENSOR_NOISE = 0.01  # standard deviation, of 1.0: a phone indoors, and what the network was trained with
EXPOSURE_NOISE = 0.01  # standard deviation of the gain from frame to frame: an automatic exposure that hunts


@dataclass(frozen=True)
class Look:
    """A picture as VGG16 sees it: relu1_1, 2_1, 3_1 and 4_1, each (1, K, H, W)."""

    features: list[Tensor]


@torch.inference_mode()
def look(vgg: VGGFeatures, picture: Pixels) -> Look:
    return Look(vgg(to_tensor(picture[None])))


@torch.inference_mode()
def style_distance(painted: Look, style: Look) -> float:
    """Mean relative error of channel means and deviations over relu1_1 … relu4_1."""
    return float(style_loss(channel_statistics(painted.features), channel_statistics(style.features))[0])


@torch.inference_mode()
def content_distance(painted: Look, content: Look) -> float:
    """Mean square error of instance-normalized relu3_1 and relu4_1, averaged over the two; the sizes must agree."""
    pairs = zip(painted.features[2:], content.features[2:], strict=True)
    return statistics.mean(float(F.mse_loss(F.instance_norm(one), F.instance_norm(other))) for one, other in pairs)


@dataclass(frozen=True)
class Motion:
    """Where each pixel of one frame is in a later one, and whether it is still seen there."""

    flow: Flow
    seen: NDArray[np.bool_]


def motion_between(first: Pixels, later: Pixels) -> Motion:
    forward = optical_flow(first, later)
    return Motion(forward, unoccluded(forward, optical_flow(later, first)))


def warping_error(first: Pixels, later: Pixels, motion: Motion) -> float:
    """Root mean square on 0..1 RGB between a frame and the later one brought back along the motion, where seen."""
    back = follow(later.astype(np.float32) / 255, motion.flow)
    difference = (back - first.astype(np.float32) / 255)[motion.seen]
    return float(np.sqrt(np.square(difference).mean())) if difference.size else 0.0


def still_scene(photo: Pixels, frames: int, seed: int) -> Pixels:
    """Return (B, H, W, 3): the photograph on a tripod, each frame with noise and exposure of its own."""
    draw = np.random.default_rng(seed)
    gains = 1 + EXPOSURE_NOISE * draw.standard_normal((frames, 1, 1, 1), np.float32)
    noise = SENSOR_NOISE * draw.standard_normal((frames, *photo.shape), np.float32)
    return (255 * (photo / np.float32(255) * gains + noise).clip(0, 1)).round().astype(np.uint8)


def flicker(painted_BHWC: Pixels, scene_BHWC: Pixels) -> float:
    """Change from frame to frame relative to the input's: 1 repeats the noise, above it the painter adds to it."""
    return _change(painted_BHWC) / max(_change(scene_BHWC), 1e-6)  # a scene without noise: then any change is huge


def _change(frames_BHWC: Pixels) -> float:
    return float(np.sqrt(np.square(np.diff(frames_BHWC.astype(np.float32), axis=0)).mean()))
