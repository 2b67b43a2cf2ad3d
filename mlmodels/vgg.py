"""
The loss network: VGG16 (Simonyan & Zisserman 2015) up to relu4_1. It teaches and measures; it never ships.

Images are RGB floats in [0, 1]; inside they become BGR 0..255 minus the ImageNet means, as the weights were trained.
"""

import hashlib
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from torch import Tensor, nn

from .network import channels_last
from .processor import has_bf16

CONVOLUTIONS = {1: (3, 64, 2), 2: (64, 128, 2), 3: (128, 256, 3), 4: (256, 512, 1)}  # block: inputs, outputs, layers
CHANNELS = (64, 128, 256, 512)  # of relu1_1, relu2_1, relu3_1, relu4_1
STATISTICS_SIZE = 2 * sum(CHANNELS)


class VGGFeatures(nn.Module):
    """Frozen VGG16; returns relu1_1, relu2_1, relu3_1 and relu4_1."""

    def __init__(self, weights: Path | None = None) -> None:
        """:param weights: safetensors with keys `convB_C.weight/.bias`; None leaves the random start (for tests)"""
        super().__init__()
        for block, (inputs, outputs, layers) in CONVOLUTIONS.items():
            for layer in range(1, layers + 1):
                channels = inputs if layer == 1 else outputs
                self.add_module(f"conv{block}_{layer}", nn.Conv2d(channels, outputs, 3, padding=1))
        self.mean: Tensor
        self.register_buffer("mean", torch.tensor([103.939, 116.779, 123.68]).view(1, 3, 1, 1))
        if weights is not None:
            self._load(weights)
        channels_last(self.requires_grad_(False).eval())

    def _load(self, weights: Path) -> None:
        known = self.state_dict()
        loaded = {key: value.float() for key, value in load_file(weights).items() if key in known}
        self.load_state_dict({"mean": known["mean"], **loaded})

    def forward(self, images_B3HW: Tensor) -> list[Tensor]:
        features = (images_B3HW.flip(1) * 255 - self.mean).contiguous(memory_format=torch.channels_last)
        taken = []
        for block, (_, _, layers) in CONVOLUTIONS.items():
            for layer in range(1, layers + 1):
                features = F.relu(self.get_submodule(f"conv{block}_{layer}")(features))
                if layer == 1:
                    taken.append(features)
            features = F.max_pool2d(features, 2) if block < 4 else features
        return taken


def fingerprint_of(vgg: VGGFeatures) -> str:
    """Return a short hash of the weights."""
    hashed = hashlib.sha256()
    for weight in vgg.state_dict().values():
        hashed.update(weight.cpu().contiguous().numpy().tobytes())
    return hashed.hexdigest()[:16]


def best_precision(wanted: str = "auto", device: str = "cpu") -> torch.autocast:
    """
    Return the context in which the networks run: twice as fast in bfloat16, four times slower where it is emulated.

    :param wanted: "on", "off", or "auto": on where the processor multiplies bfloat16 by itself
    """
    able = torch.cuda.is_bf16_supported() if device == "cuda" else has_bf16()
    return torch.autocast(device, torch.bfloat16, enabled=wanted == "on" or (wanted == "auto" and able))


def channel_statistics(features: list[Tensor]) -> Tensor:
    """Return per picture the mean and standard deviation of each channel, layer by layer: (B, 1920)."""
    moments = _Moments.apply if torch.is_grad_enabled() else _moments
    return torch.cat([part for layer in features for part in moments(layer)], dim=1)


def _moments(features_BKHW: Tensor) -> tuple[Tensor, Tensor]:
    variance, mean = torch.var_mean(features_BKHW.float(), (2, 3), correction=0)
    # The square root's slope at zero is infinite; dead channels are common in VGG.
    return mean, torch.sqrt(variance + 1e-8)


class _Moments(torch.autograd.Function):
    """
    The same for training, where these sums took a third of a step: one pass each way, in the features' own precision.

    With n pixels: d mean / dx = 1 / n and d deviation / dx = (x - mean) / (n deviation).
    """

    @staticmethod
    def forward(ctx: Any, features_BKHW: Tensor) -> tuple[Tensor, Tensor]:
        pixels = features_BKHW.shape[2] * features_BKHW.shape[3]
        mean = _sum_of_rows(features_BKHW) / pixels
        square = _sum_of_rows(features_BKHW.square()) / pixels
        deviation = torch.sqrt((square - mean.square()).clamp_min(0) + 1e-8)
        ctx.save_for_backward(features_BKHW, mean, deviation)
        return mean, deviation

    @staticmethod
    def backward(ctx: Any, *slopes: Tensor) -> Tensor:
        features, mean, deviation = ctx.saved_tensors
        by_mean, by_deviation = slopes
        pixels = features.shape[2] * features.shape[3]
        linear = by_deviation / (pixels * deviation.clamp_min(1e-3))
        constant = by_mean / pixels - linear * mean
        constant, linear = (part.to(features.dtype)[..., None, None] for part in (constant, linear))
        return torch.addcmul(constant, features, linear)


def _sum_of_rows(features_BKHW: Tensor) -> Tensor:
    """Sum over the pixels, (B, K): a row by a matrix product (bfloat16 has no fast sum), rows in single precision."""
    batch, channels, height, width = features_BKHW.shape
    rows = features_BKHW.permute(0, 2, 3, 1).reshape(batch * height, width, channels)
    sums = torch.bmm(rows.new_ones(batch * height, 1, width), rows)
    return sums.view(batch, height, channels).float().sum(1)
