"""What a training run has reached, measured as a release is: the teacher never ships, and neither does fp32."""

from pathlib import Path

import torch
from torch import nn

from mlmodels.options import STYLE_SIZE, BadConfig
from mlmodels.release import Pair
from mlmodels.shipped import checksum
from mlmodels.stylemodel import read_kept
from mlmodels.vgg import VGGFeatures, channel_statistics


class Checkpoint(Pair):
    """The pair of a checkpoint in single precision, be its predictor one that ships or the teacher's."""

    def __init__(self, path: Path, vgg: VGGFeatures | None) -> None:
        """
        :param vgg: what the teacher's predictor reads statistics of; one that ships needs none
        :raises BadConfig: no such file, or not one of ours, or one that needs VGG without it
        """
        model = read_kept(path).model().eval().requires_grad_(False)
        self.name, self.sha256 = f"checkpoint {path.parent.name}", checksum([path])
        self.transform = model.transform
        self.predictor = (
            model.predictor if hasattr(model.predictor, "INPUT_SIZE") else _seeing(path, vgg, model.predictor)
        )
        self.picture_size = self.predictor.INPUT_SIZE


def _seeing(path: Path, vgg: VGGFeatures | None, predictor: nn.Module) -> "_Seeing":
    if vgg is None:
        raise BadConfig(f"{path} has a predictor of statistics: say where the weights of VGG16 are")
    return _Seeing(vgg, predictor)


class _Seeing(nn.Module):
    """A predictor of statistics with the network that takes them."""

    INPUT_SIZE = STYLE_SIZE

    def __init__(self, vgg: VGGFeatures, predictor: nn.Module) -> None:
        super().__init__()
        self.vgg, self.predictor = vgg, predictor

    def forward(self, images_B3SS: torch.Tensor) -> torch.Tensor:
        return self.predictor(channel_statistics(self.vgg(images_B3SS)))
