"""
Pictures for training: crops drawn by a seed and a step number, so that a resumed run sees what the first
would have seen.

Images are RGB floats in [0, 1], (3, S, S). VGG features of a picture's crop are computed once and kept in memory: on a
CPU they cost more than everything else.
"""

import hashlib
import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from safetensors.torch import load_file, save_file
from torch import Tensor

from .files import replacing
from .motion import MovingPair, read_clip, real_pair
from .options import STYLE_SIZE, BadConfig
from .release import middle_square, to_tensor
from .stylemodel import resized
from .vgg import VGGFeatures, best_precision, channel_statistics, fingerprint_of

LONGEST_CLIP = 180  # frames
SHORTEST_CLIP = 3  # a pair is one or two frames apart

Zoom = tuple[float, float]
WHOLE: Zoom = (1.0, 1.0)  # a square as wide as the photograph's short side


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


def corners(image_3SS: Tensor, part: int) -> Tensor:
    """Return the four corners of a picture, (4, 3, part, part)."""
    sides = (slice(None, part), slice(-part, None))
    return torch.stack([image_3SS[:, rows, columns] for rows in sides for columns in sides])


def load_middle(path: Path, size: int) -> Tensor:
    """Return the middle square of a picture, as wide as its short side, scaled to (3, size, size) as a release does."""
    with Image.open(path) as opened:
        return to_tensor(middle_square(np.asarray(opened.convert("RGB")), size)[None])[0]


def recoloured(image_3SS: Tensor, rng: random.Random) -> Tensor:
    """Return the picture, mirrored half the time, in other colours: channels in another order, other contrast."""
    image = image_3SS[rng.sample(range(3), 3)]
    image = image.flip(-1) if rng.random() < 0.5 else image
    image = image ** (2 ** rng.uniform(-0.7, 0.7))
    middle = image.mean((1, 2), keepdim=True)
    grey = image.mean(0, keepdim=True)
    image = grey + (image - grey) * rng.uniform(0.6, 1.5)
    return (middle + (image - middle) * rng.uniform(0.7, 1.3)).clamp(0, 1)


@dataclass(frozen=True)
class ContentSample:
    """A photograph's crop with what the losses need of it."""

    image_3SS: Tensor
    relu3_1: Tensor
    relu4_1: Tensor
    statistics: Tensor
    seen_3SS: Tensor  # what a predictor sees of the photograph, when it is its own style
    pair: MovingPair | None = None  # the next frame, when the photograph is a clip's

    def mirrored(self) -> "ContentSample":
        pictures = (self.image_3SS, self.relu3_1, self.relu4_1, self.seen_3SS)
        image, relu3_1, relu4_1, seen = (picture.flip(-1) for picture in pictures)
        pair = self.pair.mirrored() if self.pair else None
        return ContentSample(image, relu3_1, relu4_1, self.statistics, seen, pair)


@dataclass(frozen=True)
class StyleSample:
    """A painting's crop and its channel statistics (1920,): what the two kinds of predictor read."""

    image_3SS: Tensor
    statistics: Tensor

    def mixed_with(self, other: "StyleSample", share: float) -> "StyleSample":
        """Return what lies between: its picture is the two laid over each other, its statistics the means of theirs."""
        image = (1 - share) * self.image_3SS + share * other.image_3SS
        return StyleSample(image, (1 - share) * self.statistics + share * other.statistics)


def check_clip(path: Path) -> None:
    """:raises BadConfig: what is no video, or too short for a pair of frames"""
    try:
        frames = read_clip(path, 16, SHORTEST_CLIP)
    except (OSError, ValueError, IndexError) as error:  # PyAV's are OSErrors or ValueErrors; no video: IndexError
        raise BadConfig(f"{path} cannot be read: {error}") from error
    if len(frames) < SHORTEST_CLIP:
        raise BadConfig(f"{path} has {len(frames)} frames; a pair to learn motion from needs {SHORTEST_CLIP}")


