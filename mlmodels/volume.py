"""
`python -m mlmodels.volume`: what each step from the teacher to the shipped int8 pair saves, as one table.

Parameters and multiply-adds are counted on the real modules; bytes are those of their weights, four for each fp32
number and, for int8, as they are packed. A step's effect on quality and steadiness is what `evaluate_model --json` of
manage.py measured of what was trained after it (`--checkpoint`, or the release): `--measured int8=int8.json`. What was
measured of the shipped release's steps is kept beside their weights (`--keep`) and shown without being asked for.
"""

import argparse
import copy
import json
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from .files import replacing
from .network import EMBEDDING_SIZE, NETWORKS, PRUNABLE
from .options import STYLE_SIZE
from .predictor import PREDICTORS, StatisticsPredictor
from .quantization import packed
from .shipped import SHIPPED
from .vgg import VGGFeatures, channel_statistics

SIZES = {"256x256": (256, 256), "1280x720": (720, 1280)}
STEPS = ("teacher", "separable transform", "student predictor", "pruned transform", "int8")  # as it was trained
KNOWN = SHIPPED.parent / "stages" / "effects.json"  # of the steps that led to the shipped release
EFFECTS = {"style": "style", "content": "content", "warping": "warping_gap_1"}  # heading: as evaluate_model names it


@dataclass(frozen=True)
class Volume:
    """One network: its parameters, the bytes of its weights, and the multiply-adds of one pass by frame size."""

    network: str
    parameters: int
    bytes: int
    multiply_adds: dict[str, int]


@dataclass(frozen=True)
class Step:
    """The pair of networks that paints after one stage of the reduction, and what was measured of it."""

    name: str
    predictor: Volume
    transform: Volume
    effects: dict[str, float]

    @property
    def bytes(self) -> int:
        return self.predictor.bytes + self.transform.bytes

    @property
    def parameters(self) -> int:
        return self.predictor.parameters + self.transform.parameters


class WholeStatisticsPredictor(nn.Module):
    """The teacher's predictor as it would have to ship: with the layers of VGG16 that it reads."""

    INPUT_SIZE = STYLE_SIZE

    def __init__(self, embedding: int) -> None:
        super().__init__()
        self.backbone = VGGFeatures()
        self.predictor = StatisticsPredictor(embedding)

    def forward(self, images_B3HW: Tensor) -> Tensor:
        return self.predictor(channel_statistics(self.backbone(images_B3HW)))


def volumes(description: dict[str, Any], measured: dict[str, dict[str, float]] | None = None) -> list[Step]:
    """
    Return the steps in order, for the release that `description` (its model.json) describes.

    :param measured: effects by step
    """
    layout, options = description["layout"], description["network"]
    embedding = options.get("embedding", EMBEDDING_SIZE)
    # A layout without a plain-convolution twin is compared with the teacher as it is built by default.
    wide = {name: value for name, value in options.items() if name not in PRUNABLE}
    plain = wide if layout == "student" else {"embedding": embedding}
    teacher = _predictor("VGG16 statistics", WholeStatisticsPredictor(embedding))
    student = PREDICTORS[description["predictor"]](embedding)
    name = description["predictor"]
    separable = _transform("separable convolutions", NETWORKS[layout](**wide), _fp32)
    transform = NETWORKS[layout](**options)
    pairs = (
        (teacher, _transform("plain convolutions", NETWORKS["teacher"](**plain), _fp32)),
        (teacher, separable),
        (_predictor(name, student), separable),
        (_predictor(name, student), _transform("pruned", transform, _fp32)),
        (_predictor(name + ", int8", student, _int8), _transform("pruned, int8", transform, _int8)),
    )
    return [Step(step, *pair, (measured or {}).get(step, {})) for step, pair in zip(STEPS, pairs, strict=True)]


def _fp32(network: nn.Module) -> int:
    return sum(4 * value.numel() for value in network.state_dict().values())


def _int8(network: nn.Module) -> int:
    return sum(value.numel() * value.element_size() for value in packed(network.state_dict()).values())


def _predictor(name: str, network: Any, size_of: Callable[[nn.Module], int] = _fp32) -> Volume:
    side = network.INPUT_SIZE
    count = _multiply_adds(network, torch.zeros(1, 3, side, side))
    return Volume(name, _parameters(network), size_of(network), dict.fromkeys(SIZES, count))


