"""
Strength 0: a pair learns the embedding that makes its painter give a picture back.

A picture's own embedding is a style like others, and even a painter that was taught to leave a picture in its own style
alone changes it: the weight of that lesson is taken from all others. Here the pair stands still, and only the affine
map `identity` from the own embedding learns; what any style looks like at strength 1 stays the same to the last bit.
"""

import dataclasses
import random
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, TextIO

import torch
import torch.nn.functional as F
from torch import Tensor

from .data import fingerprint, list_pictures, load_crop, load_middle
from .files import replacing
from .losses import content_loss
from .network import channels_last
from .options import BadConfig, options_from
from .predictor import SeeingPredictor
from .stylemodel import read_kept
from .training import git_revision
from .vgg import VGGFeatures


@dataclass(frozen=True)
class IdentityOptions:
    """One TOML file with `stage = "identity"`. Paths are relative to the working directory."""

    stage: str
    run: str
    vgg: str
    start_from: str  # a pair: a checkpoint of the stage `pair` or `quantize`, or what `keep` made of one
    content: list[str]
    pool: int = 400  # photographs whose own embeddings are kept in memory
    held_out: int = 16  # of these
    steps: int = 300
    batch: int = 4
    size: int = 224  # pixels of the crops that are painted
    pixels: float = 20.0  # weight of the mean square error of colours beside that of the features
    learning_rate: float = 3e-3
    warm_up: int = 20
    checkpoint_every: int = 50
    seed: int = 1
    threads: int = 2


def read_options(path: Path) -> IdentityOptions:
    """:raises BadConfig: unknown or missing keys, or a pool of which nothing is left to learn from"""
    options = options_from(path, IdentityOptions)
    if not 0 < options.held_out < options.pool:
        raise BadConfig(f"{path}: held_out must be at least 1 and less than the pool")
    return options


class Own(NamedTuple):
    """A photograph and its own embedding (E,), of its middle square as in use."""

    path: Path
    embedding: Tensor


class IdentityTrainer:
    """A run in a folder; killed, it goes on from its last checkpoint with the same pictures."""

    def __init__(self, options: IdentityOptions) -> None:
        """:raises BadConfig: `start_from` is no pair whose predictor sees pictures"""
        torch.set_num_threads(options.threads)
        torch.manual_seed(options.seed)
        self.options, self.step = options, 0
        self.kept = read_kept(Path(options.start_from))
        self.model = channels_last(self.kept.model().eval().requires_grad_(False))
        if not isinstance(self.model.predictor, SeeingPredictor):
            raise BadConfig(f"{options.start_from} has no predictor that sees pictures")
        self.predictor: SeeingPredictor = self.model.predictor
        self.predictor.identity.requires_grad_(True)
        self.optimizer = torch.optim.Adam(self.predictor.identity.parameters(), options.learning_rate)
        self.vgg = VGGFeatures(Path(options.vgg) if options.vgg else None)
        self.photographs = self._photographs()
        self.data = fingerprint(self.photographs)
        if self.checkpoint.exists():
            self._resume()

    def _photographs(self) -> list[Path]:
        found = list_pictures([Path(folder) for folder in self.options.content])
        random.Random(self.options.seed).shuffle(found)
        if len(found) <= self.options.held_out:
            raise BadConfig(f"{len(found)} photographs are too few to hold {self.options.held_out} out")
        return found[: self.options.pool]

    @property
    def checkpoint(self) -> Path:
        return Path(self.options.run) / "checkpoint.pt"

    def run(self, output: TextIO) -> None:
        """Look at the photographs, learn, save; some are held out and reported."""
        if self.step >= self.options.steps:
            return
        owns = self.look()
        taught, apart = owns[self.options.held_out :], owns[: self.options.held_out]
        print(_line(self.step, self.options, 0.0, self.held_out(apart)), file=output, flush=True)
        began, first = time.monotonic(), self.step
        while self.step < self.options.steps:
            self.train_step(taught)
            if self.step % self.options.checkpoint_every == 0 or self.step == self.options.steps:
                metrics = self.held_out(apart)
                self.save(metrics)
                pace = (time.monotonic() - began) / (self.step - first)
                print(_line(self.step, self.options, pace, metrics), file=output, flush=True)

    @torch.no_grad()
    def look(self) -> list[Own]:
        """Return the photographs with what the predictor says of them."""
        side = self.predictor.INPUT_SIZE
        return [Own(path, self.predictor(load_middle(path, side)[None])[0]) for path in self.photographs]

    def train_step(self, owns: list[Own]) -> float:
        """Take one step on a batch drawn by the seed and the step number; returns the loss."""
        rng = random.Random(f"{self.options.seed} {self.step}")
        batch = [rng.choice(owns) for _ in range(self.options.batch)]
        photographs = torch.stack([load_crop(own.path, self.options.size, rng) for own in batch])
        for group in self.optimizer.param_groups:
            group["lr"] = self._learning_rate()
        features, pixels = self._errors(photographs, torch.stack([own.embedding for own in batch]))
        loss = features.mean() + self.options.pixels * pixels.mean()
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        self.step += 1
        return float(loss.detach())

    def _errors(self, photographs_B3SS: Tensor, embeddings_BE: Tensor) -> tuple[Tensor, Tensor]:
        """Return the error of features, relative, and of pixels, mean square, where pictures are given back: (B,)."""
        painted, _ = self.model.transform.paint(photographs_B3SS, self.predictor.identity_of(embeddings_BE))
        with torch.no_grad():
            wanted = self.vgg(photographs_B3SS)
        pixels = F.mse_loss(painted, photographs_B3SS, reduction="none").mean((1, 2, 3))
        return content_loss(self.vgg(painted), wanted), pixels

    def _learning_rate(self) -> float:
        left = 1 - self.step / self.options.steps
        return self.options.learning_rate * min(1.0, (self.step + 1) / self.options.warm_up) * max(0.02, left)

    @torch.no_grad()
    def held_out(self, owns: list[Own]) -> dict[str, float]:
        """Return means over photographs that are not learned from; PSNR in dB."""
        errors = []
        for own in owns:
            photograph = load_middle(own.path, self.options.size)[None]
            features, pixels = self._errors(photograph, own.embedding[None])
            errors.append(torch.stack([features[0], -10 * torch.log10(pixels[0].clamp_min(1e-10))]))
        content, psnr = torch.stack(errors).mean(0).tolist()
        return {"content": content, "psnr_db": psnr}

    def save(self, metrics: dict[str, float]) -> None:
        """Write the pair with what it has learned beside the old checkpoint and swap."""
        state: dict[str, Any] = {
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "step": self.step,
            "metrics": metrics,
            "predictor": self.kept.predictor,
            "options": {
                **dataclasses.asdict(self.options), "layout": self.kept.layout, "network": self.kept.network
            },
            "data": self.data,
            "revision": git_revision(),
        }  # fmt: skip
        with replacing(self.checkpoint) as unfinished:
            torch.save(state, unfinished)

    def _resume(self) -> None:
        saved = torch.load(self.checkpoint, weights_only=True)
        self.model.load_state_dict(saved["model"])
        self.optimizer.load_state_dict(saved["optimizer"])
        self.step = saved["step"]


def _line(step: int, options: IdentityOptions, pace: float, metrics: dict[str, float]) -> str:
    left = (options.steps - step) * pace / 60
    held_out = f"content {metrics['content']:.4f} psnr {metrics['psnr_db']:.2f} dB"
    return f"step {step}/{options.steps}  {pace:.2f} s/step  {left:.0f} min left  held out: {held_out}"
