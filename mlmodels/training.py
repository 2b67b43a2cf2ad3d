"""
Training of the transform network together with the statistics predictor.

One seed and the step number decide every draw, so a run that was killed goes on from its last checkpoint exactly as
if nothing had happened: same pictures, same motion, same optimizer state.
"""

import contextlib
import dataclasses
import math
import random
import subprocess
import sys
import tempfile
import time
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO

import torch
import torch.distributed
import torch.multiprocessing
import torch.nn.functional as F
from torch import Tensor, nn

from . import losses
from .data import ContentSample, FeatureCache, StyleSample, fingerprint, list_pictures
from .motion import MovingPair, synthetic_pair
from .network import NETWORKS, TransformNetwork, channels_last
from .predictor import PREDICTORS, StatisticsPredictor
from .vgg import VGGFeatures, best_precision, channel_statistics

REPORT_EVERY = 25
PAIRS_A_CLIP = 8
STYLE_SIZE = 224  # pixels of a style crop, from a painting of 224 to 291 on its short side


class BadConfig(ValueError):
    """The training file names an option that does not exist, or gives it a value that cannot be."""


@dataclass(frozen=True)
class Phase:
    """Some steps at one crop size with one set of loss weights; the learning rate falls by a cosine."""

    steps: int
    size: int = 160
    batch: int = 4
    content: float = 1.0
    style: float = 20.0
    temporal: float = 150.0
    feature: float = 0.002  # of the temporal weight: the relative feature term's share
    variation: float = 1.0
    learning_rate: tuple[float, float] = (1e-3, 1e-3)


@dataclass(frozen=True)
class TrainingOptions:
    """One TOML file. Paths are relative to the working directory."""

    run: str
    vgg: str
    content: list[str]
    styles: list[str]
    phases: list[Phase]
    layout: str = "student"  # of NETWORKS
    network: dict[str, int] = field(default_factory=dict)
    seed: int = 1
    threads: int = 2
    workers: int = 1  # processes that share each batch; on crowded cores two of one thread beat one of two
    warm_up: int = 200
    mix_share: float = 0.25  # samples whose style is a mix of two: styles that nobody painted
    own_share: float = 0.15  # samples whose style is their own picture: they teach strength 0
    content_pool: int = 1200  # pictures whose features are kept in memory
    style_pool: int = 1200
    checkpoint_every: int = 200
    favourites: list[str] = field(default_factory=list)  # folders of styles that are always in the pool
    favourite_share: float = 0.15
    freeze_predictor: bool = False  # keeps the embedding space fixed while a student is taught it
    start_from: str = ""  # a checkpoint whose weights (not optimizer) a new run begins with
    embed_with: str = (
        ""  # a distilled student's checkpoint: the network then learns to paint with that one's embeddings
    )
    clips: str = ""  # a folder of videos: real motion for some of the samples
    clip_share: float = 0.25
    cache: str = ""  # a folder that keeps the features of the crops; they outlive the run
    bf16: str = "auto"  # convolutions in bfloat16: "on", "off", or on where the processor multiplies it by itself

    @property
    def steps(self) -> int:
        return sum(phase.steps for phase in self.phases)


def read_options(path: Path) -> TrainingOptions:
    """
    Read a training file.

    :raises BadConfig: unknown keys, missing keys or no phases
    """
    values = tomllib.loads(path.read_text())
    try:
        phases = [
            Phase(**{**row, "learning_rate": tuple(row.get("learning_rate", (1e-3, 1e-3)))})
            for row in values.pop("phases")
        ]
        return TrainingOptions(**values, phases=phases)
    except (TypeError, KeyError) as error:
        raise BadConfig(f"{path}: {error}") from error


