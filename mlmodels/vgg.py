"""
The loss network: VGG16 (Simonyan & Zisserman 2015) up to relu4_1. It teaches and measures; it never ships.

Images are RGB floats in [0, 1]; inside they become BGR 0..255 minus the ImageNet means, as the weights were trained.
"""

from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from torch import Tensor, nn

from .network import channels_last

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


def channel_statistics(features: list[Tensor]) -> Tensor:
    """Return per picture the mean and standard deviation of each channel, layer by layer: (B, 1920)."""
    parts = []
    for layer in features:
        variance, mean = torch.var_mean(layer.float(), (2, 3))
        # The square root's slope at zero is infinite; dead channels are common in VGG.
        parts += [mean, torch.sqrt(variance + 1e-8)]
    return torch.cat(parts, dim=1)
