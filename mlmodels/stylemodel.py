"""A style predictor and a transform network that train together."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from pickle import UnpicklingError
from typing import NamedTuple

import torch
import torch.nn.functional as F
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from .files import replacing
from .network import NETWORKS, TransformNetwork, as_plain, single_precision
from .options import BadConfig, TrainingOptions
from .predictor import PREDICTORS, StatisticsPredictor

Area = tuple[slice, slice]  # rows and columns of a frame

# What reading a file that is none of ours ends with.
UNREADABLE = (OSError, EOFError, KeyError, TypeError, ValueError, RuntimeError, SafetensorError, UnpicklingError)
STATISTICS = "statistics"  # the name of the predictor that reads VGG statistics, beside those of PREDICTORS


class Painted(NamedTuple):
    """Paintings (F B, 3, H, W), the features that the temporal loss compares, and a part painted by itself."""

    paintings: Tensor
    features: Tensor
    alone: Tensor | None


class StyleModel(nn.Module):
    """
    The pair that trains together.

    :param predictor: "statistics", or one of PREDICTORS, which look at the picture itself and are the ones that ship
    """

    def __init__(self, layout: str, network: dict[str, int], predictor: str = STATISTICS) -> None:
        super().__init__()
        self.predictor_name = predictor
        self.predictor: nn.Module
        if predictor == STATISTICS:
            self.predictor = StatisticsPredictor()
        else:
            # What its batch norms know they learned from the lessons: a batch of four is too small to teach them.
            self.predictor = PREDICTORS[predictor]().eval()
        self.transform: TransformNetwork = NETWORKS[layout](**network)

    def embed(self, statistics_BS: Tensor, images: list[Tensor]) -> Tensor:
        """Return the embeddings (B, E) of styles, known by their statistics and their pictures, each (3, S, S)."""
        if isinstance(self.predictor, StatisticsPredictor):
            return self.predictor(statistics_BS)
        side = PREDICTORS[self.predictor_name].TAUGHT_SIZE
        return self.predictor(torch.stack([resized(image, side) for image in images]))

    def forward(
        self, frames: Tensor, statistics_BS: Tensor, images: list[Tensor], part: Area | None = None
    ) -> "Painted":
        """
        Paint frames (F B, 3, H, W), F for each style: first ones, then second ones, in the order of the B styles.

        :param part: paint this part of the first frame once more, by itself
        """
        with single_precision():
            embedding = self.embed(statistics_BS, images)
        embeddings = embedding.repeat(len(frames) // len(embedding), 1)
        if part is None:
            return Painted(*self.transform.paint(frames, embeddings), None)
        # As if there were nothing around it, but normalized as the whole frame is. With statistics that were mere
        # numbers the weights would seem to have a size that matters, and shrink until training falls apart.
        paintings, features, statistics = self.transform.paint_measured(frames, embeddings)
        alone, _ = self.transform.paint(frames[:1, ..., *part], embedding[:1], statistics)
        return Painted(paintings, features, alone)

    def begin_with(self, kept: "Kept", *, painter_alone: bool = False) -> None:
        """Take over the painter of another model, and its predictor where it is of the same kind and not left out."""
        weights = as_plain(kept.weights) if self.transform.plain else kept.weights
        if kept.predictor == self.predictor_name and not painter_alone:
            self.load_state_dict(weights)
        else:
            self.transform.load_state_dict(part_of(weights, "transform"))


def part_of(weights: dict[str, Tensor], part: str) -> dict[str, Tensor]:
    """Return what belongs to one module of a model, by the names that it has there."""
    prefix = f"{part}."
    return {name.removeprefix(prefix): value for name, value in weights.items() if name.startswith(prefix)}


def resized(image_3SS: Tensor, size: int) -> Tensor:
    """Scale a square picture to size by size, bicubic with anti-aliasing as the release does."""
    return F.interpolate(image_3SS[None], (size, size), mode="bicubic", antialias=True)[0].clamp(0, 1)


def build(options: TrainingOptions) -> StyleModel:
    """:raises BadConfig: no layout of that name, or `embed_with` is no distilled predictor"""
    if options.layout not in NETWORKS:
        raise BadConfig(f"there is no layout {options.layout}; there are {', '.join(NETWORKS)}")
    if not options.embed_with:
        return StyleModel(options.layout, options.network)
    name, weights = read_predictor(Path(options.embed_with), "embed_with")
    model = StyleModel(options.layout, options.network, name)
    model.predictor.load_state_dict(weights)
    return model


def read_predictor(path: Path, option: str) -> tuple[str, dict[str, Tensor]]:
    """
    Return name (of PREDICTORS) and weights of a predictor that sees: the stage `distill`'s checkpoint, or a kept pair.

    :param option: of the training file, which a refusal names
    :raises BadConfig: no such file, or none of these
    """
    with _refused(f"{option}: {path} holds no distilled predictor"):
        if path.suffix == ".safetensors":
            kept = read_kept(path)
            name, weights = kept.predictor, part_of(kept.weights, "predictor")
        else:
            distilled = torch.load(path, weights_only=True, map_location="cpu")
            name, weights = distilled["options"]["student"], distilled["model"]
        if name not in PREDICTORS:
            raise ValueError(f"there is no predictor {name}")
        PREDICTORS[name]().load_state_dict(weights)
        return name, weights


@contextmanager
def _refused(what: str) -> Iterator[None]:
    """:raises BadConfig: a file that cannot be read as one of ours, in one line: torch explains itself at length"""
    try:
        yield
    except UNREADABLE as error:
        raise BadConfig(f"{what}: {(str(error).splitlines() or [type(error).__name__])[0]}") from error


@dataclass(frozen=True)
class Kept:
    """The weights of a `StyleModel` and what it takes to build it again."""

    layout: str
    network: dict[str, int]
    predictor: str
    weights: dict[str, Tensor]

    def model(self) -> StyleModel:
        model = StyleModel(self.layout, self.network, self.predictor)
        model.load_state_dict(self.weights)
        return model


def read_kept(path: Path) -> Kept:
    """
    Read a checkpoint of training, or the safetensors that `keep` made of one.

    :raises BadConfig: no such file, or not one of ours
    """
    with _refused(f"{path} holds no style model"):
        if path.suffix != ".safetensors":
            saved = torch.load(path, weights_only=True, map_location="cpu")
            options, predictor = saved["options"], saved.get("predictor", STATISTICS)
            return Kept(options["layout"], options["network"], predictor, saved["model"])
        with safe_open(path, "pt") as opened:
            described = opened.metadata()
        weights = {name: value.float() for name, value in load_file(path).items()}
        predictor = described.get("predictor", STATISTICS)
        return Kept(described["layout"], json.loads(described["network"]), predictor, weights)


def keep(checkpoint: Path, path: Path) -> None:
    """Write the weights of a checkpoint in half precision, for a later run to begin with; optimizer state is left."""
    write_kept(read_kept(checkpoint), path)


def write_kept(kept: Kept, path: Path) -> None:
    """Write weights in half precision, and what it takes to build their model; `read_kept` reads it."""
    halved = {name: value.contiguous().half() for name, value in kept.weights.items()}
    described = {"layout": kept.layout, "network": json.dumps(kept.network), "predictor": kept.predictor}
    with replacing(path) as unfinished:
        save_file(halved, unfinished, described)