class FeatureCache:
    """
    Crops and their VGG features, each computed once; a crop depends on path and size alone, never on the order.

    With a folder they are kept there too, so that a resumed run does not pay for them again, for as long as neither the
    file (by its bytes' number) nor the VGG is another.
    """

    def __init__(self, vgg: VGGFeatures, folder: Path | None = None) -> None:
        self.vgg, self.folder = vgg, folder
        self._seen_by = fingerprint_of(vgg) if folder else ""
        self._kept: dict[str, dict[str, Tensor]] = {}

    def content(self, path: Path, size: int, zoom: Zoom = WHOLE) -> ContentSample:
        """
        Return a square of a photograph.

        :param zoom: how many times its size the photograph's short side may be; above one, a predictor is shown the
            middle square of the photograph instead, as it is of a frame that is painted, at the size it is taught with
        """
        key = f"content {path.name} {size}" + ("" if zoom == WHOLE else f" zoom {zoom[0]} {zoom[1]}")
        kept = self._look_up(key, path, lambda: self._measure_content(path, size, zoom))
        image, seen = (kept[name].float() / 255 for name in ("image", "image" if zoom == WHOLE else "seen"))
        return ContentSample(image, kept["relu3_1"].float(), kept["relu4_1"].float(), kept["statistics"], seen)

    def style(self, path: Path, size: int, view: int = 0, part: int = 0) -> StyleSample:
        """
        Return view 0, the painting as it is, or another: nearer, perhaps mirrored, in other colours.

        :param size: pixels of the square whose statistics are measured; its picture is reduced to what a predictor sees
        :param part: measure it in the four corners, each a square of so many pixels. VGG sees where a picture ends, and
            what is painted in small pieces must not be compared with the statistics of a large one
        """
        key = f"style {path.name} {size}" + (f" view {view}" if view else "") + (f" in {part}" if part else "")
        kept = self._look_up(
            key, path, lambda: self._measure_style(path, size, random.Random(key), part, other=view > 0)
        )
        return StyleSample(kept["image"].float() / 255, kept["statistics"])

    def clip(self, path: Path, number: int, size: int) -> ContentSample:
        """Return the frame pair of that number (its place in the clip follows from it) as content."""
        key = f"clip {path.name} {number} {size}"
        kept = self._look_up(key, path, lambda: self._measure_clip(path, size, random.Random(key)))
        pair = MovingPair(kept["second"][None].float() / 255, kept["grid"][None].float(), kept["seen"][None].float())
        image = kept["image"].float() / 255
        return ContentSample(image, kept["relu3_1"].float(), kept["relu4_1"].float(), kept["statistics"], image, pair)

    def _measure_content(self, path: Path, size: int, zoom: Zoom) -> dict[str, Tensor]:
        rng = random.Random(f"{path.name} {size}")
        if zoom == WHOLE:
            return self._measured(load_crop(path, size, rng))
        measured = self._measured(load_crop(path, size, rng, zoom=rng.uniform(*zoom)))
        return measured | {"seen": (load_middle(path, STYLE_SIZE) * 255).round().byte()}

    def _measure_clip(self, path: Path, size: int, rng: random.Random) -> dict[str, Tensor]:
        frames = read_clip(path, round(size * rng.uniform(1, 1.5)), LONGEST_CLIP)
        start = rng.randrange(len(frames) - 2)
        top, left = (rng.randint(0, side - size) for side in frames[0].shape[:2])
        first, second = (
            frames[start + gap][top : top + size, left : left + size] for gap in (0, rng.choice((1, 1, 2)))
        )
        pair = real_pair(first, second)
        moved = {"second": (pair.second_B3HW[0] * 255).round().byte(), "grid": pair.grid_BHW2[0]}
        image = torch.from_numpy(first.copy()).permute(2, 0, 1).float() / 255
        return {**self._measured(image), **moved, "seen": pair.seen_B1HW[0].byte()}

    @torch.no_grad()
    def _features(self, images: Tensor) -> list[Tensor]:
        device = self.vgg.mean.device
        with best_precision(device=device.type):
            return [layer.float().cpu() for layer in self.vgg(images.to(device))]

    def _measured(self, image: Tensor) -> dict[str, Tensor]:
        features = self._features(image[None])
        halves = {"relu3_1": features[2][0].half(), "relu4_1": features[3][0].half()}
        return {"image": (image * 255).round().byte(), "statistics": channel_statistics(features)[0], **halves}

    def _measure_style(self, path: Path, size: int, rng: random.Random, part: int, *, other: bool) -> dict[str, Tensor]:
        image = load_crop(path, size, rng, zoom=rng.uniform(1, 1.6 if other else 1.3))
        image = recoloured(image, rng) if other else image
        statistics = channel_statistics(self._features(corners(image, part) if part else image[None])).mean(0)
        image = resized(image, STYLE_SIZE) if size > STYLE_SIZE else image
        return {"image": (image * 255).round().byte(), "statistics": statistics}

    def _look_up(self, key: str, path: Path, measure: Callable[[], dict[str, Tensor]]) -> dict[str, Tensor]:
        if key not in self._kept:
            self._kept[key] = self._read_or(key, path, measure)
        return self._kept[key]

    def _read_or(self, key: str, path: Path, measure: Callable[[], dict[str, Tensor]]) -> dict[str, Tensor]:
        if self.folder is None:
            return measure()
        whole = f"{key} of {path.stat().st_size} bytes by {self._seen_by}"
        file = self.folder / f"{hashlib.sha256(whole.encode()).hexdigest()[:24]}.safetensors"
        if not file.exists():
            with replacing(file) as unfinished:
                save_file({name: value.contiguous() for name, value in measure().items()}, unfinished)
        return load_file(file)
