"""What a step minimizes: every term of `losses`, weighed as the phase says."""

import contextlib

import torch
from torch import Tensor
from torch.func import functional_call

from . import losses
from .options import Phase
from .quantization import rounded
from .sampling import Batch
from .stylemodel import StyleModel
from .vgg import VGGFeatures, channel_statistics


def losses_of(
    model: StyleModel,
    vgg: VGGFeatures,
    batch: Batch,
    phase: Phase,
    precision: torch.autocast | None = None,
    *,
    int8: bool = False,
) -> dict[str, Tensor]:
    """
    Paint a moving pair and weigh every term; `total` is what is minimized, the others are unweighted means.

    :param precision: the context in which both networks run; the losses themselves are always single precision
    :param int8: paint with weights as a release restores them
    """
    first, pair = batch.images, batch.pair
    part = batch.part if phase.border else None
    asked = torch.cat([first, pair.second_B3HW]), batch.style_BS, batch.style_images, part
    with precision or contextlib.nullcontext():
        painted = functional_call(model, rounded(dict(model.named_parameters())), asked) if int8 else model(*asked)
        (now, later), (body_now, body_later) = painted.paintings.chunk(2), painted.features.chunk(2)
        features = vgg(now)
    parts = {
        "content": losses.content_loss(*_seen(features, batch)),
        "structure": losses.structure_loss(*_seen(features, batch)),
        "style": losses.style_loss(channel_statistics(features), batch.style_BS),
        "output": losses.output_temporal_loss((now, later), (first, pair.second_B3HW), pair.grid_BHW2, pair.seen_B1HW),
        "feature": losses.feature_temporal_loss((body_now, body_later), pair.grid_BHW2, pair.seen_B1HW),
        "variation": losses.total_variation(now),
        "lattice": losses.lattice(now),
        "border": losses.border(painted.alone, now[:1, ..., *batch.part]) if part else first.new_zeros(1),
        "own": (now - first).abs().mean((1, 2, 3)) * batch.own_B,
    }
    return {"total": weighed(parts, phase, batch.own_B)} | {name: value.mean() for name, value in parts.items()}


def weighed(parts: dict[str, Tensor], phase: Phase, own_B: Tensor) -> Tensor:
    """Return the sum of all terms, a number; a weight of zero switches its term off."""
    # An own picture is taught by its pixels; its style is met by itself.
    # Squared: there are styles that nearly lose the picture, and others that could give some of it away.
    photograph = phase.content * parts["content"] + phase.structure * parts["structure"].square()
    painting = torch.where(own_B, 0.3, 1.0) * (photograph + phase.style * parts["style"])
    steady = phase.temporal * (phase.output * parts["output"] + phase.feature * parts["feature"])
    smooth = phase.variation * parts["variation"] + phase.lattice * parts["lattice"]
    return (painting + steady + smooth + phase.own * parts["own"] + phase.border * parts["border"]).mean()


def _seen(features: list[Tensor], batch: Batch) -> tuple[list[Tensor], list[Tensor]]:
    """The four layers of the paintings and of the photographs, of which the last two are compared."""
    painted = [layer.float() for layer in features[2:]]
    return [*features[:2], *painted], [*features[:2], batch.relu3_1, batch.relu4_1]
