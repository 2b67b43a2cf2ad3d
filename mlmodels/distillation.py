"""
Knowledge distillation of the style predictor (Hinton et al. 2015): a MobileNetV3-small learns, from pictures alone, the
embedding that the statistics predictor computes from VGG16 features, and what the norm layers read out of it.

Any picture can teach: paintings, photographs, crops, re-coloured and mixed ones.
"""

import dataclasses
import hashlib
import math
import os
import random
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from .data import fingerprint, list_pictures, load_crop
from .files import replacing
from .network import channels_last
from .options import BadConfig, options_from, place_of, refuse_below_one, warmed_up
from .predictor import PREDICTORS, StatisticsPredictor
from .release import Release
from .runs import OTHER_DATA, Progress, git_revision, is_turn, progress
from .sheets import COUNT, write_sheet
from .stylemodel import read_kept, read_predictor
from .vgg import STATISTICS_SIZE, VGGFeatures, best_precision, channel_statistics

REPORT_EVERY = 50
SAVE_EVERY = 250
WARM_UP = 50  # steps
APART = 20  # every so manieth picture is held out
SETTLING = 40  # batches that the batch norms' statistics are taken from


@dataclass(frozen=True)
class DistillOptions:
    """
    One TOML file with `stage = "distill"`. Paths are relative to the working directory.

    `lessons` are (pixels, crops) pairs: the statistics of a smaller crop cost less to measure, and a network that ends
    in means over the picture learns from small pictures what it needs for large ones.
    """

    stage: str
    run: str
    vgg: str
    teacher: str  # a checkpoint of the student stage, or what `keep` made of it
    pictures: dict[str, float]  # folder: share of the lessons
    student: str = "mobilenetv3-texture"  # of PREDICTORS
    lessons: list[list[int]] = field(default_factory=lambda: [[128, 2400], [224, 600]])
    held_out: int = 100  # of the last kind of lessons, from pictures that no other lesson shows
    steps: int = 1500
    settled: float = 0.3  # share of the steps, the last ones, that are taken with the batch norms as they will be used
    batch: int = 16
    learning_rate: float = 3e-3
    start_from: str = ""  # an earlier student's checkpoint, or a release: its eyes are good for a new teacher too
    embedding: float = 1.0  # weight of the error of the embedding, relative to the teacher's spread
    readout: float = 1.0  # weight of the error of the gamma and beta that are read out of it, relative as well
    output: float = 0.0  # weight of how far the paintings of both embeddings are apart; zero paints none, and is faster
    painted: int = 4  # pictures of each batch that the output term paints
    sheet_every: int = 500  # steps between two sheets of the teacher's and the student's paintings; 0 for none
    seed: int = 1
    device: str = "auto"  # "cpu", "cuda", or cuda where there is one
    threads: int = 2
    bf16: str = "auto"  # the painter of the output term in bfloat16; both predictors stay in single precision

    @property
    def place(self) -> torch.device:
        return place_of(self.device)


def read_options(path: Path) -> DistillOptions:
    """:raises BadConfig: unknown or missing keys, numbers below 1, no such student, or too few lessons to hold out"""
    options = options_from(path, DistillOptions)
    if not options.lessons or not 0 < options.held_out < options.lessons[-1][1]:
        raise BadConfig(f"{path}: held_out must be at least 1 and less than the last kind of lessons has")
    if options.student not in PREDICTORS:
        raise BadConfig(f"{path}: there is no student {options.student}; there are {', '.join(PREDICTORS)}")
    refuse_below_one(path, options, "steps", "batch", "threads")
    return options


def is_apart(picture: Path) -> bool:
    """Say whether a picture is held out: by its name, so that others that come or go change nothing about it."""
    return int(hashlib.sha256(picture.stem.encode()).hexdigest(), 16) % APART == 0


