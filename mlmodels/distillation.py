"""
Knowledge distillation of the style predictor (Hinton et al. 2015): a MobileNetV3-small learns, from pictures alone, the
embedding that the statistics predictor computes from VGG16 features, and what the norm layers read out of it.

Any picture can teach: paintings, photographs, crops, re-coloured and mixed ones.
"""

import random
import sys
import time
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

import torch
from torch import Tensor, nn

from .data import fingerprint, list_pictures, load_crop
from .network import channels_last
from .predictor import INPUT_SIZE, MobileNetV3Small
from .training import BadConfig, StyleModel
from .vgg import STATISTICS_SIZE, VGGFeatures, channel_statistics


@dataclass(frozen=True)
class DistillOptions:
    """One TOML file with `stage = "distill"`. Paths are relative to the working directory."""

    stage: str
    run: str
    vgg: str
    teacher: str  # a checkpoint of the transform stage
    pictures: list[str]
    crops: int = 5000
    steps: int = 3000
    batch: int = 16
    learning_rate: float = 2e-3
    readout: float = 1.0  # weight of the gamma/beta term beside the embedding's
    seed: int = 1
    threads: int = 2


def read_options(path: Path) -> DistillOptions:
    """:raises BadConfig: unknown or missing keys"""
    try:
        return DistillOptions(**tomllib.loads(path.read_text()))
    except TypeError as error:
        raise BadConfig(f"{path}: {error}") from error


class Lessons:
    """Crops (N, 3, 192, 192) as bytes with their VGG statistics (N, 1920), kept on disk as they grow."""

    def __init__(self, options: DistillOptions) -> None:
        self.options, self.file = options, Path(options.run) / "lessons.pt"
        self.paths = list_pictures([Path(folder) for folder in options.pictures])
        self.images = torch.empty(0, 3, INPUT_SIZE, INPUT_SIZE, dtype=torch.uint8)
        self.statistics = torch.empty(0, STATISTICS_SIZE)

    def prepare(self, output: TextIO) -> None:
        """Measure what is missing, 100 crops at a time; a kill loses the last hundred at most."""
        self.file.parent.mkdir(parents=True, exist_ok=True)
        if self.file.exists():
            saved = torch.load(self.file, weights_only=True)
            if saved["data"] == fingerprint(self.paths):
                self.images, self.statistics = saved["images"], saved["statistics"]
        vgg = VGGFeatures(Path(self.options.vgg))
        while len(self.images) < self.options.crops:
            drawn = [self._lesson(index, vgg) for index in range(len(self.images), len(self.images) + 100)]
            self.images = torch.cat([self.images, torch.stack([image for image, _ in drawn])])
            self.statistics = torch.cat([self.statistics, torch.stack([statistics for _, statistics in drawn])])
            self._save()
            print(f"lessons {len(self.images)}/{self.options.crops}", file=output, flush=True)

    @torch.no_grad()
    def _lesson(self, index: int, vgg: VGGFeatures) -> tuple[Tensor, Tensor]:
        rng = random.Random(f"{self.options.seed} {index}")
        image = self._picture(rng)
        if rng.random() < 0.15:
            share = rng.random()
            image = share * image + (1 - share) * self._picture(rng)
        if rng.random() < 0.3:
            image = recolour(image, rng)
        stored = (image * 255).round().byte()
        return stored, channel_statistics(vgg(stored[None].float() / 255))[0]

    def _picture(self, rng: random.Random) -> Tensor:
        return load_crop(rng.choice(self.paths), INPUT_SIZE, rng, zoom=rng.choice((1.0, 1.0, 1.2, 1.6)))

    def _save(self) -> None:
        unfinished = self.file.with_suffix(".tmp")
        saved = {"images": self.images, "statistics": self.statistics, "data": fingerprint(self.paths)}
        torch.save(saved, unfinished)
        unfinished.replace(self.file)


def recolour(image_3HW: Tensor, rng: random.Random) -> Tensor:
    """Mix the channels, then change gain and gamma: a style that no painter used."""
    mix = torch.eye(3) + 0.25 * torch.tensor([[rng.gauss(0, 1) for _ in range(3)] for _ in range(3)])
    mix = mix / mix.sum(1, keepdim=True).clamp_min(0.3)
    mixed = torch.einsum("ij,jhw->ihw", mix, image_3HW).clamp(0, 1)
    return (mixed ** rng.uniform(0.6, 1.6) * rng.uniform(0.7, 1.2)).clamp(0, 1)


