"""
Pairs of frames with a known motion between them, for the temporal terms.

Synthetic pairs need no video (ReReVST, Wang et al. 2020): an affine move, a smooth displacement, a change of exposure
and noise. Real pairs are two frames of a clip with DIS optical flow (Kroeger et al. 2016) between them; where forward
and backward flow disagree, a pixel counts as hidden (Sundaram et al. 2010).
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
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

    def to(self, device: torch.device) -> "MovingPair":
        return MovingPair(*(part.to(device) for part in (self.second_B3HW, self.grid_BHW2, self.seen_B1HW)))

    def mirrored(self) -> "MovingPair":
        grid = self.grid_BHW2.flip(2) * torch.tensor([-1.0, 1.0])
        return MovingPair(self.second_B3HW.flip(-1), grid, self.seen_B1HW.flip(-1))

    def with_real(self, index: int, real: "MovingPair") -> "MovingPair":
        """Return the batch with one of its pairs replaced by a real one (batch of one)."""
        mine = self.second_B3HW.clone(), self.grid_BHW2.clone(), self.seen_B1HW.clone()
        for tensor, other in zip(mine, (real.second_B3HW, real.grid_BHW2, real.seen_B1HW), strict=True):
            tensor[index] = other[0]
        return MovingPair(*mine)


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


Pixels = NDArray[np.uint8]
Flow = NDArray[np.float32]


def optical_flow(first: Pixels, second: Pixels) -> Flow:
    """Where each pixel of `first` is in `second`, as a displacement in pixels: (H, W, 2)."""
    finder = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    gray = [cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY) for frame in (first, second)]
    return np.asarray(finder.calc(gray[0], gray[1], None), dtype=np.float32)  # type: ignore[call-overload]


def follow(image: NDArray[Any], flow: Flow) -> NDArray[Any]:
    """Fetch for each pixel what the flow points at, bilinear."""
    return cv2.remap(image, *_targets(flow), cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def _targets(flow: Flow) -> tuple[Flow, Flow]:
    """The column and the row that each pixel's flow points at."""
    rows, columns = np.mgrid[: flow.shape[0], : flow.shape[1]].astype(np.float32)
    return columns + flow[..., 0], rows + flow[..., 1]


def unoccluded(forward: Flow, backward: Flow) -> NDArray[np.bool_]:
    """Forward and backward flow agree (Sundaram et al. 2010, eq. 5), and the pixel has not left the frame: (H, W)."""
    there = follow(backward, forward)
    disagreement = np.square(forward + there).sum(-1)
    agree = disagreement < 0.01 * (np.square(forward).sum(-1) + np.square(there).sum(-1)) + 0.5
    height, width = forward.shape[:2]
    column, row = _targets(forward)
    return agree & (abs(column - (width - 1) / 2) < width / 2) & (abs(row - (height - 1) / 2) < height / 2)


def read_clip(path: Path, side: int, most: int) -> list[Pixels]:
    """Read the first frames of a clip scaled to the short side."""
    frames: list[Pixels] = []
    with av.open(str(path)) as container:
        for frame in container.decode(video=0):
            scale = side / min(frame.width, frame.height)
            width, height = round(frame.width * scale), round(frame.height * scale)
            frames.append(frame.reformat(width, height, format="rgb24").to_ndarray().astype(np.uint8, copy=False))
            if len(frames) == most:
                break
    return frames


def real_pair(first: Pixels, second: Pixels) -> MovingPair:
    """Return a batch of one: two frames (H, W, 3) of a clip with the flow between them."""
    back, forth = optical_flow(second, first), optical_flow(first, second)
    (height, width), (column, row) = back.shape[:2], _targets(back)
    across, down = (column + 0.5) * 2 / width - 1, (row + 0.5) * 2 / height - 1
    grid = torch.from_numpy(np.stack([across, down], -1))[None]
    seen = torch.from_numpy(unoccluded(back, forth))[None, None].float()
    return MovingPair(torch.from_numpy(second.copy()).permute(2, 0, 1)[None].float() / 255, grid, seen)
