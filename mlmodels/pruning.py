"""
Pruning: a pair whose painter is narrower, and paints nearly the same.

`python -m mlmodels.pruning PAIR --to SLIM --content DIR --styles DIR --half 24 --within 32 --deep-within 48 --door 4`

Of the channels that a pointwise convolution reads, one after the other is left out that the others can best stand in
for, and its weights are fitted anew by least squares over features of photographs painted in many styles (after He et
al. 2017, "Channel pruning for accelerating very deep neural networks"). What made those channels goes with them. The
first kernel gets smaller the same way: it is fitted to what the larger one answered. Training then goes on from there.
"""

import argparse
import random
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .data import NoPictures, list_pictures, load_middle
from .network import PRUNABLE, TransformNetwork
from .options import BadConfig
from .predictor import PREDICTORS
from .stylemodel import Kept, StyleModel, read_kept, write_kept

PHOTOGRAPH = 256  # px, the side of what is painted to see features
POINTS = 3000  # of a picture's features, and 2,000 of its patches: thousands of equations for each unknown
PATCHES = 2000


class Sample(NamedTuple):
    """A photograph (1, 3, H, W) and the embedding (1, E) of the style it is painted in."""

    photograph: Tensor
    embedding: Tensor


@dataclass(frozen=True)
class Spot:
    """
    Channels that can be left out: what makes them, the norm layer and depthwise convolution they pass, what reads them.

    :param norm: number of the norm layer, as in `TransformNetwork.widths`
    :param keep: how many stay
    """

    makes: str
    norm: int
    passes: str | None
    reads: str
    keep: int


class Cut(NamedTuple):
    """Which channels stay, what the reader's weights are then, and how much of its answers (0..1) is lost."""

    channels: list[int]
    weights: Tensor
    lost: float


def spots(widths: dict[str, int], blocks: int) -> list[Spot]:
    """Return where channels of the layout `student` can be left out: inside of its blocks and at half size."""
    half, within, deep = widths["half"], widths["within"], widths["deep_within"]
    up = 5 + 2 * blocks  # the number of the first norm layer on the way up
    body = [
        Spot(f"body.{first}.1", 5 + first, f"body.{first + 1}.0", f"body.{first + 1}.1", deep)
        for first in range(0, 2 * blocks, 2)
    ]
    return [
        Spot("first", 0, "down.0", "down.1", half),
        Spot("near.0.1", 2, "near.1.0", "near.1.1", within),
        *body,
        Spot("far.0.1", up + 1, "far.1.0", "far.1.1", within),
        Spot("narrow", up + 3, "up.0", "up.1", half),
        Spot("up.1", up + 4, None, "last", half),
    ]


def pruned(kept: Kept, widths: dict[str, int], samples: list[Sample]) -> tuple[Kept, dict[str, float]]:
    """
    Return the pair with a narrower painter, and what each reader lost of its answers, 0..1 of their variance.

    :param widths: options of the layout `student` that may get smaller: half, within, deep_within, door
    :raises BadConfig: a painter of another layout, or widths that are no smaller than they were
    """
    if kept.layout != "student":
        raise BadConfig(f"only the layout student can be pruned, not {kept.layout}")
    model = kept.model().eval()
    network, options = model.transform, model.transform.options
    wanted = {name: options[name] for name in PRUNABLE} | widths
    _refuse_wider(options, wanted)
    places = spots(wanted, options["blocks"])
    seen = _features(network, [place.reads for place in places], samples)
    cuts = {
        place: _cut(seen[place.reads], cast(nn.Conv2d, network.get_submodule(place.reads)), place.keep)
        for place in places
    }
    weights = _narrowed(network, cuts)
    lost = {place.reads: cut.lost for place, cut in cuts.items()}
    if wanted["door"] < options["door"]:
        weights["first.weight"], lost["first"] = _smaller_door(weights["first.weight"], wanted["door"], samples)
    whole = {name: value for name, value in model.state_dict().items() if not name.startswith("transform.")}
    whole |= {f"transform.{name}": value for name, value in weights.items()}
    return Kept(kept.layout, options | wanted, kept.predictor, whole), lost