def _transform(name: str, network: nn.Module, size_of: Callable[[nn.Module], int]) -> Volume:
    style = torch.zeros(1, EMBEDDING_SIZE)
    counts = {size: _multiply_adds(network, torch.zeros(1, 3, *sides), style) for size, sides in SIZES.items()}
    return Volume(name, _parameters(network), size_of(network), counts)


def _parameters(network: nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


def _multiply_adds(network: nn.Module, *inputs: Tensor) -> int:
    """Count on the meta device: shapes without numbers."""
    counter = FlopCounterMode(display=False)
    with counter, torch.no_grad():
        _on_meta(network)(*(value.to("meta") for value in inputs))
    return counter.get_total_flops() // 2


def _on_meta(network: nn.Module) -> nn.Module:
    return copy.deepcopy(network).eval().to("meta")


def reduction(steps: list[Step]) -> float:
    """Return by how many per cent the last step is smaller than the first, in bytes."""
    return 100 * (1 - steps[-1].bytes / steps[0].bytes)


def table(steps: list[Step]) -> str:
    """Return the steps as a Markdown table; a dash is what nobody measured."""
    sizes = [f"GMAC {size}" for size in SIZES]
    head = ["step", "predictor", "transform", "parameters", "MB", "of the teacher", *sizes, *EFFECTS]
    rows = [head, ["---"] * len(head)]
    for step in steps:
        work = [
            f"{(step.predictor.multiply_adds[size] / 1e9):.2f} + {step.transform.multiply_adds[size] / 1e9:.2f}"
            for size in SIZES
        ]
        effects = [f"{step.effects[name]:.4f}" if name in step.effects else "–" for name in EFFECTS]
        volume = [f"{step.parameters / 1e6:.2f} M", f"{step.bytes / 1e6:.2f}", f"{step.bytes / steps[0].bytes:.1%}"]
        rows.append([step.name, step.predictor.network, step.transform.network, *volume, *work, *effects])
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join([*lines, "", f"In total −{reduction(steps):.1f} % of the teacher's bytes."]) + "\n"


def as_json(steps: list[Step]) -> dict[str, Any]:
    rows = [{**asdict(step), "bytes": step.bytes, "parameters": step.parameters} for step in steps]
    return {"steps": rows, "reduction_percent": round(reduction(steps), 2)}


def read_effects(path: Path) -> dict[str, float]:
    """Take from a file of `manage.py evaluate_model --json` what the table shows."""
    measured = json.loads(path.read_text()).get("ours", {})
    return {name: measured[key] for name, key in EFFECTS.items() if key in measured}


def known_effects() -> dict[str, dict[str, float]]:
    """What is kept of the shipped release's steps; empty before anything is."""
    return json.loads(KNOWN.read_text()) if KNOWN.exists() else {}


def keep_effects(effects: dict[str, dict[str, float]]) -> None:
    """Write them in the order of the steps, or nothing at all."""
    with replacing(KNOWN) as unfinished:
        unfinished.write_text(json.dumps({step: effects[step] for step in STEPS if step in effects}, indent=1) + "\n")


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m mlmodels.volume", description=__doc__)
    parser.add_argument("--release", type=Path, default=SHIPPED, help="a release folder; the shipped one by default")
    parser.add_argument("--measured", action="append", default=[], metavar="STEP=JSON", help=", ".join(STEPS))
    parser.add_argument("--keep", action="store_true", help="what --measured says of the shipped release's steps")
    parser.add_argument("--json", type=Path, help="write the numbers here as well")
    chosen = parser.parse_args(arguments)
    is_shipped = chosen.release.resolve() == SHIPPED
    if chosen.keep and not is_shipped:
        parser.error("--keep is for the shipped release: of another one's steps nothing is kept.")
    measured = known_effects() if is_shipped else {}
    for pair in chosen.measured:
        step, _, path = pair.partition("=")
        if step not in STEPS or not path:
            parser.error(f"--measured wants STEP=JSON with one of {', '.join(STEPS)}, got {pair}")
        measured[step] = read_effects(Path(path))
    if chosen.keep:
        keep_effects(measured)
    steps = volumes(json.loads((chosen.release / "model.json").read_text()), measured)
    if chosen.json:
        chosen.json.write_text(json.dumps(as_json(steps), indent=2) + "\n")
    sys.stdout.write(table(steps))


if __name__ == "__main__":
    main()
