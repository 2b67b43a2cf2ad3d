"""
Training of the transform network together with the statistics predictor.

One seed and the step number decide every draw, so a run that was killed goes on from its last checkpoint exactly as
if nothing had happened: same pictures, same motion, same optimizer state.
"""

import dataclasses
import signal
import sys
import tempfile
from pathlib import Path
from typing import Any, TextIO

import torch
import torch.distributed
import torch.multiprocessing
from torch import nn

from .data import FeatureCache, check_clip
from .files import replacing
from .network import channels_last
from .objective import losses_of
from .options import STYLE_SIZE, BadConfig, TrainingOptions, learning_rate, phase_at
from .predictor import StatisticsPredictor
from .quantization import round_activations
from .runs import OTHER_DATA, git_revision, is_turn, progress
from .sampling import Sampler, list_clips
from .sheets import draw_sheet
from .stylemodel import build, read_kept
from .vgg import VGGFeatures, best_precision

REPORT_EVERY = 25


class Trainer:
    """A run in a folder: options, model, optimizer, the step reached."""

    def __init__(self, options: TrainingOptions, worker: int = 0) -> None:
        torch.set_num_threads(options.threads)
        torch.manual_seed(options.seed)
        self.options, self.folder, self.step, self.worker = options, Path(options.run), 0, worker
        self.other_data = False  # than the run began with
        self.means: dict[str, float] = {}  # of the loss parts, as the checkpoint has them
        self.revision = git_revision()
        self.device = options.place
        self.vgg = VGGFeatures(Path(options.vgg) if options.vgg else None).to(self.device)
        self.sampler = Sampler(options, FeatureCache(self.vgg, Path(options.cache) if options.cache else None))
        self.data = self.sampler.data  # once: a picture that goes while the run goes on takes no checkpoint with it
        self.model = channels_last(build(options)).to(self.device)
        self.optimizer = torch.optim.Adam(self.model.parameters(), 1e-3)
        self._begin()
        self.model.predictor.requires_grad_(not options.freeze_predictor)
        if options.stage == "quantize":
            round_activations(self.model.transform)

    def _begin(self) -> None:
        if self.checkpoint.exists():
            self._resume()
        elif self.options.start_from:
            kept = read_kept(Path(self.options.start_from))
            self.model.begin_with(kept, painter_alone=self.options.embeds_with_another)
        elif isinstance(self.model.predictor, StatisticsPredictor):
            sample = [self.sampler.cache.style(path, STYLE_SIZE).statistics for path in self.sampler.styles[:160]]
            self.model.predictor.standardize_to(torch.stack(sample))

    @property
    def checkpoint(self) -> Path:
        return self.folder / "checkpoint.pt"

    def _resume(self) -> None:
        saved = torch.load(self.checkpoint, weights_only=True, map_location=self.device)
        self.model.load_state_dict(saved["model"])
        self.optimizer.load_state_dict(saved["optimizer"])
        self.step = saved["step"]
        self.means = saved["metrics"]
        self.other_data = saved["data"] != self.data

    def save(self, metrics: dict[str, float]) -> None:
        """Write the checkpoint beside the old one and swap: a kill leaves one of the two, whole."""
        with replacing(self.checkpoint) as unfinished:
            torch.save(self.state(metrics), unfinished)

    def state(self, metrics: dict[str, float]) -> dict[str, Any]:
        return {
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "step": self.step,
            "metrics": metrics,
            "predictor": self.model.predictor_name,
            "options": dataclasses.asdict(self.options),
            "data": self.data,
            "revision": self.revision,
        }

    def train_step(self) -> dict[str, float]:
        """Take one step; returns the unweighted loss parts."""
        phase, _ = phase_at(self.options, self.step)
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate(self.options, self.step)
        batch = self.sampler.draw(self.step, phase, self.worker).to(self.device)
        # Rounded to bfloat16 behind them, 256 levels are others than those that ship.
        wanted = "off" if self.options.stage == "quantize" else self.options.bf16
        precision = best_precision(wanted, self.device.type)
        parts = losses_of(self.model, self.vgg, batch, phase, precision, int8=self.options.stage == "quantize")
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
        if self.worker:
            return self._follow()
        if self.other_data:
            print(OTHER_DATA, file=output, flush=True)
        if self.step >= self.options.steps:
            return None  # what the checkpoint says of the run stays as it is
        with progress(self.folder, self.step, self.options.steps, self.means, output) as told:
            while self.step < self.options.steps:
                told.add(self.train_step())
                if self.step % REPORT_EVERY == 0:
                    told.report(self.step)
                if self.step % self.options.checkpoint_every == 0:
                    self.save(told.means)
                if is_turn(self.step, self.options.sheet_every):
                    draw_sheet(self.model, self.sampler, self.folder / f"sheet-{self.step:06d}.jpg")
            self.save(told.means)
        return None

    def _follow(self) -> None:
        while self.step < self.options.steps:
            self.train_step()


def train(options: TrainingOptions, output: TextIO) -> None:
    """
    Run to the end, with as many processes as the options say.

    :raises BadConfig: a batch that the workers cannot share evenly, or a clip too short or damaged for a pair of frames
    """
    if any(phase.batch % options.workers for phase in options.phases):
        raise BadConfig(f"every batch must be a multiple of the {options.workers} workers")
    for clip in list_clips(options):
        check_clip(clip)  # the first pair may be drawn in an hour
    if options.workers == 1:
        return Trainer(options).run(output)
    Path(options.run).mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as meeting:
        torch.multiprocessing.spawn(_work, (options, f"file://{meeting}/store"), nprocs=options.workers)
    return None


def _work(worker: int, options: TrainingOptions, meeting: str) -> None:
    # torch has the kernel send SIGINT when the parent dies, which a run begun in the background inherits as ignored:
    # two runs would then write into one folder.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    torch.distributed.init_process_group("gloo", init_method=meeting, rank=worker, world_size=options.workers)
    try:
        Trainer(options, worker).run(sys.stdout)
    finally:
        torch.distributed.destroy_process_group()
