"""
What a good painting is, as numbers. Pure functions; images are RGB floats in [0, 1], one value per picture unless said.

Style: Ghiasi et al. 2017 after Huang & Belongie 2017 (eq. 13), here relative to the style's energy. Temporal terms:
ReCoNet (Gao et al. 2018, eqs. 6 and 7).
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from .vgg import CHANNELS

LUMINANCE = (0.2126, 0.7152, 0.0722)  # ITU-R BT.709


def content_loss(painted: list[Tensor], content: list[Tensor]) -> Tensor:
    """Return relu4_1 + 0.5 relu3_1, each a mean square relative to the content's own: (B,)."""
    return relative_error(painted[3], content[3]) + 0.5 * relative_error(painted[2], content[2])


def structure_loss(painted: list[Tensor], content: list[Tensor]) -> Tensor:
    """
    Return the mean square difference of relu3_1 and relu4_1 that are normalized per channel: (B,). 2 knows nothing.

    What the style term asks for, means and deviations, is taken out of it, so that the two do not pull at one another
    (the normalized content loss of Park & Lee 2019 and Deng et al. 2022). A picture whose things are gone, painted over
    with one colour, costs little by `content_loss` and much by this.
    """
    pairs = zip(painted[2:], content[2:], strict=True)
    return torch.stack([_normalized_error(one, other) for one, other in pairs]).mean(0)


def _normalized_error(painted: Tensor, content: Tensor) -> Tensor:
    mean, variance = content.mean((2, 3), keepdim=True), content.var((2, 3), correction=0, keepdim=True)
    painted_mean, spread = painted.mean((2, 3), keepdim=True), painted.var((2, 3), correction=0, keepdim=True)
    # A channel that died in the painting is not blown up: its gradients would be as large as it is small.
    alike = (painted - painted_mean) * torch.rsqrt(spread + 0.01 * variance + 1e-5)
    return (alike - (content - mean) * torch.rsqrt(variance + 1e-5)).square().mean((1, 2, 3))


def relative_error(features: Tensor, reference: Tensor) -> Tensor:
    """Return the mean square difference divided by the reference's mean square: (B,)."""
    dims = tuple(range(1, features.ndim))
    return (features - reference).square().mean(dims) / (reference.square().mean(dims) + 1e-6)


def style_loss(painted_BS: Tensor, style_BS: Tensor) -> Tensor:
    """
    Return the mean over four layers of the error of channel means and deviations, relative to the style's energy: (B,).

    Both arguments come from `vgg.channel_statistics`, shape (B, 1920).
    """
    total = painted_BS.new_zeros(painted_BS.shape[0])
    widths = [2 * channels for channels in CHANNELS]
    for painted, style in zip(painted_BS.split(widths, 1), style_BS.split(widths, 1), strict=True):
        total = total + (painted - style).square().mean(1) / (style.square().mean(1) + 1e-6)
    return total / len(widths)


def total_variation(images_B3HW: Tensor) -> Tensor:
    """Return the mean square difference of neighbours, both directions: (B,). Zero for a flat picture."""
    down = (images_B3HW[..., 1:, :] - images_B3HW[..., :-1, :]).square().mean((1, 2, 3))
    across = (images_B3HW[..., 1:] - images_B3HW[..., :-1]).square().mean((1, 2, 3))
    return down + across


def lattice(images_B3HW: Tensor, period: int = 8, window: int = 48) -> Tensor:
    """
    Return how strongly fine detail repeats at the grid of the network's strides: (B,). A photograph's is about 2e-5.

    Brush strokes fall anywhere, what upsampling weaves falls at the same place of each `period` pixels: their mean over
    the cells of a window keeps the pattern alone.
    """
    fine = images_B3HW[..., 1:-1, 1:-1] - F.avg_pool2d(images_B3HW, 3, 1)
    window = min(window, min(fine.shape[-2:]) // period * period)
    down, across = (size // window for size in fine.shape[-2:])
    inside = fine[..., : down * window, : across * window]
    cells = inside.unflatten(-2, (down, window // period, period)).unflatten(-1, (across, window // period, period))
    return cells.mean((3, 6)).square().mean((1, 2, 3, 4, 5))


def border(alone_B3HW: Tensor, within_B3HW: Tensor) -> Tensor:
    """
    Return the mean square difference of a part painted by itself from the same part of the whole's painting: (B,).

    The convolutions see where a picture ends. Unless the part must look as if it did not end there, they learn to put
    at the rim what the style asks for and the picture has no place for: a tinted frame around every painting.
    """
    return (alone_B3HW - within_B3HW.detach()).square().mean((1, 2, 3))


def warp(images_BCHW: Tensor, grid_BHW2: Tensor) -> Tensor:
    """Look each output pixel up at `grid` (in [-1, 1], as grid_sample): a picture moved by a flow."""
    return F.grid_sample(images_BCHW, grid_BHW2, padding_mode="border", align_corners=False)


def output_temporal_loss(
    painted: tuple[Tensor, Tensor], frames: tuple[Tensor, Tensor], grid: Tensor, seen: Tensor
) -> Tensor:
    """
    Return the painted change that the scene's change of luminance does not explain (ReCoNet eq. 7): (B,).

    :param seen: (B, 1, H, W), 1 where the pixel is visible in both frames
    """
    change = frames[1] - warp(frames[0], grid)
    weights = torch.tensor(LUMINANCE, device=change.device).view(1, 3, 1, 1)
    unexplained = painted[1] - warp(painted[0], grid) - (change * weights).sum(1, keepdim=True)
    return (seen * unexplained.square()).mean((1, 2, 3))


def feature_temporal_loss(features: tuple[Tensor, Tensor], grid: Tensor, seen: Tensor) -> Tensor:
    """Return the change of the body's features along the motion, relative to their energy (ReCoNet eq. 6): (B,)."""
    size = features[0].shape[-2:]
    small = F.interpolate(grid.permute(0, 3, 1, 2), size, mode="bilinear", align_corners=False).permute(0, 2, 3, 1)
    seen_small = F.interpolate(seen, size, mode="nearest")
    error = (seen_small * (features[1] - warp(features[0], small)).square()).mean((1, 2, 3))
    return error / (features[0].detach().square().mean((1, 2, 3)) + 1e-6)
