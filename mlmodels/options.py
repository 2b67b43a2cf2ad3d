"""What a training file may say: one TOML file a stage, each value with its meaning beside it."""

import math
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import torch

STYLE_SIZE = 224  # pixels of the square of a painting that a predictor is taught with


Options = TypeVar("Options")


class BadConfig(ValueError):
    """The training file names an option that does not exist, or gives it a value that cannot be."""


@dataclass(frozen=True)
class Phase:
    """Some steps at one crop size with one set of loss weights; the learning rate falls by a cosine."""

    steps: int
    size: int = 160
    batch: int = 4
    content: float = 1.0  # of the features' relative error, means and deviations included
    structure: float = 0.0  # of the square of the normalized features' error, which leaves those to the style
    style: float = 20.0
    temporal: float = 150.0  # of both levels: each has a share of it, zero for none
    output: float = 1.0  # of the temporal weight: the share of what the paintings change
    feature: float = 0.002  # of the temporal weight: the share of what the features change, relative to their energy
    variation: float = 1.0
    lattice: float = 2000.0  # of what repeats at the grid of the strides: some 0.04 for a picture without
    border: float = 0.0  # of what a part painted by itself looks like beside the same part of the whole
    own: float = 2.0  # of the distance in pixels where a picture is its own style
    learning_rate: tuple[float, float] = (1e-3, 1e-3)


@dataclass(frozen=True)
class TrainingOptions:
    """One TOML file. Paths are relative to the working directory."""

    stage: str
    run: str
    vgg: str
    content: list[str]
    styles: list[str]
    phases: list[Phase]
    layout: str = "student"  # of NETWORKS
    network: dict[str, int] = field(default_factory=dict)
    seed: int = 1
    device: str = "auto"  # "cpu", "cuda", or cuda where there is one
    threads: int = 2
    workers: int = 1  # processes that share each batch; on crowded cores two of one thread beat one of two
    warm_up: int = 200
    mix_share: float = 0.25  # samples whose style is a mix of two: styles that nobody painted
    own_share: float = 0.15  # samples whose style is their own picture: they teach strength 0
    content_zoom: tuple[float, float] = (1.0, 1.0)  # a photograph's short side, in sizes of the crop
    content_pool: int = 1200  # pictures whose features are kept in memory
    style_pool: int = 1200
    style_size: int = STYLE_SIZE  # pixels: how large a painting is when its statistics are measured, short side
    style_views: int = 1  # of each painting; from the second on nearer and recoloured: styles nobody painted
    style_contest: int = 1  # styles drawn for each photograph; the one farthest from it is painted
    checkpoint_every: int = 200
    sheet_every: int = 500  # steps between two sheets of painted pictures to look at; 0 for none
    favourites: list[str] = field(default_factory=list)  # folders of styles that are always in the pool
    favourite_share: float = 0.15
    freeze_predictor: bool = False  # keeps the embedding space fixed while a student is taught it
    start_from: str = ""  # a checkpoint whose weights (not optimizer) a new run begins with
    embed_with: str = ""  # a distilled student's checkpoint, or a kept pair: painter and that predictor learn together
    clips: str = ""  # a folder of videos: real motion for some of the samples
    clip_share: float = 0.25
    cache: str = ""  # a folder that keeps the features of the crops; they outlive the run
    bf16: str = "auto"  # convolutions in bfloat16: "on", "off", or on where the processor multiplies it by itself;
    # never in the stage "quantize"

    @property
    def embeds_with_another(self) -> bool:
        """Whether the predictor comes from another file than the painter."""
        return bool(self.embed_with) and Path(self.embed_with).resolve() != Path(self.start_from).resolve()

    @property
    def place(self) -> torch.device:
        return place_of(self.device)

    @property
    def steps(self) -> int:
        return sum(phase.steps for phase in self.phases)


def place_of(device: str) -> torch.device:
    """
    Return where a run computes.

    :param device: "cpu", "cuda", or "auto": cuda where there is one
    :raises BadConfig: cuda is asked for and not there
    """
    if device == "cuda" and not torch.cuda.is_available():
        raise BadConfig('device = "cuda", but torch sees none')
    return torch.device("cuda" if device != "cpu" and torch.cuda.is_available() else "cpu")


def read_options(path: Path) -> TrainingOptions:
    """
    Read a training file.

    :raises BadConfig: unknown keys, missing keys, no phases, no zoom, a style_size that the predictor cannot learn, a
        number below 1 where that means nothing, or bfloat16 for weights that are rounded already
    """
    values = tomllib.loads(path.read_text())
    try:
        phases = [
            Phase(**{**row, "learning_rate": tuple(row.get("learning_rate", (1e-3, 1e-3)))})
            for row in values.pop("phases")
        ]
        values["content_zoom"] = tuple(map(float, values.get("content_zoom", (1, 1))))
        options = TrainingOptions(**values, phases=phases)
    except (TypeError, KeyError, ValueError) as error:
        raise BadConfig(f"{path}: {error}") from error
    if options.style_size < STYLE_SIZE or (options.style_size > STYLE_SIZE and not options.embed_with):
        raise BadConfig(
            f"{path}: style_size is at least {STYLE_SIZE}, and more only with embed_with: "
            "a predictor of statistics knows them at that size alone"
        )
    if len(options.content_zoom) != 2 or not 1 <= options.content_zoom[0] <= options.content_zoom[1]:
        raise BadConfig(f"{path}: content_zoom is two numbers from 1 on, the smaller one first")
    if options.stage == "quantize" and options.bf16 == "on":
        raise BadConfig(f"{path}: the stage quantize trains in single precision: bfloat16 has other levels than ship")
    refuse_below_one(path, options, "threads", "workers", "checkpoint_every")
    for phase in options.phases:
        refuse_below_one(path, phase, "size", "batch")
    return options


def refuse_below_one(path: Path, options: object, *names: str) -> None:
    """:raises BadConfig: one of the options is less than 1"""
    for name in names:
        if getattr(options, name) < 1:
            raise BadConfig(f"{path}: {name} must be at least 1")


def options_from(path: Path, kind: type[Options]) -> Options:
    """
    Read a training file without phases.

    :raises BadConfig: unknown or missing keys
    """
    try:
        return kind(**tomllib.loads(path.read_text()))
    except TypeError as error:
        raise BadConfig(f"{path}: {error}") from error


def phase_at(options: TrainingOptions, step: int) -> tuple[Phase, float]:
    """Return the phase that a step (from 0) belongs to and how far through it the step is, 0..1."""
    start = 0
    for phase in options.phases:
        if step < start + phase.steps:
            return phase, (step - start) / phase.steps
        start += phase.steps
    return options.phases[-1], 1.0


def warmed_up(step: int, warm_up: int) -> float:
    """Return the share of the learning rate that a step (from 0) has; with a warm-up of 0 it is whole at once."""
    return min(1.0, (step + 1) / max(1, warm_up))


def learning_rate(options: TrainingOptions, step: int) -> float:
    phase, done = phase_at(options, step)
    start, end = phase.learning_rate
    return warmed_up(step, options.warm_up) * (end + (start - end) * 0.5 * (1 + math.cos(math.pi * done)))