def _narrowed(network: TransformNetwork, cuts: dict[Spot, Cut]) -> dict[str, Tensor]:
    """Return the painter's weights after the cuts: first what reads, because some of that makes the next channels."""
    weights = dict(network.state_dict())
    for place, cut in cuts.items():
        weights[f"{place.reads}.weight"] = cut.weights[:, :, None, None].contiguous()
    for place, cut in cuts.items():
        for name in filter(None, (place.makes, place.passes)):
            weights[f"{name}.weight"] = weights[f"{name}.weight"][cut.channels]
    rows = _rows_of_styles(network.widths, {place.norm: cut.channels for place, cut in cuts.items()})
    return weights | {f"film.{name}": weights[f"film.{name}"][rows] for name in ("weight", "bias")}


def _refuse_wider(had: dict[str, int], wanted: dict[str, int]) -> None:
    for name, width in wanted.items():
        if not 0 < width <= had[name] or (name == "door" and width % 2):
            raise BadConfig(f"{name} is {had[name]} and cannot become {width}")


@torch.no_grad()
def _features(network: nn.Module, readers: list[str], samples: list[Sample]) -> dict[str, Tensor]:
    """Return what enters each reader, (N, K): some points of every painting."""
    generator = torch.Generator().manual_seed(0)
    seen: dict[str, list[Tensor]] = defaultdict(list)

    def look(name: str, features: Tensor) -> None:
        points = features[0].flatten(1).T
        seen[name].append(points[torch.randint(len(points), (POINTS,), generator=generator)].double())

    hooks = [
        network.get_submodule(name).register_forward_hook(lambda _part, inputs, _out, name=name: look(name, inputs[0]))
        for name in readers
    ]
    for sample in samples:
        network(*sample)
    for hook in hooks:
        hook.remove()
    return {name: torch.cat(found) for name, found in seen.items()}


def _cut(features_NK: Tensor, reader: nn.Conv2d, keep: int) -> Cut:
    """Leave out channel after channel. A mean counts for nothing where a norm follows, which takes it away."""
    weights = reader.weight.detach().double()[:, :, 0, 0]
    features = features_NK - (0 if reader.bias is not None else features_NK.mean(0))
    fit = _Fit.repeating(features, weights)
    channels = list(range(features.shape[1]))
    while len(channels) > keep:
        del channels[int(fit.costs(channels).argmin())]
    fitted, lost = fit.of(channels)
    return Cut(channels, fitted.float(), lost)


@dataclass(frozen=True)
class _Fit:
    """Least squares by moments: of the inputs (K, K), of inputs and answers (K, L), and of each answer alone (L,)."""

    inputs: Tensor
    crossed: Tensor
    answers: Tensor

    @classmethod
    def repeating(cls, inputs_NK: Tensor, weights_LK: Tensor) -> "_Fit":
        """Return the fit that answers as weights (L, K) do."""
        moments = inputs_NK.T @ inputs_NK / len(inputs_NK)
        moments += 1e-6 * moments.diagonal().mean() * torch.eye(len(moments), dtype=moments.dtype)
        crossed = moments @ weights_LK.T
        return cls(moments, crossed, (weights_LK * crossed.T).sum(1).clamp(min=1e-12))

    def of(self, channels: list[int]) -> tuple[Tensor, float]:
        """Return weights (L, channels) of some inputs, and the share of the answers that they miss."""
        weights = torch.linalg.solve(self.inputs[channels][:, channels], self.crossed[channels])
        return weights.T.contiguous(), float((1 - (weights * self.crossed[channels]).sum(0) / self.answers).mean())

    def costs(self, channels: list[int]) -> Tensor:
        """Return how much more is missed without each one, the others fitted anew (Hassibi & Stork 1992, eq. 5)."""
        inverse = torch.linalg.inv(self.inputs[channels][:, channels])
        weights = inverse @ self.crossed[channels]
        return (weights.square() / self.answers).sum(1) / inverse.diagonal()


