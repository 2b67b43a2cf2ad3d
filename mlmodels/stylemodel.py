"""A style predictor and a transform network that train together."""

import json
from dataclasses import dataclass
from pathlib import Path
from pickle import UnpicklingError

import torch
import torch.nn.functional as F
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from .files import replacing
from .network import NETWORKS, TransformNetwork, channels_last
from .options import BadConfig, TrainingOptions
from .predictor import PREDICTORS, StatisticsPredictor


class StyleModel(nn.Module):
    """The pair that trains together."""

    def __init__(self, layout: str, network: dict[str, int]) -> None:
        super().__init__()
        self.predictor = StatisticsPredictor()
        self.transform: TransformNetwork = NETWORKS[layout](**network)

    def embed(self, statistics_BS: Tensor, images: list[Tensor]) -> Tensor:
        """Return the embeddings (B, E) of styles, known by their statistics and their pictures, each (3, S, S)."""
        return self.predictor(statistics_BS)


class PairedModel(StyleModel):
    """The same with the distilled predictor, frozen: what ships learns to work together."""

    def __init__(self, layout: str, network: dict[str, int], student: Path) -> None:
        super().__init__(layout, network)
        distilled = torch.load(student, weights_only=True)
        self._student = [PREDICTORS[distilled["options"]["student"]]().eval()]  # a list: not part of this checkpoint
        self._student[0].load_state_dict(distilled["model"])
        channels_last(self._student[0])

    @torch.no_grad()
    def embed(self, statistics_BS: Tensor, images: list[Tensor]) -> Tensor:
        student = self._student[0].to(statistics_BS.device)
        return student(torch.stack([resized(image, student.INPUT_SIZE) for image in images]))


def resized(image_3SS: Tensor, size: int) -> Tensor:
    """Scale a square picture to size by size, bicubic with anti-aliasing as the release does."""
    return F.interpolate(image_3SS[None], (size, size), mode="bicubic", antialias=True)[0].clamp(0, 1)


def build(options: TrainingOptions) -> StyleModel:
    """:raises BadConfig: no layout of that name"""
    if options.layout not in NETWORKS:
        raise BadConfig(f"there is no layout {options.layout}; there are {', '.join(NETWORKS)}")
    if options.embed_with:
        return PairedModel(options.layout, options.network, Path(options.embed_with))
    return StyleModel(options.layout, options.network)


@dataclass(frozen=True)
class Kept:
    """The weights of a `StyleModel` and what it takes to build it again."""

    layout: str
    network: dict[str, int]
    weights: dict[str, Tensor]

    def model(self) -> StyleModel:
        model = StyleModel(self.layout, self.network)
        model.load_state_dict(self.weights)
        return model


def read_kept(path: Path) -> Kept:
    """
    Read a checkpoint of training, or the safetensors that `keep` made of one.

    :raises BadConfig: no such file, or not one of ours
    """
    try:
        if path.suffix != ".safetensors":
            saved = torch.load(path, weights_only=True, map_location="cpu")
            return Kept(saved["options"]["layout"], saved["options"]["network"], saved["model"])
        with safe_open(path, "pt") as opened:
            described = opened.metadata()
        weights = {name: value.float() for name, value in load_file(path).items()}
        return Kept(described["layout"], json.loads(described["network"]), weights)
    except (OSError, KeyError, TypeError, ValueError, RuntimeError, SafetensorError, UnpicklingError) as error:
        raise BadConfig(f"{path} holds no style model: {error}") from error


def keep(checkpoint: Path, path: Path) -> None:
    """Write the weights of a checkpoint in half precision, for a later run to begin with; optimizer state is left."""
    kept = read_kept(checkpoint)
    halved = {name: value.contiguous().half() for name, value in kept.weights.items()}
    with replacing(path) as unfinished:
        save_file(halved, unfinished, {"layout": kept.layout, "network": json.dumps(kept.network)})
