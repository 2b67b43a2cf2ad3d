"""
Strength 0: a pair learns the embedding that makes its painter give a picture back.

A picture's own embedding is a style like others, and even a painter that was taught to leave a picture in its own style
alone changes it: the weight of that lesson is taken from all others. Here the pair stands still, and only the affine
map `identity` from the own embedding learns; what any style looks like at strength 1 stays the same to the last bit.
"""

import dataclasses
import random
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
from .options import BadConfig, options_from, place_of, refuse_below_one, warmed_up
from .predictor import SeeingPredictor
from .runs import OTHER_DATA, git_revision, is_turn, progress
from .sheets import COUNT, write_sheet
from .stylemodel import read_kept
from .vgg import VGGFeatures, best_precision

REPORT_EVERY = 10


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
    sheet_every: int = 100  # steps between two sheets of photographs and what they come back as; 0 for none
    seed: int = 1
    device: str = "auto"  # "cpu", "cuda", or cuda where there is one
    threads: int = 2
    bf16: str = "auto"  # convolutions in bfloat16: "on", "off", or on where the processor multiplies it by itself

    @property
    def place(self) -> torch.device:
        return place_of(self.device)


def read_options(path: Path) -> IdentityOptions:
    """:raises BadConfig: unknown or missing keys, numbers below 1, or a pool of which nothing is left to learn from"""
    options = options_from(path, IdentityOptions)
    refuse_below_one(path, options, "steps", "batch", "size", "threads", "checkpoint_every")
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
        self.options, self.step, self.device = options, 0, options.place
        self.other_data = False  # than the run began with
        self.means: dict[str, float] = {}  # of the loss parts, as the checkpoint has them
        self.revision = git_revision()
        self.kept = read_kept(Path(options.start_from))
        self.model = channels_last(self.kept.model().eval().requires_grad_(False)).to(self.device)
        if not isinstance(self.model.predictor, SeeingPredictor):
            raise BadConfig(f"{options.start_from} has no predictor that sees pictures")
        self.predictor: SeeingPredictor = self.model.predictor
        self.predictor.identity.requires_grad_(True)
        self.optimizer = torch.optim.Adam(self.predictor.identity.parameters(), options.learning_rate)
        self.vgg = VGGFeatures(Path(options.vgg) if options.vgg else None).to(self.device)
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
        if self.other_data:
            print(OTHER_DATA, file=output, flush=True)
        if self.step >= self.options.steps:
            return
        owns = self.look()
        taught, apart = owns[self.options.held_out :], owns[: self.options.held_out]
        with progress(Path(self.options.run), self.step, self.options.steps, self.means, output) as told:
            told.report_held_out(self.step, self.held_out(apart))
            while self.step < self.options.steps:
                told.add(self.train_step(taught))
                if self.step % REPORT_EVERY == 0:
                    told.report(self.step)
                if self.step % self.options.checkpoint_every == 0 or self.step == self.options.steps:
                    metrics, self.means = self.held_out(apart), told.means
                    self.save(metrics)
                    told.report_held_out(self.step, metrics)
                if is_turn(self.step, self.options.sheet_every):
                    self.draw_sheet(apart, Path(self.options.run) / f"sheet-{self.step:06d}.jpg")

    @torch.no_grad()
    def look(self) -> list[Own]:
        """Return the photographs with what the predictor says of them."""
        return [
            Own(path, self.predictor(self._middle(path, self.predictor.INPUT_SIZE))[0]) for path in self.photographs
        ]

    def _middle(self, path: Path, size: int) -> Tensor:
        return load_middle(path, size)[None].to(self.device)

    def train_step(self, owns: list[Own]) -> dict[str, float]:
        """Take one step on a batch drawn by the seed and the step number; returns the loss and its unweighted parts."""
        rng = random.Random(f"{self.options.seed} {self.step}")
        batch = [rng.choice(owns) for _ in range(self.options.batch)]
        photographs = torch.stack([load_crop(own.path, self.options.size, rng) for own in batch]).to(self.device)
        for group in self.optimizer.param_groups:
            group["lr"] = self._learning_rate()
        features, pixels = (
            error.mean() for error in self._errors(photographs, torch.stack([own.embedding for own in batch]))
        )
        total = features + self.options.pixels * pixels
        self.optimizer.zero_grad()
        total.backward()
        self.optimizer.step()
        self.step += 1
        return {
            name: float(part.detach()) for name, part in (("total", total), ("content", features), ("pixels", pixels))
        }

    def given_back(self, photographs_B3SS: Tensor, embeddings_BE: Tensor) -> Tensor:
        """Return what is painted at strength 0."""
        return self.model.transform.paint(photographs_B3SS, self.predictor.identity_of(embeddings_BE))[0]

    def _errors(self, photographs_B3SS: Tensor, embeddings_BE: Tensor) -> tuple[Tensor, Tensor]:
        """Return the error of features, relative, and of pixels, mean square, where pictures are given back: (B,)."""
        with best_precision(self.options.bf16, self.device.type):
            painted = self.given_back(photographs_B3SS, embeddings_BE)
            features = self.vgg(painted)
            with torch.no_grad():
                wanted = self.vgg(photographs_B3SS)
        pixels = F.mse_loss(painted.float(), photographs_B3SS, reduction="none").mean((1, 2, 3))
        return content_loss([layer.float() for layer in features], [layer.float() for layer in wanted]), pixels

    def _learning_rate(self) -> float:
        left = 1 - self.step / self.options.steps
        return self.options.learning_rate * warmed_up(self.step, self.options.warm_up) * max(0.02, left)

    @torch.no_grad()
    def held_out(self, owns: list[Own]) -> dict[str, float]:
        """Return means over photographs that are not learned from; PSNR in dB."""
        errors = []
        for own in owns:
            photograph = self._middle(own.path, self.options.size)
            features, pixels = self._errors(photograph, own.embedding[None])
            errors.append(torch.stack([features[0], -10 * torch.log10(pixels[0].clamp_min(1e-10))]))
        content, psnr = torch.stack(errors).mean(0).tolist()
        return {"content": content, "psnr_db": psnr}

    @torch.no_grad()
    def draw_sheet(self, owns: list[Own], path: Path) -> None:
        """Write one picture of photographs, each beside what it comes back as."""
        shown = [(self._middle(own.path, self.options.size), own.embedding[None]) for own in owns[:COUNT]]
        rows = [[photograph[0].cpu(), self.given_back(photograph, own)[0].cpu()] for photograph, own in shown]
        write_sheet(rows, path)

    def save(self, metrics: dict[str, float]) -> None:
        """Write the pair with what it has learned beside the old checkpoint and swap."""
        state: dict[str, Any] = {
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "step": self.step,
            "metrics": metrics,
            "means": self.means,
            "predictor": self.kept.predictor,
            "options": {
                **dataclasses.asdict(self.options), "layout": self.kept.layout, "network": self.kept.network
            },
            "data": self.data,
            "revision": self.revision,
        }  # fmt: skip
        with replacing(self.checkpoint) as unfinished:
            torch.save(state, unfinished)

    def _resume(self) -> None:
        saved = torch.load(self.checkpoint, weights_only=True, map_location=self.device)
        self.model.load_state_dict(saved["model"])
        self.optimizer.load_state_dict(saved["optimizer"])
        self.step, self.means = saved["step"], saved.get("means", {})
        self.other_data = saved.get("data", self.data) != self.data
