"""
Pairs of frames with a known motion between them, for the temporal terms.

Synthetic pairs need no video (ReReVST, Wang et al. 2020): an affine move, a smooth displacement, a change of exposure
and noise.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from .losses import warp

EXPOSURE = 0.04  # standard deviation of the gain between two frames
NOISE = 0.01  # standard deviation of sensor noise, of 1.0
AFFINE = 0.015  # standard deviation of each matrix entry; a move of 2 % of the frame on top
DISPLACEMENT = 0.012  # of half the frame, smooth over a fifth of it


@dataclass(frozen=True)
class MovingPair:
    """A second frame, where its pixels were in the first (`grid`, as grid_sample), and whether they were seen there."""

    second_B3HW: Tensor
    grid_BHW2: Tensor
    seen_B1HW: Tensor


def synthetic_pair(first_B3HW: Tensor, generator: torch.Generator) -> MovingPair:
    """Move, bend, expose and disturb the frame; drawn from `generator` alone, so a resumed run draws the same."""
    grid = smooth_grid(first_B3HW, generator)
    seen = (grid.abs() < 0.97).all(-1, keepdim=True).permute(0, 3, 1, 2).float()
    gain = 1 + EXPOSURE * torch.randn(first_B3HW.shape[0], 1, 1, 1, generator=generator)
    noise = NOISE * torch.randn(first_B3HW.shape, generator=generator)
    return MovingPair((warp(first_B3HW, grid) * gain + noise).clamp(0, 1), grid, seen)


def smooth_grid(images_B3HW: Tensor, generator: torch.Generator) -> Tensor:
    """Return (B, H, W, 2): an affine map plus a bicubic displacement field from 5 by 5 random vectors."""
    batch, _, height, width = images_B3HW.shape
    spread = torch.tensor([AFFINE, AFFINE, 0.02])
    theta = torch.eye(2, 3) + torch.randn(batch, 2, 3, generator=generator) * spread
    grid = F.affine_grid(theta, list(images_B3HW.shape), align_corners=False)
    bend = F.interpolate(torch.randn(batch, 2, 5, 5, generator=generator), (height, width), mode="bicubic")
    return grid + DISPLACEMENT * bend.permute(0, 2, 3, 1)
