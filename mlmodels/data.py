"""
Pictures for training: crops drawn by a seed and a step number, so that a resumed run sees what the first
would have seen.

Images are RGB floats in [0, 1], (3, S, S). VGG features of a picture's crop are computed once and kept in memory: on a
CPU they cost more than everything else.
"""

import hashlib
import random
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from .vgg import VGGFeatures, channel_statistics


class NoPictures(ValueError):
    """The folder has no pictures to learn from."""


def list_pictures(folders: list[Path]) -> list[Path]:
    """
    Return the JPEG and PNG files directly in the folders, sorted.

    :raises NoPictures: when there is none at all
    """
    found = sorted(
        path for folder in folders for path in folder.glob("*") if path.suffix.lower() in {".jpg", ".jpeg", ".png"}
    )
    if not found:
        raise NoPictures(f"no pictures in {', '.join(map(str, folders))}")
    return found


def fingerprint(paths: list[Path]) -> str:
    """Return a short hash of names and sizes: enough to see that the data changed."""
    rows = "\n".join(f"{path.name} {path.stat().st_size}" for path in paths)
    return hashlib.sha256(rows.encode()).hexdigest()[:16]


def load_crop(path: Path, size: int, rng: random.Random, *, zoom: float = 1.0) -> Tensor:
    """Scale the short side to `size * zoom` (zoom >= 1) and cut a random square: (3, size, size)."""
    with Image.open(path) as opened:
        image = opened.convert("RGB")
    scale = size * zoom / min(image.size)
    width, height = (max(size, round(side * scale)) for side in image.size)
    left, top = rng.randint(0, width - size), rng.randint(0, height - size)
    pixels = np.asarray(
        image.resize((width, height), Image.Resampling.BICUBIC).crop((left, top, left + size, top + size))
    )
    return torch.from_numpy(pixels.copy()).permute(2, 0, 1).float() / 255


@dataclass(frozen=True)
class ContentSample:
    """A photograph's crop with what the losses need of it."""

    image_3SS: Tensor
    relu3_1: Tensor
    relu4_1: Tensor
    statistics: Tensor

    def mirrored(self) -> "ContentSample":
        return ContentSample(self.image_3SS.flip(-1), self.relu3_1.flip(-1), self.relu4_1.flip(-1), self.statistics)


class FeatureCache:
    """Crops and their VGG features, each computed once; a crop depends on path and size alone, never on the order."""

    def __init__(self, vgg: VGGFeatures) -> None:
        self.vgg = vgg
        self._content: dict[tuple[Path, int], tuple[Tensor, ...]] = {}
        self._style: dict[tuple[Path, int], Tensor] = {}

    @torch.no_grad()
    def content(self, path: Path, size: int) -> ContentSample:
        key = (path, size)
        if key not in self._content:
            image = load_crop(path, size, random.Random(f"{path.name} {size}"))
            features = self.vgg(image[None])
            kept = (image * 255).byte(), features[2][0].half(), features[3][0].half(), channel_statistics(features)[0]
            self._content[key] = kept
        image8, relu3_1, relu4_1, statistics = self._content[key]
        return ContentSample(image8.float() / 255, relu3_1.float(), relu4_1.float(), statistics)

    @torch.no_grad()
    def style(self, path: Path, size: int) -> Tensor:
        """Return the style statistics (1920,) of a crop of the painting."""
        key = (path, size)
        if key not in self._style:
            rng = random.Random(f"{path.name} {size}")
            crop = load_crop(path, size, rng, zoom=rng.uniform(1, 1.3))
            self._style[key] = channel_statistics(self.vgg(crop[None]))[0]
        return self._style[key]