class Distiller:
    """Teach the student from the lessons; resumable at every 500 steps."""

    def __init__(self, options: DistillOptions) -> None:
        torch.set_num_threads(options.threads)
        torch.manual_seed(options.seed)
        self.options, self.step = options, 0
        taught = torch.load(options.teacher, weights_only=True)
        self.teacher = StyleModel(taught["options"]["network"])
        self.teacher.load_state_dict(taught["model"])
        self.teacher.requires_grad_(False)
        self.student = channels_last(MobileNetV3Small())
        self.optimizer = torch.optim.AdamW(self.student.parameters(), options.learning_rate, weight_decay=1e-3)
        self.lessons = Lessons(options)

    @property
    def checkpoint(self) -> Path:
        return Path(self.options.run) / "checkpoint.pt"

    def loss(self, images: Tensor, target: Tensor) -> Tensor:
        """Embedding error and gamma/beta error, each relative to the teacher's spread."""
        predicted = self.student(images)
        read, wanted = self.teacher.transform.film(predicted), self.teacher.transform.film(target)
        embedding = (predicted - target).square().mean() / self.spread
        return embedding + self.options.readout * (read - wanted).square().mean() / self.read_spread

    def _batches(self, training: int) -> Iterator[Tensor]:
        while True:
            rng = torch.Generator().manual_seed(self.options.seed * 1_000_003 + self.step)
            yield torch.randint(training, (self.options.batch,), generator=rng)

    def run(self, output: TextIO) -> None:
        """Prepare the lessons, teach, save; the last 200 lessons are held out and reported."""
        self.lessons.prepare(output)
        targets = self.teacher.predictor(self.lessons.statistics)
        self.spread = targets.var(0).mean()
        self.read_spread = self.teacher.transform.film(targets).var(0).mean()
        training = len(targets) - 200
        self._resume()
        schedule = torch.optim.lr_scheduler.OneCycleLR(
            self.optimizer, self.options.learning_rate, self.options.steps + 1, last_epoch=self.step or -1
        )
        began, mean = time.monotonic(), 0.0
        for chosen in self._batches(training):
            if self.step >= self.options.steps:
                break
            images = self.lessons.images[chosen].float() / 255
            images = images.flip(-1) if self.step % 2 else images  # a mirror changes no channel statistic
            loss = self.loss(images, targets[chosen])
            self.optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(self.student.parameters(), 5.0)
            self.optimizer.step()
            schedule.step()
            self.step += 1
            mean = 0.98 * (mean or float(loss)) + 0.02 * float(loss)
            if self.step % 100 == 0:
                pace = (time.monotonic() - began) / 100
                began = time.monotonic()
                print(
                    f"step {self.step}/{self.options.steps}  {pace:.2f} s/step  loss {mean:.4f}",
                    file=output,
                    flush=True,
                )
            if self.step % 500 == 0 or self.step == self.options.steps:
                self.save(self.held_out(targets[training:], training))
                print(f"held out {self.metrics['held_out']:.4f}", file=output, flush=True)

    @torch.no_grad()
    def held_out(self, targets: Tensor, start: int) -> dict[str, float]:
        self.student.eval()
        images = self.lessons.images[start:].float() / 255
        errors = [self.loss(part, wanted) for part, wanted in zip(images.split(50), targets.split(50), strict=True)]
        self.student.train()
        return {"held_out": float(torch.stack(errors).mean())}

    def _resume(self) -> None:
        if self.checkpoint.exists():
            saved = torch.load(self.checkpoint, weights_only=True)
            self.student.load_state_dict(saved["model"])
            self.optimizer.load_state_dict(saved["optimizer"])
            self.step = saved["step"]

    def save(self, metrics: dict[str, float]) -> None:
        self.metrics = metrics
        unfinished = self.checkpoint.with_suffix(".tmp")
        state = {"model": self.student.state_dict(), "optimizer": self.optimizer.state_dict(), "step": self.step}
        torch.save({**state, "metrics": metrics}, unfinished)
        unfinished.replace(self.checkpoint)


if __name__ == "__main__":
    Lessons(read_options(Path(sys.argv[1]))).prepare(sys.stdout)
