"""Whole releases with random weights, written as training leaves them."""

from pathlib import Path

import torch

from mlmodels import release
from mlmodels.predictor import PREDICTORS, SeeingPredictor
from tests.unit.mlmodels.networks import LAYOUTS, small_network

PREDICTOR_OF = {"student": "mobilenetv3-texture", "teacher": "mobilenetv3-texture", "quarter": "mobilenetv3-small"}


def write_release(
    folder: Path, layout: str, *, precision: str = "int8", name: str = "small-v1", sizes: dict[str, int] | None = None
) -> Path:
    """Write a release of a small network with the predictor of its time, through its checkpoints."""
    sizes = sizes or LAYOUTS[layout]
    network, kind = small_network(layout, sizes), PREDICTOR_OF[layout]
    transform = {
        "model": {f"transform.{key}": value for key, value in network.state_dict().items()},
        "options": {"stage": "student", "layout": layout, "network": sizes},
        "step": 1,
        "metrics": {},
    }
    distilled = {
        "model": _as_trained(PREDICTORS[kind](sizes["embedding"])).state_dict(),
        "options": {"student": kind},
        "metrics": {},
    }
    for part, state in (("transform", transform), ("predictor", distilled)):
        (folder / part).mkdir(parents=True)
        torch.save(state, folder / part / "checkpoint.pt")
    release.export(
        folder / "transform", folder / "predictor", folder / "release",
        name=name, version="1.0.0", precision=precision,
    )  # fmt: skip
    return folder / "release"


def _as_trained(predictor: SeeingPredictor) -> SeeingPredictor:
    """
    Give batch norms statistics, scales and shifts that folding could get wrong, a negative scale among them, and the
    way to strength 0 numbers that show.
    """
    for part in predictor.modules():
        if isinstance(part, torch.nn.BatchNorm2d | torch.nn.BatchNorm1d):
            for statistics, low, high in ((part.running_mean, -0.2, 0.2), (part.running_var, 0.5, 2.0)):
                assert statistics is not None
                statistics.uniform_(low, high)
            if part.affine:
                torch.nn.init.normal_(part.weight, std=1.0)
                torch.nn.init.normal_(part.bias, std=0.1)
    torch.nn.init.normal_(predictor.identity.weight, std=0.3)
    torch.nn.init.normal_(predictor.identity.bias, std=0.3)
    return predictor