def _rows_of_styles(widths: list[int], kept: dict[int, list[int]]) -> list[int]:
    """Return the rows of the linear layer that stay: for each norm layer its gammas, then its betas."""
    rows, begin = [], 0
    for number, width in enumerate(widths):
        channels = kept.get(number, list(range(width)))
        rows += [begin + half + channel for half in (0, width) for channel in channels]
        begin += 2 * width
    return rows


def _smaller_door(weights_K3DD: Tensor, door: int, samples: list[Sample]) -> tuple[Tensor, float]:
    """Return the first kernel with sides of `door` pixels, fitted over patches, and the share of its answers lost."""
    had = weights_K3DD.shape[-1]
    generator = torch.Generator().manual_seed(0)
    found = []
    for sample in samples:
        patches = F.unfold(sample.photograph, had, stride=2)[0].T
        found.append(patches[torch.randint(len(patches), (PATCHES,), generator=generator)])
    patches = torch.cat(found).double()
    patches = patches - patches.mean(0)  # the norm after it takes every constant
    rim = (had - door) // 2
    inside = torch.arange(3 * had * had).view(3, had, had)[:, rim : rim + door, rim : rim + door].flatten().tolist()
    fitted, lost = _Fit.repeating(patches, weights_K3DD.double().flatten(1)).of(inside)
    return fitted.reshape(-1, 3, door, door).float(), lost


@torch.no_grad()
def samples_of(model: StyleModel, content: list[Path], styles: list[Path], count: int, seed: int = 0) -> list[Sample]:
    """Return photographs, each with the embedding of a style of its own; the pair must have a predictor that sees."""
    rng = random.Random(seed)
    side = PREDICTORS[model.predictor_name].INPUT_SIZE

    def drawn(pool: list[Path], size: int) -> Iterator[Tensor]:
        for _ in range(count):
            yield load_middle(rng.choice(pool), size)[None]

    pairs: Iterable[tuple[Tensor, Tensor]] = zip(drawn(content, PHOTOGRAPH), drawn(styles, side), strict=True)
    return [Sample(photograph, model.predictor(style)) for photograph, style in pairs]


def _chosen(chosen: dict[str, Any]) -> tuple[Kept, dict[str, float]]:
    kept = read_kept(chosen["pair"])
    if kept.predictor not in PREDICTORS:
        raise BadConfig(f"{chosen['pair']} has no predictor that sees pictures")
    if chosen["samples"] < 1:
        raise BadConfig("there is nothing to fit to without samples")
    widths = {name: chosen[name] for name in PRUNABLE if chosen[name] is not None}
    pools = list_pictures(chosen["content"]), list_pictures(chosen["styles"])
    return pruned(kept, widths, samples_of(kept.model().eval(), *pools, chosen["samples"]))


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m mlmodels.pruning", description=__doc__)
    parser.add_argument("pair", type=Path, help="a checkpoint of the stage pair, or what was kept of it")
    parser.add_argument("--to", type=Path, required=True, help="the safetensors to write, for start_from")
    parser.add_argument("--content", type=Path, action="append", required=True)
    parser.add_argument("--styles", type=Path, action="append", required=True)
    parser.add_argument("--samples", type=int, default=40)
    for name in PRUNABLE:
        parser.add_argument(f"--{name.replace('_', '-')}", type=int)
    chosen = vars(parser.parse_args(arguments))
    try:
        slim, lost = _chosen(chosen)
    except (BadConfig, NoPictures) as refused:
        parser.error(str(refused))
    write_kept(slim, chosen["to"])
    for name, share in lost.items():
        sys.stdout.write(f"{name:12} {100 * share:5.2f} % of its answers lost\n")


if __name__ == "__main__":
    main()