class Lessons:
    """
    Square crops (N, 3, S, S) as bytes and their VGG statistics (N, 1920), in two files that fill as we measure.

    The last `apart` of them show the pictures that are held out, the others show all the rest.
    """

    def __init__(self, options: DistillOptions, size: int, count: int, apart: int = 0) -> None:
        """:raises BadConfig: a folder of which nothing is left to teach, or no picture at all to hold out"""
        self.options, self.size, self.count, self.apart = options, size, count, apart
        folders = {folder: list_pictures([Path(folder)]) for folder in options.pictures}
        self.data = fingerprint([path for paths in folders.values() for path in paths])
        self.taught = {folder: [path for path in paths if not is_apart(path)] for folder, paths in folders.items()}
        held_out = {folder: [path for path in paths if is_apart(path)] for folder, paths in folders.items()}
        self.held_out = {folder: paths for folder, paths in held_out.items() if paths}
        if not self.held_out or not all(self.taught.values()):
            raise BadConfig(f"too few pictures: one in {APART} is held out, and both kinds are needed")
        self.folder = Path(options.run) / f"lessons-{size}-{count}-{apart}-{options.seed}-{self.data}"
        self.images = self._open("images.npy", np.uint8, (3, size, size))
        self.statistics = self._open("statistics.npy", np.float32, (STATISTICS_SIZE,))

    def _open(self, name: str, kind: type, shape: tuple[int, ...]) -> NDArray[Any]:
        path = self.folder / name
        if not path.exists():
            with replacing(path) as unfinished:
                np.lib.format.open_memmap(unfinished, "w+", kind, (self.count, *shape)).flush()
                _take_room(unfinished)
        return np.load(path, mmap_mode="r+")

    @property
    def done(self) -> int:
        """How many are measured. What comes behind may be half written; it is measured again."""
        marker = self.folder / "done"
        return int(marker.read_text()) if marker.exists() else 0

    def prepare(self, output: TextIO) -> None:
        """Measure what is missing, 100 crops at a time; a kill loses the last hundred at most."""
        done = self.done
        if done == self.count:
            return
        vgg = VGGFeatures(Path(self.options.vgg) if self.options.vgg else None).to(self.options.place)
        while done < self.count:
            until = min(done + 100, self.count)
            drawn = torch.stack([self._draw(index) for index in range(done, until)])
            self.images[done:until] = drawn.numpy()
            self.statistics[done:until] = torch.cat([measured(part, vgg) for part in drawn.split(4)]).numpy()
            done = until
            self._mark(done)
            print(f"lessons {done}/{self.count} of {self.size} pixels", file=output, flush=True)

    def _mark(self, done: int) -> None:
        with replacing(self.folder / "done") as unfinished:
            unfinished.write_text(str(done))

    def _draw(self, index: int) -> Tensor:
        # With the size: or a large lesson would be a small one once more, the same part of the same picture.
        rng = random.Random(f"{self.options.seed} {self.size} {index}")
        folders = self.held_out if index >= self.count - self.apart else self.taught
        image = self._picture(folders, rng)
        if rng.random() < 0.15:
            share = rng.random()
            image = share * image + (1 - share) * self._picture(folders, rng)
        if rng.random() < 0.3:
            image = recolour(image, rng)
        return (image * 255).round().byte()

    def _picture(self, folders: dict[str, list[Path]], rng: random.Random) -> Tensor:
        folder = rng.choices(list(folders), [self.options.pictures[folder] for folder in folders])[0]
        # Strokes keep the scale at which pictures are taught, whatever part of it the crop shows.
        zoom = rng.choice((1.0, 1.0, 1.2, 1.6)) * PREDICTORS[self.options.student].TAUGHT_SIZE / self.size
        return load_crop(rng.choice(folders[folder]), self.size, rng, zoom=zoom)


def lessons_of(options: DistillOptions) -> list[Lessons]:
    """Return every kind of lessons; those that are held out are of the last one."""
    last = len(options.lessons) - 1
    return [
        Lessons(options, size, count, options.held_out if index == last else 0)
        for index, (size, count) in enumerate(options.lessons)
    ]


