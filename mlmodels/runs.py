"""What every stage of training does alike: say how far it is, keep a log, and know its code, its data and its place."""

import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, TextIO

PACKAGE = Path(__file__).parent
KEPT = 0.97  # of the running means, each step
OTHER_DATA = "the pictures or clips are not those of the checkpoint; going on with these"


class Progress:
    """Running means of the loss parts, on a line and in the run's TensorBoard log."""

    def __init__(self, step: int, steps: int, means: Mapping[str, float], writer: Any, output: TextIO) -> None:
        """:param means: of the steps before, so that a resumed run does not begin them anew"""
        self.steps, self.means, self.output = steps, dict(means), output
        self._first, self._began, self._writer = step, time.monotonic(), writer

    def add(self, parts: Mapping[str, float]) -> None:
        for name, value in parts.items():
            self.means[name] = KEPT * self.means.get(name, value) + (1 - KEPT) * value

    def report(self, step: int) -> None:
        pace = (time.monotonic() - self._began) / max(1, step - self._first)
        print(line(step, self.steps, pace, self.means), file=self.output, flush=True)
        self._log(self.means, step)

    def report_held_out(self, step: int, metrics: Mapping[str, float]) -> None:
        said = " ".join(f"{name} {value:.4f}" for name, value in metrics.items())
        print(f"held out: {said}", file=self.output, flush=True)
        self._log({f"held out/{name}": value for name, value in metrics.items()}, step)

    def _log(self, values: Mapping[str, float], step: int) -> None:
        for name, value in values.items():
            self._writer.add_scalar(name, value, step)


@contextmanager
def progress(folder: Path, step: int, steps: int, means: Mapping[str, float], output: TextIO) -> Iterator[Progress]:
    """Give what reports a run that stands at `step`; what a killed one logged after that is taken back."""
    from torch.utils.tensorboard import SummaryWriter  # slow to import, and only training needs it

    with SummaryWriter(str(folder / "log"), purge_step=step + 1) as writer:
        yield Progress(step, steps, means, writer, output)


def line(step: int, steps: int, pace: float, means: Mapping[str, float]) -> str:
    parts = " ".join(f"{name} {value:.4f}" for name, value in means.items())
    return f"step {step}/{steps}  {pace:.2f} s/step  {(steps - step) * pace / 60:.0f} min left  {parts}"


def is_turn(step: int, every: int) -> bool:
    """Say whether something that is done every so many steps (0: never) is due."""
    return every > 0 and step % every == 0


@cache
def git_revision() -> str:
    """
    Return the revision of the code, "-dirty" behind it where files differ from it, or an empty text outside a checkout.

    It is asked for once: what runs is what was read when the run began.
    """
    command = ["git", "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True, cwd=PACKAGE).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return ""
