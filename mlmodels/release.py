"""
A model release: the two networks that ship, as safetensors with a description, ready to paint.

Pictures are RGB bytes, (H, W, 3); embeddings are float32 vectors (E,).

Weights ship as int8 with one fp32 scale per output channel, stored beside them as `NAME.scale`; everything else is in
half precision. A release all in half precision (`--precision half`) loads too: it is what int8 is measured against.
"""

import argparse
import json
from collections.abc import Callable
from contextlib import ExitStack
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from .files import replacing
from .network import NETWORKS, SceneStatistics, TransformNetwork, channels_last
from .predictor import PREDICTORS, SeeingPredictor
from .quantization import packed, unpacked
from .shipped import SHIPPED, checksum, release_files, weight_files
from .stylemodel import part_of

SMALLEST = 32  # pixels: below, a quarter-size body has too few pixels for statistics
STRENGTHS = (0.0, 1.5)

Pixels = NDArray[np.uint8]
Vector = NDArray[np.float32]


class BadRelease(ValueError):
    """The folder lacks a file of a release, or a file is not the one that the description names."""


class TooSmall(ValueError):
    """The picture has a side below 32 pixels."""


class Pair:
    """
    A style predictor and a transform network, ready to paint.

    Stateless, so one may serve many callers; torch's thread count is the process's own affair.
    """

    name: str
    sha256: str
    transform: TransformNetwork
    predictor: Any
    picture_size: int  # pixels: the side of the square that the predictor is shown

    @torch.inference_mode()
    def embed(self, image_HWC: Pixels) -> Vector:
        """Return the style embedding (E,) of a picture: its short side's middle square, `picture_size` wide."""
        return self.predictor(to_tensor(middle_square(image_HWC, self.picture_size)[None]))[0].numpy()

    def blend(self, styles: list[tuple[Vector, float]], own: Vector, strength: float) -> Vector:
        """
        Mix styles by their relative weights and go from the picture as it is (0) to the mix (1) and past it (1.5).

        Dumoulin et al. 2017, eq. 6, mix styles so; Ghiasi et al. 2017, sec. 3.4, go to the picture's own embedding.
        Here it is what the predictor makes of that, `identity_of`. It is farther from a style than the picture's own
        embedding, so past 1 the way is gone half as fast: 1.5 is 1.25 times as far.

        :param own: what `embed` says of the picture, or the mean of what it says of several from one scene
        :raises ValueError: no positive weight, or a strength outside 0..1.5
        """
        if not STRENGTHS[0] <= strength <= STRENGTHS[1]:
            raise ValueError(f"strength must be between 0 and 1.5, got {strength}")
        total = sum(weight for _, weight in styles)
        if total <= 0 or any(weight < 0 for _, weight in styles):
            raise ValueError("style weights must not be negative, and at least one must be positive")
        mixed = sum((weight / total * embedding for embedding, weight in styles), np.zeros_like(own))
        identity = self._identity_of(own)
        reach = min(strength, (1 + strength) / 2)
        return (identity + reach * (mixed - identity)).astype(np.float32)

    @torch.inference_mode()
    def _identity_of(self, own: Vector) -> Vector:
        if not isinstance(self.predictor, SeeingPredictor):
            return own
        return self.predictor.identity_of(_batch(own, 1))[0].numpy()

    @torch.inference_mode()
    def statistics(self, frames_BHWC: Pixels, embedding: Vector) -> SceneStatistics:
        """Measure every norm layer over frames sampled from a scene, as one batch."""
        return self.transform.statistics(self.frames(frames_BHWC), _batch(embedding, 1).expand(len(frames_BHWC), -1))

    @torch.inference_mode()
    def paint(self, frames_BHWC: Pixels, embedding: Vector, statistics: SceneStatistics | None = None) -> Pixels:
        """
        Paint frames of any size from 32 px; the result has the same shape.

        :param embedding: (E,) for all frames or (B, E)
        :param statistics: of the scene; without them each frame is normalized by its own
        :raises TooSmall: a side below 32 px
        """
        frames = self.frames(frames_BHWC)
        painted, _ = self.transform.paint(frames, _batch(embedding, len(frames)), statistics)
        return (painted * 255).round().byte().permute(0, 2, 3, 1).contiguous().numpy()

    def bare(
        self, frames_BHWC: Pixels, embedding: Vector, statistics: SceneStatistics | None = None
    ) -> Callable[[], Tensor]:
        """Return the transform network alone with its input ready, to be timed."""
        frames, vectors = self.frames(frames_BHWC), _batch(embedding, len(frames_BHWC))
        return torch.inference_mode()(lambda: self.transform.paint(frames, vectors, statistics)[0])

    def frames(self, frames_BHWC: Pixels) -> Tensor:
        """
        Return bytes as the networks take them.

        :raises TooSmall: a side below 32 px
        """
        refuse_too_small(*frames_BHWC.shape[1:3])
        return to_tensor(frames_BHWC)


class Release(Pair):
    """The pair that ships, from its folder."""

    def __init__(self, folder: Path) -> None:
        """:raises BadRelease: when the folder holds no whole release"""
        try:
            self.description: dict[str, Any] = json.loads((folder / "model.json").read_text())
            self._files = weight_files(folder)
            self.sha256 = checksum(release_files(folder))
            transform, predictor = (unpacked(load_file(path)) for path in self._files)
            self.name = self.description["name"]
            self.version: str = self.description["version"]
            self.embedding_size: int = self.description["network"]["embedding"]
            self.transform = _ready(NETWORKS[self.description["layout"]](**self.description["network"]), transform)
            seeing = PREDICTORS[self.description["predictor"]]
            self.predictor = _ready(seeing(self.embedding_size), predictor)
            self.picture_size: int = self.description.get("picture_size", seeing.TAUGHT_SIZE)  # said since 2.2.0
        except (OSError, ValueError, KeyError, RuntimeError, SafetensorError) as error:
            raise BadRelease(f"{folder}: {error}") from error