def _take_room(path: Path) -> None:
    """
    Have the disk keep room for all of the file: a page that finds none later ends the process without a word.

    :raises OSError: there is not enough room (ENOSPC)
    """
    with path.open("r+b") as file:
        os.posix_fallocate(file.fileno(), 0, path.stat().st_size)


@torch.no_grad()
def measured(images_B3SS: Tensor, vgg: VGGFeatures) -> Tensor:
    """Return the VGG statistics (B, 1920) of byte images."""
    device = vgg.mean.device
    with best_precision(device=device.type):
        return channel_statistics(vgg(images_B3SS.to(device).float() / 255)).cpu()


def recolour(image_3HW: Tensor, rng: random.Random) -> Tensor:
    """Mix the channels, then change gain and gamma: a style that no painter used."""
    mix = torch.eye(3) + 0.25 * torch.tensor([[rng.gauss(0, 1) for _ in range(3)] for _ in range(3)])
    mix = mix / mix.sum(1, keepdim=True).clamp_min(0.3)
    mixed = torch.einsum("ij,jhw->ihw", mix, image_3HW).clamp(0, 1)
    return (mixed ** rng.uniform(0.6, 1.6) * rng.uniform(0.7, 1.2)).clamp(0, 1)


class Distiller:
    """Teach the student from the lessons; resumable at every 250 steps."""

    def __init__(self, options: DistillOptions) -> None:
        """:raises BadConfig: a teacher that sees pictures: the lessons are statistics"""
        torch.set_num_threads(options.threads)
        torch.manual_seed(options.seed)
        self.options, self.step, self.device = options, 0, options.place
        self.other_data = False  # than the run began with
        self.means: dict[str, float] = {}  # of the loss parts, as the checkpoint has them
        self.revision = git_revision()
        self.teacher = channels_last(read_kept(Path(options.teacher)).model().requires_grad_(False)).to(self.device)
        if not isinstance(self.teacher.predictor, StatisticsPredictor):
            raise BadConfig(f"teacher: {options.teacher} has no predictor of VGG statistics")
        self.student = channels_last(PREDICTORS[options.student]()).to(self.device)
        self.optimizer = torch.optim.AdamW(self.student.parameters(), options.learning_rate, weight_decay=1e-3)
        self.lessons = lessons_of(options)
        self.data = [lessons.data for lessons in self.lessons]

    @property
    def checkpoint(self) -> Path:
        return Path(self.options.run) / "checkpoint.pt"

    def run(self, output: TextIO) -> None:
        """Prepare the lessons, teach, save; some lessons are held out and reported."""
        self.begin()  # before lessons are measured for an hour: what cannot be begun with is refused at once
        if self.other_data:
            print(OTHER_DATA, file=output, flush=True)
        if self.step >= self.options.steps:
            return
        self.prepare(output)
        with progress(Path(self.options.run), self.step, self.options.steps, self.means, output) as told:
            while self.step < self.options.steps:
                told.add(self.train_step())
                if self.step % REPORT_EVERY == 0:
                    told.report(self.step)
                if self.step % SAVE_EVERY == 0 or self.step == self.options.steps:
                    self._save_and_report(told)
                if is_turn(self.step, self.options.sheet_every):
                    self.draw_sheet(Path(self.options.run) / f"sheet-{self.step:06d}.jpg")

    def _save_and_report(self, told: Progress) -> None:
        if self.step <= self._settles_at:
            self.settle()
        metrics, self.means = self.held_out(), told.means
        self.save(metrics)
        told.report_held_out(self.step, metrics)

    def prepare(self, output: TextIO) -> None:
        """Measure the lessons, ask the teacher once for every answer."""
        for lessons in self.lessons:
            lessons.prepare(output)
        self.targets = [
            self.teacher.predictor(torch.from_numpy(lessons.statistics).to(self.device)) for lessons in self.lessons
        ]
        everything = torch.cat(self.targets)
        self.spread = everything.var(0).mean()
        self.read_spread = self.teacher.transform.film(everything).var(0).mean()

    def train_step(self) -> dict[str, float]:
        """Take one step on a batch drawn by the seed and the step number; returns the loss and its unweighted parts."""
        for group in self.optimizer.param_groups:
            group["lr"] = self._learning_rate()
        if self.step == self._settles_at:
            self.settle()
        self._let_norms_move(self.step < self._settles_at)
        images, targets = self._batch()
        predicted = self.student(images)
        parts = self.errors(predicted, targets)
        if self.options.output:
            parts["output"] = self.output_loss(images, predicted, targets)
        total = self.weighed(parts)
        self.optimizer.zero_grad()
        total.backward()
        nn.utils.clip_grad_norm_(self.student.parameters(), 5.0)
        self.optimizer.step()
        self.step += 1
        return {name: float(value.detach()) for name, value in {"total": total, **parts}.items()}

    def errors(self, predicted: Tensor, target: Tensor) -> dict[str, Tensor]:
        """Return the errors of embedding and readout, each relative to the teacher's spread (1 = knows nothing)."""
        read, wanted = self.teacher.transform.film(predicted), self.teacher.transform.film(target)
        return {
            "embedding": (predicted - target).square().mean() / self.spread,
            "readout": (read - wanted).square().mean() / self.read_spread,
        }

    def weighed(self, parts: dict[str, Tensor]) -> Tensor:
        """Return the sum of the errors by the weights that the options give them."""
        return torch.stack([getattr(self.options, name) * part for name, part in parts.items()]).sum()

    def output_loss(self, images: Tensor, predicted: Tensor, target: Tensor) -> Tensor:
        """
        Paint some of the batch's pictures in the styles of others, with both embeddings: the mean square difference of
        the paintings, relative to how much paintings in two styles differ.
        """
        count = self.options.painted
        photos = images[:count].flip(0)
        with best_precision(self.options.bf16, self.device.type):
            with torch.no_grad():
                wanted = self.teacher.transform(photos, target[:count])
                elsewhere = self.teacher.transform(photos, target[:count].roll(1, 0))
            painted = self.teacher.transform(photos, predicted[:count])
        return (painted - wanted).square().mean() / ((wanted - elsewhere).square().mean() + 1e-4)

    @torch.no_grad()
    def settle(self) -> None:
        """
        Give the batch norms the mean of many batches of the size that is used, in place of a moving one: that follows
        the last few, small and large pictures in turn, and misses by far (precise batch norm, Wu & Johnson 2021, 3.2).
        """
        norms = self._norms()
        self._let_norms_move(True)
        moving = [norm.momentum for norm in norms]
        for norm in norms:
            norm.reset_running_stats()
            norm.momentum = None  # the mean of all
        last = len(self.lessons) - 1
        for index in range(SETTLING):
            self.student(self._batch_of(last, random.Random(f"{self.options.seed} settle {index}"))[0])
        for norm, momentum in zip(norms, moving, strict=True):
            norm.momentum = momentum

    def _norms(self) -> list[nn.BatchNorm2d | nn.BatchNorm1d]:
        return [part for part in self.student.modules() if isinstance(part, nn.BatchNorm2d | nn.BatchNorm1d)]

    @property
    def _settles_at(self) -> int:
        """
        The step from which the batch norms stand still.

        In a batch a strange picture is tamed by its own share in the batch's variance. By itself, as pictures come in
        use, it can be thrown far off: that has to be seen to be learned.
        """
        return round(self.options.steps * (1 - self.options.settled))

    def _let_norms_move(self, move: bool) -> None:
        for norm in self._norms():
            norm.train(move)

    def _batch(self) -> tuple[Tensor, Tensor]:
        rng = random.Random(f"{self.options.seed} batch {self.step}")
        counts = [self._taught(index) for index in range(len(self.lessons))]
        return self._batch_of(rng.choices(range(len(counts)), counts)[0], rng)

    def _batch_of(self, kind: int, rng: random.Random) -> tuple[Tensor, Tensor]:
        chosen = [rng.randrange(self._taught(kind)) for _ in range(self.options.batch)]
        images = torch.from_numpy(self.lessons[kind].images[chosen]).to(self.device).float() / 255
        # Neither a mirror nor a shift around the edges changes a channel statistic by much.
        images = images.flip(-1) if rng.random() < 0.5 else images
        shift = rng.randrange(images.shape[-1]), rng.randrange(images.shape[-1])
        images = images.roll(shift, (2, 3)) if rng.random() < 0.5 else images
        return images, self.targets[kind][chosen]

    def _taught(self, index: int) -> int:
        return len(self.targets[index]) - self.lessons[index].apart

    def _learning_rate(self) -> float:
        done = self.step / self.options.steps
        return self.options.learning_rate * warmed_up(self.step, WARM_UP) * max(0.01, math.cos(math.pi / 2 * done))

    @torch.no_grad()
    def held_out(self) -> dict[str, float]:
        """Return the loss on the lessons that were kept apart, without the paintings'."""
        images, targets = self._apart()
        self.student.eval()
        pairs = zip(images.split(25), targets.split(25), strict=True)
        errors = [self.weighed(self.errors(self.student(part), wanted)) for part, wanted in pairs]
        self.student.train()
        return {"held_out": float(torch.stack(errors).mean())}

    def _apart(self) -> tuple[Tensor, Tensor]:
        start = self._taught(len(self.lessons) - 1)
        images = torch.from_numpy(self.lessons[-1].images[start:]).to(self.device).float() / 255
        return images, self.targets[-1][start:]

    @torch.no_grad()
    def draw_sheet(self, path: Path) -> None:
        """
        Write one picture of lessons that are held out, a row each: one to paint, the style, and the paintings by the
        teacher's and by the student's embedding.
        """
        images, targets = (part[:COUNT] for part in self._apart())
        photos = images.roll(1, 0)
        self.student.eval()
        paintings = [self.teacher.transform(photos, embedding) for embedding in (targets, self.student(images))]
        self.student.train()
        write_sheet(
            [list(row) for row in zip(*(part.cpu() for part in (photos, images, *paintings)), strict=True)], path
        )

    def begin(self) -> None:
        """Go on from the checkpoint, or begin with what an earlier student knows."""
        if self.checkpoint.exists():
            saved = torch.load(self.checkpoint, weights_only=True, map_location=self.device)
            self.student.load_state_dict(saved["model"])
            self.optimizer.load_state_dict(saved["optimizer"])
            self.step, self.means = saved["step"], saved.get("means", {})
            self.other_data = saved.get("data", self.data) != self.data
        elif self.options.start_from:
            self._begin_with(Path(self.options.start_from))

    def _begin_with(self, earlier: Path) -> None:
        """
        Take over the layers that an earlier student shares with this one, by name and shape.

        :raises BadRelease: a folder that holds no release
        :raises BadConfig: a file that holds no distilled predictor
        """
        if earlier.is_dir():
            known = Release(earlier).predictor.state_dict()
        else:
            _, known = read_predictor(earlier, "start_from")
        mine = self.student.state_dict()
        shared = {name: value for name, value in known.items() if name in mine and value.shape == mine[name].shape}
        self.student.load_state_dict(shared, strict=False)

    def save(self, metrics: dict[str, float]) -> None:
        """Write the checkpoint beside the old one and swap."""
        state = {
            "model": self.student.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "step": self.step,
            "metrics": metrics,
            "means": self.means,
            "options": dataclasses.asdict(self.options),
            "data": self.data,
            "revision": self.revision,
        }
        with replacing(self.checkpoint) as unfinished:
            torch.save(state, unfinished)


if __name__ == "__main__":
    chosen = read_options(Path(sys.argv[1]))  # lessons need no teacher: they can be measured while it is being trained
    for kind in lessons_of(chosen):
        kind.prepare(sys.stdout)