class Sampler:
    """What step N trains on: a function of the seed and N alone."""

    def __init__(self, options: TrainingOptions, cache: FeatureCache) -> None:
        self.options, self.cache = options, cache
        self.content = self._pool(options.content, options.content_pool)
        self.styles = self._pool(options.styles, options.style_pool)
        self.favourites = list_pictures([Path(folder) for folder in options.favourites]) if options.favourites else []

        self.clips = sorted(Path(options.clips).glob("*.mp4")) if options.clips else []

    def _pool(self, folders: list[str], most: int) -> list[Path]:
        paths = list_pictures([Path(folder) for folder in folders])
        random.Random(self.options.seed).shuffle(paths)
        return paths[:most]

    def draw(self, step: int, phase: Phase, worker: int = 0) -> "Batch":
        """Return one worker's share of the step's batch."""
        rng = random.Random(f"{self.options.seed} {step} {worker}" if worker else f"{self.options.seed} {step}")
        photos = [self._photo(rng, phase.size) for _ in range(phase.batch // self.options.workers)]
        own = torch.tensor([rng.random() < self.options.own_share for _ in photos])
        drawn = [self._style(rng) for _ in photos]
        styles = [
            StyleSample(photo.image_3SS, photo.statistics) if is_own else style
            for photo, is_own, style in zip(photos, own, drawn, strict=True)
        ]
        return Batch(photos, styles, own, torch.Generator().manual_seed(rng.getrandbits(48)))

    def _style(self, rng: random.Random) -> StyleSample:
        favoured = self.favourites and rng.random() < self.options.favourite_share
        style = self.cache.style(rng.choice(self.favourites if favoured else self.styles), STYLE_SIZE)
        if rng.random() < self.options.mix_share:
            other = self.cache.style(rng.choice(self.styles), STYLE_SIZE)
            style = style.mixed_with(other, rng.random())
        return style

    def _photo(self, rng: random.Random, size: int) -> ContentSample:
        if self.clips and rng.random() < self.options.clip_share:
            sample = self.cache.clip(rng.choice(self.clips), rng.randrange(PAIRS_A_CLIP), size)
        else:
            sample = self.cache.content(rng.choice(self.content), size)
        return sample.mirrored() if rng.random() < 0.5 else sample


@dataclass
class Batch:
    """Photographs, the styles to paint them with, and which of them get themselves as style (B,)."""

    photos: list[ContentSample]
    styles: list[StyleSample]
    own_B: Tensor
    generator: torch.Generator

    @property
    def style_BS(self) -> Tensor:
        return torch.stack([style.statistics for style in self.styles])

    def moving_pair(self) -> MovingPair:
        """Return the second frames: real where the photograph is a clip's, else synthetic."""
        pair = synthetic_pair(self.images, self.generator)
        for index, photo in enumerate(self.photos):
            pair = pair.with_real(index, photo.pair) if photo.pair else pair
        return pair

    @property
    def images(self) -> Tensor:
        return torch.stack([photo.image_3SS for photo in self.photos])

    @property
    def content_features(self) -> dict[int, Tensor]:
        return {
            2: torch.stack([photo.relu3_1 for photo in self.photos]),
            3: torch.stack([photo.relu4_1 for photo in self.photos]),
        }


class StyleModel(nn.Module):
    """The pair that trains together."""

    def __init__(self, layout: str, network: dict[str, int]) -> None:
        super().__init__()
        self.predictor = StatisticsPredictor()
        self.transform: TransformNetwork = NETWORKS[layout](**network)

    def embed(self, batch: Batch) -> Tensor:
        """Return the embeddings (B, E) of the batch's styles."""
        return self.predictor(batch.style_BS)


class PairedModel(StyleModel):
    """The same with the distilled predictor, frozen: what ships learns to work together."""

    def __init__(self, layout: str, network: dict[str, int], student: Path) -> None:
        super().__init__(layout, network)
        distilled = torch.load(student, weights_only=True)
        self._student = [PREDICTORS[distilled["options"]["student"]]().eval()]  # a list: not part of this checkpoint
        self._student[0].load_state_dict(distilled["model"])
        channels_last(self._student[0])

    @torch.no_grad()
    def embed(self, batch: Batch) -> Tensor:
        student = self._student[0]
        return student(torch.stack([resized(style.image_3SS, student.INPUT_SIZE) for style in batch.styles]))


def resized(image_3SS: Tensor, size: int) -> Tensor:
    """Scale a square picture to size by size, bicubic with anti-aliasing as the release does."""
    return F.interpolate(image_3SS[None], (size, size), mode="bicubic", antialias=True)[0].clamp(0, 1)


def losses_of(
    model: StyleModel, vgg: VGGFeatures, batch: Batch, phase: Phase, precision: torch.autocast | None = None
) -> dict[str, Tensor]:
    """
    Paint a moving pair and weigh every term; `total` is what is minimized, the others are unweighted means.

    :param precision: the context in which both networks run; the losses themselves are always single precision
    """
    first = batch.images
    pair = batch.moving_pair()
    embedding = model.embed(batch)
    with precision or contextlib.nullcontext():
        painted, body = model.transform.paint(torch.cat([first, pair.second_B3HW]), embedding.repeat(2, 1))
        (now, later), (body_now, body_later) = painted.chunk(2), body.chunk(2)
        features = vgg(now)
    content = _content(features, batch)
    style = losses.style_loss(channel_statistics(features), batch.style_BS)
    output = losses.output_temporal_loss((now, later), (first, pair.second_B3HW), pair.grid_BHW2, pair.seen_B1HW)
    feature = losses.feature_temporal_loss((body_now, body_later), pair.grid_BHW2, pair.seen_B1HW)
    own = ((now - first).abs().mean((1, 2, 3)) * batch.own_B).sum() / len(first)
    variation = losses.total_variation(now)
    painting = torch.where(batch.own_B, 0.3, 1.0)  # an own picture is taught by its pixels; its style is met by itself
    total = (painting * (phase.content * content + phase.style * style)).mean() + phase.variation * variation.mean()
    total = total + phase.temporal * (output.mean() + phase.feature * feature.mean()) + 2 * own
    parts = {"total": total, "content": content, "style": style, "output": output, "feature": feature, "own": own}
    return {name: value.mean() for name, value in parts.items()}


def _content(features: list[Tensor], batch: Batch) -> Tensor:
    reference = batch.content_features
    painted = [layer.float() for layer in features[2:]]
    return losses.content_loss([*features[:2], *painted], [*features[:2], reference[2], reference[3]])


def phase_at(options: TrainingOptions, step: int) -> tuple[Phase, float]:
    """Return the phase that a step (from 0) belongs to and how far through it the step is, 0..1."""
    start = 0
    for phase in options.phases:
        if step < start + phase.steps:
            return phase, (step - start) / phase.steps
        start += phase.steps
    return options.phases[-1], 1.0


def learning_rate(options: TrainingOptions, step: int) -> float:
    phase, done = phase_at(options, step)
    start, end = phase.learning_rate
    return min(1.0, (step + 1) / options.warm_up) * (end + (start - end) * 0.5 * (1 + math.cos(math.pi * done)))


class Trainer:
    """A run in a folder: options, model, optimizer, the step reached."""

    def __init__(self, options: TrainingOptions, worker: int = 0) -> None:
        torch.set_num_threads(options.threads)
        torch.manual_seed(options.seed)
        self.options, self.folder, self.step, self.worker = options, Path(options.run), 0, worker
        self.vgg = VGGFeatures(Path(options.vgg) if options.vgg else None)
        self.sampler = Sampler(options, FeatureCache(self.vgg, Path(options.cache) if options.cache else None))
        self.model = channels_last(build(options))
        self.optimizer = torch.optim.Adam(self.model.parameters(), 1e-3)
        self._begin()
        self.model.predictor.requires_grad_(not options.freeze_predictor)

    def _begin(self) -> None:
        if self.checkpoint.exists():
            self._resume()
        elif self.options.start_from:
            self.model.load_state_dict(torch.load(self.options.start_from, weights_only=True)["model"])
        else:
            sample = [self.sampler.cache.style(path, STYLE_SIZE).statistics for path in self.sampler.styles[:160]]
            self.model.predictor.standardize_to(torch.stack(sample))

    @property
    def checkpoint(self) -> Path:
        return self.folder / "checkpoint.pt"

    def _resume(self) -> None:
        saved = torch.load(self.checkpoint, weights_only=True)
        self.model.load_state_dict(saved["model"])
        self.optimizer.load_state_dict(saved["optimizer"])
        self.step = saved["step"]

    def save(self, metrics: dict[str, float]) -> None:
        """Write the checkpoint beside the old one and swap: a kill leaves one of the two, whole."""
        self.folder.mkdir(parents=True, exist_ok=True)
        unfinished = self.checkpoint.with_suffix(".tmp")
        torch.save(self.state(metrics), unfinished)
        unfinished.replace(self.checkpoint)

    def state(self, metrics: dict[str, float]) -> dict[str, Any]:
        return {
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "step": self.step,
            "metrics": metrics,
            "options": dataclasses.asdict(self.options),
            "data": fingerprint(self.sampler.content + self.sampler.styles),
            "revision": git_revision(),
        }

    def train_step(self) -> dict[str, float]:
        """Take one step; returns the unweighted loss parts."""
        phase, _ = phase_at(self.options, self.step)
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate(self.options, self.step)
        parts = losses_of(
            self.model,
            self.vgg,
            self.sampler.draw(self.step, phase, self.worker),
            phase,
            best_precision(self.options.bf16),
        )
        self.optimizer.zero_grad()
        parts["total"].backward()
        self._share_gradients()
        nn.utils.clip_grad_norm_(self.model.parameters(), 5.0)
        self.optimizer.step()
        self.step += 1
        return {name: float(value.detach()) for name, value in parts.items()}

    def _share_gradients(self) -> None:
        """Average the gradients over the workers, as one message a step."""
        if self.options.workers > 1:
            gradients = [weight.grad for weight in self.model.parameters() if weight.grad is not None]
            flat = torch.cat([gradient.flatten() for gradient in gradients])
            torch.distributed.all_reduce(flat)
            sizes = [gradient.numel() for gradient in gradients]
            for gradient, part in zip(gradients, (flat / self.options.workers).split(sizes), strict=True):
                gradient.copy_(part.view_as(gradient))

    def run(self, output: TextIO) -> None:
        """Train to the end of the last phase, reporting and saving on the way."""
        means: dict[str, float] = {}
        began, first = time.monotonic(), self.step
        if self.worker:
            return self._follow()
        writer = _tensorboard(self.folder)
        while self.step < self.options.steps:
            for name, value in self.train_step().items():
                means[name] = 0.97 * means.get(name, value) + 0.03 * value
            if self.step % REPORT_EVERY == 0:
                pace = (time.monotonic() - began) / (self.step - first)
                print(_line(self.step, self.options.steps, pace, means), file=output, flush=True)
                for name, value in means.items():
                    writer.add_scalar(name, value, self.step)
            if self.step % self.options.checkpoint_every == 0:
                self.save(means)
        self.save(means)
        writer.close()

    def _follow(self) -> None:
        while self.step < self.options.steps:
            self.train_step()


def train(options: TrainingOptions, output: TextIO) -> None:
    """
    Run to the end, with as many processes as the options say.

    :raises BadConfig: a batch that the workers cannot share evenly
    """
    if any(phase.batch % options.workers for phase in options.phases):
        raise BadConfig(f"every batch must be a multiple of the {options.workers} workers")
    if options.workers == 1:
        return Trainer(options).run(output)
    Path(options.run).mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as meeting:
        torch.multiprocessing.spawn(_work, (options, f"file://{meeting}/store"), nprocs=options.workers)
    return None


def _work(worker: int, options: TrainingOptions, meeting: str) -> None:
    torch.distributed.init_process_group("gloo", init_method=meeting, rank=worker, world_size=options.workers)
    try:
        Trainer(options, worker).run(sys.stdout)
    finally:
        torch.distributed.destroy_process_group()


def build(options: TrainingOptions) -> StyleModel:
    student = options.embed_with
    if options.layout not in NETWORKS:
        raise BadConfig(f"there is no layout {options.layout}; there are {', '.join(NETWORKS)}")
    if student:
        return PairedModel(options.layout, options.network, Path(student))
    return StyleModel(options.layout, options.network)


def _tensorboard(folder: Path) -> Any:
    from torch.utils.tensorboard import SummaryWriter  # slow to import, and only training needs it

    return SummaryWriter(str(folder / "log"))


def _line(step: int, steps: int, pace: float, means: dict[str, float]) -> str:
    parts = " ".join(f"{name} {value:.4f}" for name, value in means.items())
    return f"step {step}/{steps}  {pace:.2f} s/step  {(steps - step) * pace / 60:.0f} min left  {parts}"


def git_revision() -> str:
    """Return the revision of the code, or an empty text outside a checkout."""
    with contextlib.suppress(OSError, subprocess.CalledProcessError):
        done = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=True)
        return done.stdout.strip()
    return ""