def refuse_too_small(height: int, width: int) -> None:
    """:raises TooSmall: a side below 32 px"""
    if min(height, width) < SMALLEST:
        raise TooSmall(f"a picture needs at least {SMALLEST} pixels on each side, got {height} × {width}")


def _ready(network: Any, weights: dict[str, Tensor]) -> Any:
    network.load_state_dict(weights)
    return channels_last(network.eval().requires_grad_(False))


def _batch(embedding: Vector, frames: int) -> Tensor:
    vector = torch.from_numpy(np.array(embedding, dtype=np.float32))
    return vector[None].expand(frames, -1) if vector.ndim == 1 else vector


def middle_square(image_HWC: Pixels, size: int) -> Pixels:
    """Return the middle of a picture, as wide as its short side, scaled to size by size."""
    image = Image.fromarray(image_HWC)
    side = min(image.size)
    left, top = (image.width - side) // 2, (image.height - side) // 2
    box = (left, top, left + side, top + side)
    return np.asarray(image.resize((size, size), Image.Resampling.BICUBIC, box))


def to_tensor(images_BHWC: Pixels) -> Tensor:
    """Return bytes (B, H, W, 3) as floats in [0, 1], (B, 3, H, W)."""
    return torch.from_numpy(np.array(images_BHWC)).permute(0, 3, 1, 2).float() / 255


@lru_cache(maxsize=2)
def load_release(path: Path | None = None) -> Release:
    """
    Return the release in a folder, by default the one that ships; loaded once per process.

    :raises BadRelease: when the folder holds no whole release
    """
    return Release(path or SHIPPED)


def export(
    transform_run: Path,
    predictor_run: Path | None,
    folder: Path,
    *,
    name: str,
    version: str,
    precision: str = "int8",
) -> None:
    """
    Write a release from checkpoints. Whatever its weights are stored in, they are used in single precision.

    :param predictor_run: of the stage `distill`; None where the painter's own run, of the stage `pair` or `quantize`,
        holds the predictor, which went on learning beside it
    """
    store = PRECISIONS[precision]
    trained = torch.load(transform_run / "checkpoint.pt", weights_only=True)
    weights = part_of(trained["model"], "transform")
    layout = trained["options"]["layout"]
    probe = NETWORKS[layout](**trained["options"]["network"])
    predictor, seeing, distillation = _predictor_of(trained, predictor_run)
    student = PREDICTORS[predictor](probe.options["embedding"])
    description = {
        "name": name,
        "version": version,
        "layout": layout,
        "precision": precision,
        "network": probe.options,
        "predictor": predictor,
        "picture_size": student.INPUT_SIZE,
        "parameters": {"transform": _count(probe), "predictor": _count(student)},
        "training": {
            "stage": trained["options"]["stage"],
            "steps": trained["step"],
            "metrics": trained["metrics"],
            **distillation,
        },
    }
    # Each is whole before the first takes its place: a fault on the way leaves the release that was there.
    with ExitStack() as parts:
        transform_file, predictor_file, description_file = (
            parts.enter_context(replacing(folder / name))
            for name in ("transform.safetensors", "predictor.safetensors", "model.json")
        )
        save_file(store(weights), transform_file)
        save_file(store(seeing), predictor_file)
        description_file.write_text(json.dumps(description, indent=2) + "\n")


def _predictor_of(trained: dict[str, Any], predictor_run: Path | None) -> tuple[str, dict[str, Tensor], dict[str, Any]]:
    """Return the predictor's name, its weights, and what its own stage says of it."""
    if predictor_run is None:
        return trained["predictor"], part_of(trained["model"], "predictor"), {}
    distilled = torch.load(predictor_run / "checkpoint.pt", weights_only=True)
    return distilled["options"]["student"], distilled["model"], {"distillation": distilled["metrics"]}


def _halved(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    return {key: value.contiguous().half() if value.is_floating_point() else value for key, value in weights.items()}


# Where tests and measurements need what quantization is compared with, a release may ship in half precision.
PRECISIONS: dict[str, Callable[[dict[str, Tensor]], dict[str, Tensor]]] = {"int8": packed, "half": _halved}


def _count(network: nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m mlmodels.release", description="Write a release from checkpoints.")
    parser.add_argument("transform", type=Path, help="run folder of the transform stage")
    parser.add_argument(
        "predictor",
        type=Path,
        nargs="?",
        help="run folder of the distill stage; without it the painter's own predictor",
    )
    parser.add_argument("--to", type=Path, default=SHIPPED)
    parser.add_argument("--name", default="impasto-v2")
    parser.add_argument("--version", required=True)
    parser.add_argument("--precision", choices=sorted(PRECISIONS), default="int8", help="how the weights are stored")
    chosen = parser.parse_args()
    export(
        chosen.transform, chosen.predictor, chosen.to,
        name=chosen.name, version=chosen.version, precision=chosen.precision,
    )  # fmt: skip


if __name__ == "__main__":
    main()
