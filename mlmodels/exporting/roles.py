"""What a release consists of when it is files: four roles, and what each takes and gives."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, fx

from mlmodels.release import Release

from . import graphs
from .graphs import Shape

Dimensions = tuple[int | str, ...]  # a word is a dimension that is known only when the graph runs
Write = Callable[[Path, str], None]  # one graph to a path, with weights of a precision

PREDICTOR, READOUT, TRANSFORM, LOCKED = ROLES = ("predictor", "readout", "transform", "transform-locked")
PAINTERS = (TRANSFORM, LOCKED)  # run for every frame; the others once a style
# Numbers: smaller weights are not rounded to int8, which would save next to nothing.
LEAST_QUANTIZED = 2048
# The last convolution is among these: the fixed filter is part of it, so that its integers are not the release's, and
# rounding it costs more than all the rest (40 dB to what torch paints).
LEAST_QUANTIZED_PAINTING = 4096
VIDEO_SHAPES = ("256x256", "384x384", "480x854", "854x480", "720x1280", "1280x720")


@dataclass(frozen=True)
class RoleGraph:
    """One role for one shape: the graph, and name and dimensions of what goes in and comes out, in order."""

    role: str
    shape: str
    module: fx.GraphModule
    inputs: dict[str, Dimensions]
    outputs: dict[str, Dimensions]

    @property
    def least_quantized(self) -> int:
        return LEAST_QUANTIZED_PAINTING if self.role in PAINTERS else LEAST_QUANTIZED

    def examples(self) -> tuple[Tensor, ...]:
        """Return inputs of the right sizes; all dimensions must be known."""
        return tuple(torch.rand([int(side) for side in sides]) for sides in self.inputs.values())


def role_graphs(release: Release, shapes: Sequence[str]) -> Iterator[RoleGraph]:
    """
    Yield predictor and readout, and both kinds of transform for every shape.

    :raises CannotExport: a shape that there is not; before the first graph is made
    """
    wanted = [Shape.parse(text) for text in dict.fromkeys(shapes)]
    return _made(release, wanted)


def _made(release: Release, shapes: list[Shape]) -> Iterator[RoleGraph]:
    network, side = release.transform, release.picture_size
    vector, rows = (1, release.embedding_size), (1, 2 * sum(network.widths))
    predictor = graphs.predictor(release.predictor, side)
    picture: Dimensions = (1, 3, side, side)
    said: dict[str, Dimensions] = {"embedding": vector, "identity": vector}
    yield RoleGraph(PREDICTOR, f"{side}x{side}", predictor, {"picture": picture}, said)
    yield RoleGraph(READOUT, "-", graphs.readout(network), {"embedding": vector}, {"style": rows})
    for shape in shapes:
        frame: Dimensions = (1, 3, shape.height or "height", shape.width or "width")
        yield RoleGraph(
            TRANSFORM, str(shape), graphs.transform(network, shape),
            {"frame": frame, "style": rows}, {"painting": frame, "statistics": rows},
        )  # fmt: skip
        yield RoleGraph(
            LOCKED, str(shape), graphs.transform(network, shape, locked=True),
            {"frame": frame, "affine": rows}, {"painting": frame},
        )  # fmt: skip
