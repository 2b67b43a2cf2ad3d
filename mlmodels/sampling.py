"""
What step N trains on: a function of the seed and N alone, so that a resumed run sees what the first would have seen.

Images are RGB floats in [0, 1], (3, S, S); statistics are `vgg.channel_statistics`, (1920,).
"""

import random
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from .data import ContentSample, FeatureCache, StyleSample, fingerprint, list_pictures
from .losses import style_loss
from .motion import MovingPair, synthetic_pair
from .network import MULTIPLE
from .options import STYLE_SIZE, Phase, TrainingOptions
from .stylemodel import Area

PAIRS_A_CLIP = 8


def list_clips(options: TrainingOptions) -> list[Path]:
    return sorted(Path(options.clips).glob("*.mp4")) if options.clips else []


class Sampler:
    """What step N trains on: a function of the seed and N alone."""

    def __init__(self, options: TrainingOptions, cache: FeatureCache) -> None:
        self.options, self.cache = options, cache
        self.content = self._pool(options.content, options.content_pool)
        self.styles = self._pool(options.styles, options.style_pool)
        self.favourites = list_pictures([Path(folder) for folder in options.favourites]) if options.favourites else []
        self.clips = list_clips(options)

    def _pool(self, folders: list[str], most: int) -> list[Path]:
        paths = list_pictures([Path(folder) for folder in folders])
        random.Random(self.options.seed).shuffle(paths)
        return paths[:most]

    @property
    def data(self) -> str:
        """The fingerprint of every picture and clip that can be drawn."""
        return fingerprint([*self.content, *self.styles, *self.favourites, *self.clips])

    def draw(self, step: int, phase: Phase, worker: int = 0) -> "Batch":
        """Return one worker's share of the step's batch."""
        rng = random.Random(f"{self.options.seed} {step} {worker}" if worker else f"{self.options.seed} {step}")
        photos = [self._photo(rng, phase.size) for _ in range(phase.batch // self.options.workers)]
        own = [rng.random() < self.options.own_share for _ in photos]
        drawn = [self._style_for(photo, rng, phase.size) for photo in photos]
        styles = [
            StyleSample(photo.seen_3SS, photo.statistics) if is_own else style
            for photo, is_own, style in zip(photos, own, drawn, strict=True)
        ]
        generator = torch.Generator().manual_seed(rng.getrandbits(48))
        return batch_of(photos, styles, own, generator, part_of_frame(rng, phase.size))

    def _style_for(self, photo: ContentSample, rng: random.Random, size: int) -> StyleSample:
        """Draw some styles and return the one that is farthest from the photograph: there is most to learn from it."""
        drawn = [self._style(rng, size) for _ in range(self.options.style_contest)]
        return max(drawn, key=lambda style: float(style_loss(photo.statistics[None], style.statistics[None])))

    def _style(self, rng: random.Random, size: int) -> StyleSample:
        favoured = self.favourites and rng.random() < self.options.favourite_share
        path = rng.choice(self.favourites if favoured else self.styles)
        view = rng.randrange(self.options.style_views) if self.options.style_views > 1 else 0
        style = self.style(path, size, view)
        if rng.random() < self.options.mix_share:
            other = self.style(rng.choice(self.styles), size)
            style = style.mixed_with(other, rng.random())
        return style

    def style(self, path: Path, size: int, view: int = 0) -> StyleSample:
        """Return a painting as it is compared with paintings of so many pixels."""
        large = self.options.style_size > STYLE_SIZE
        return self.cache.style(path, self.options.style_size, view, size if large else 0)

    def _photo(self, rng: random.Random, size: int) -> ContentSample:
        if self.clips and rng.random() < self.options.clip_share:
            sample = self.cache.clip(rng.choice(self.clips), rng.randrange(PAIRS_A_CLIP), size)
        else:
            sample = self.cache.content(rng.choice(self.content), size, self.options.content_zoom)
        return sample.mirrored() if rng.random() < 0.5 else sample


@dataclass(frozen=True)
class Batch:
    """Photographs with their next frames, the styles to paint them with, and which of them get themselves as style."""

    images: Tensor  # (B, 3, S, S)
    relu3_1: Tensor
    relu4_1: Tensor
    pair: MovingPair
    style_BS: Tensor  # (B, 1920)
    style_images: list[Tensor]  # each (3, S, S) of its own size
    own_B: Tensor
    part: Area  # of the first photograph

    def to(self, device: torch.device) -> "Batch":
        return Batch(
            self.images.to(device),
            self.relu3_1.to(device),
            self.relu4_1.to(device),
            self.pair.to(device),
            self.style_BS.to(device),
            [image.to(device) for image in self.style_images],
            self.own_B.to(device),
            self.part,
        )


def part_of_frame(rng: random.Random, size: int) -> Area:
    """Draw half a frame's height and width, on the grid of the network's strides."""
    side = max(MULTIPLE, size // 2 // MULTIPLE * MULTIPLE)
    top, left = (rng.randint(0, (size - side) // MULTIPLE) * MULTIPLE for _ in range(2))
    return slice(top, top + side), slice(left, left + side)


def batch_of(
    photos: list[ContentSample], styles: list[StyleSample], own: list[bool], generator: torch.Generator, part: Area
) -> Batch:
    """Stack the samples; the second frames are real where the photograph is a clip's, else synthetic."""
    images = torch.stack([photo.image_3SS for photo in photos])
    pair = synthetic_pair(images, generator)
    for index, photo in enumerate(photos):
        pair = pair.with_real(index, photo.pair) if photo.pair else pair
    relu3_1, relu4_1 = (torch.stack([getattr(photo, layer) for photo in photos]) for layer in ("relu3_1", "relu4_1"))
    statistics = torch.stack([style.statistics for style in styles])
    return Batch(
        images, relu3_1, relu4_1, pair, statistics, [style.image_3SS for style in styles], torch.tensor(own), part
    )
