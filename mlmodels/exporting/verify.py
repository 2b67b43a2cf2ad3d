"""
Exported files against the release that they are of: each runs in its own runtime over held-out pictures, and what it
gives is compared with what torch gives in single precision.

What a file may differ by is in `TOLERANCES`. That is what exporting costs: where the release is in eight bits already,
so is what torch paints. What quantizing cost as well is seen beside a parent, the pair as it was before, from which a
painting may differ by no more. Core ML runs on Apple's hardware only; of it, the description is checked when it is
written (coreml_files.py).
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from mlmodels.evaluation.metrics import content_distance, look, style_distance
from mlmodels.exported import ExportedFile
from mlmodels.network import scale_and_shift
from mlmodels.release import Pair, Pixels, Release, to_tensor
from mlmodels.vgg import VGGFeatures

from . import apart
from .formats import FORMATS
from .graphs import Shape
from .roles import LOCKED, PREDICTOR, READOUT
from .run import RUNTIMES, run_rows

FRAMES = 20
FREE_SIZE = (256, 256)  # at which a file of no fixed size is run
LARGEST_LOOKED_AT = 384 * 384  # pixels; style and content of larger frames take minutes, and the graph is the same
PICTURES = {".jpg", ".jpeg", ".png"}

# metric: (smallest, largest) allowed, beside torch and beside a parent
TOLERANCES: dict[str, tuple[float, float]] = {
    "psnr_db": (30.0, float("inf")),  # of the worst frame
    "statistics_error": (0.0, 0.05),  # largest difference over the largest value, worst frame
    "relative_error": (0.0, 0.05),  # the same, of embeddings and styles
    "identity_error": (0.0, 0.05),  # the same, of the embeddings that give pictures back
    "style_change": (-0.03, 0.03),  # of the mean distance, relative to torch's
    "content_change": (-0.03, 0.03),
}
PARENT = "parent_"  # the same metrics, beside the parent

Array = NDArray[np.float32]


class TooDifferent(RuntimeError):
    """A file does not give what its release gives, within what it may differ by."""


class NoPictures(ValueError):
    """The folder of held-out pictures lacks photographs or styles."""


@dataclass(frozen=True)
class _Reference:
    """
    Frames of one shape as bytes, and of each what torch paints, its statistics and its affine.

    :param parents: what the parent paints of them; None without one
    """

    frames: Pixels
    paintings: Array
    statistics: Array
    affine: Array
    parents: Array | None


class Verification:
    """
    Held-out photographs and styles, painted by a release: what files are compared with.

    :param heldout: has the folders `content` and `styles`
    :param vgg: for distances of style and content; without, pictures are compared alone
    :param parent: the pair before it was quantized; files are compared with what it paints too
    :raises NoPictures: fewer than `frames` photographs, or no style
    """

    def __init__(
        self, release: Release, heldout: Path, *, vgg: VGGFeatures | None = None, parent: Pair | None = None,
        frames: int = FRAMES,
    ) -> None:  # fmt: skip
        self.release, self.vgg, self.parent = release, vgg, parent
        self.photographs = pictures_in(heldout / "content")[:frames]
        styles = pictures_in(heldout / "styles")
        if len(self.photographs) < frames or not styles:
            raise NoPictures(f"{heldout} needs {frames} photographs in content/ and pictures in styles/")
        self.styles = [styles[index % len(styles)] for index in range(frames)]
        self.pictures, self.embeddings = self._embedded(release)
        with torch.inference_mode():
            self.rows = release.transform.film(self.embeddings)
            self.identities = release.predictor.identity_of(self.embeddings)
            self.parent_embeddings = self._embedded(parent)[1] if parent else None
        self._painted: dict[Shape, _Reference] = {}
        self._looked_at: dict[Shape, _Looks] = {}

    def check(self, file: ExportedFile) -> ExportedFile:
        """
        Return the file with its metrics.

        :raises TooDifferent: a metric is not what it may be
        :raises ConvertersMissing: when its runtime is not installed
        """
        if file.format not in RUNTIMES:
            return file
        metrics = {name: round(value, 5) + 0.0 for name, value in self._measured(file).items()}  # no -0
        for name, value in metrics.items():
            smallest, largest = TOLERANCES[name.removeprefix(PARENT)]
            if not smallest <= value <= largest:
                raise TooDifferent(f"{file.path.name}: {name} is {value}, not {smallest} to {largest}")
        return replace(file, metrics=metrics)

    def _measured(self, file: ExportedFile) -> dict[str, float]:
        if file.role == PREDICTOR:
            answer, given_back = answers_of(file, [self.pictures.numpy()])
            return {
                "relative_error": relative_error(answer, self.embeddings.numpy()),
                "identity_error": relative_error(given_back, self.identities.numpy()),
            }
        if file.role == READOUT:
            (answer,) = answers_of(file, [self.embeddings.numpy()])
            return {"relative_error": relative_error(answer, self.rows.numpy())}
        shape = Shape.parse(file.shape)
        expected = self._reference(shape)
        given = to_tensor(expected.frames).numpy()
        if file.role == LOCKED:
            (answer,) = answers_of(file, [given, expected.affine])
            return self._compared(answer, shape)
        answer, measured = answers_of(file, [given, self.rows.numpy()])
        return {**self._compared(answer, shape), "statistics_error": relative_error(measured, expected.statistics)}

    def _reference(self, shape: Shape) -> _Reference:
        """Of the last shape it is kept: files of one shape are checked one after the other."""
        if shape not in self._painted:
            height, width = (shape.height or FREE_SIZE[0], shape.width or FREE_SIZE[1])
            frames = np.stack([opened(path, height, width) for path in self.photographs])
            each = [self._painted_one(frames[index], index) for index in range(len(frames))]
            painted, statistics, affine = (np.concatenate(values) for values in zip(*each, strict=True))
            self._painted = {shape: _Reference(frames, painted, statistics, affine, self._of_parent(frames))}
        return self._painted[shape]

    @torch.inference_mode()
    def _painted_one(self, frame: Pixels, index: int) -> tuple[Array, Array, Array]:
        network, embedding = self.release.transform, self.embeddings[index : index + 1]
        given = to_tensor(frame[None])
        scene = network.statistics(given, embedding)
        painted, _ = network.paint(given, embedding, scene)
        measured = list(zip(scene.means, scene.variances, strict=True))
        affine = affine_of(self.rows[index : index + 1], measured, network.widths)
        statistics = torch.cat([value.flatten() for pair in measured for value in pair])[None]
        return painted.numpy(), statistics.numpy(), affine.numpy()

    @torch.inference_mode()
    def _embedded(self, pair: Pair) -> tuple[Tensor, Tensor]:
        """Return the styles as a pair's predictor takes them, and what it says of them."""
        side = pair.picture_size
        pictures = to_tensor(np.stack([opened(path, side, side) for path in self.styles]))
        return pictures, pair.predictor(pictures)

    @torch.inference_mode()
    def _of_parent(self, frames: Pixels) -> Array | None:
        """Each frame by its own statistics, as in `_painted_one`, and with the embedding of the parent's predictor."""
        if self.parent is None or self.parent_embeddings is None:
            return None
        network, embeddings = self.parent.transform, self.parent_embeddings
        painted = [
            network.paint(to_tensor(frames[index : index + 1]), embeddings[index : index + 1])[0].numpy()
            for index in range(len(frames))
        ]
        return np.concatenate(painted)

    def _compared(self, answer: Array, shape: Shape) -> dict[str, float]:
        expected = self._reference(shape)
        is_looked_at = self.vgg is not None and expected.frames[0].size <= 3 * LARGEST_LOOKED_AT
        return {
            "psnr_db": worst_psnr(answer, expected.paintings),
            **(self._looks(shape).changes(answer) if is_looked_at else {}),
            **({} if expected.parents is None else {f"{PARENT}psnr_db": worst_psnr(answer, expected.parents)}),
        }

    def _looks(self, shape: Shape) -> _Looks:
        if shape not in self._looked_at:
            assert self.vgg is not None
            styles = [opened(path, *FREE_SIZE) for path in self.styles]
            self._looked_at = {shape: _Looks(self.vgg, styles, self._reference(shape))}
        return self._looked_at[shape]


class _Looks:
    """How far paintings are from their styles and photographs; three of four pictures are the same for every file."""

    def __init__(self, vgg: VGGFeatures, styles: Sequence[Pixels], reference: _Reference) -> None:
        self.vgg = vgg
        self.styles = [look(vgg, picture) for picture in styles]
        self.photographs = [look(vgg, frame) for frame in reference.frames]
        self.theirs = {"": self._distances(reference.paintings)}
        if reference.parents is not None:
            self.theirs[PARENT] = self._distances(reference.parents)

    def changes(self, paintings: Array) -> dict[str, float]:
        """Return how the mean distances differ from those of torch's paintings and the parent's, relative to them."""
        ours = self._distances(paintings)
        return {
            f"{whose}{name}_change": ours[name] / theirs[name] - 1
            for whose, theirs in self.theirs.items()
            for name in ours
        }

    def _distances(self, paintings: Array) -> dict[str, float]:
        sums = {"style": 0.0, "content": 0.0}
        for painting, style, photograph in zip(paintings, self.styles, self.photographs, strict=True):
            painted = look(self.vgg, as_bytes(painting))
            sums["style"] += style_distance(painted, style)
            sums["content"] += content_distance(painted, photograph)
        return sums


def answers_of(file: ExportedFile, given: Sequence[Array], *, threads: int = 1) -> list[Array]:
    """
    Run a file for every row of the given arrays (N, …), in this process or in the exporters'.

    :raises ConvertersMissing: when its runtime is not installed
    :raises ConversionFailed: when it cannot be run
    """
    answers = timed_answers_of(file, given, threads=threads)
    return [answers[f"answer_{index}"] for index in range(len(answers) - 1)]


def timed_answers_of(file: ExportedFile, given: Sequence[Array], *, threads: int = 1) -> dict[str, Any]:
    """The same as `answer_0`, … with `milliseconds` (N,) of each run."""
    arrays = [np.asarray(value, dtype=np.float32) for value in given]
    if FORMATS[file.format].converter is None:
        return run_rows(RUNTIMES[file.format](file.path, threads), arrays)
    with tempfile.TemporaryDirectory() as scratch:
        here, there = Path(scratch) / "given.npz", Path(scratch) / "answers.npz"
        np.savez(here, allow_pickle=False, **{f"given_{index}": value for index, value in enumerate(arrays)})
        apart.run(
            "mlmodels.exporting.run", [str(file.path.resolve()), file.format, str(threads), str(here), str(there)]
        )
        with np.load(there) as answers:
            return dict(answers)


def affine_of(rows: Tensor, measured: Sequence[tuple[Tensor, Tensor]], widths: Sequence[int]) -> Tensor:
    """
    Return what `transform-locked` takes, (1, 2ΣK): per norm layer K scales, K shifts.

    :param rows: style (1, 2ΣK)
    :param measured: mean and variance, (1, K, 1, 1) each, of every norm layer
    """
    parts: list[Tensor] = []
    for known, row, width in zip(measured, rows.split([2 * width for width in widths], dim=1), widths, strict=True):
        gamma, beta = 1 + row[:, :width, None, None], row[:, width:, None, None]
        parts += [value.flatten() for value in scale_and_shift(known, gamma, beta)]
    return torch.cat(parts)[None]


def pictures_in(folder: Path) -> list[Path]:
    """Return the pictures of a folder by name; none when there is no folder."""
    return sorted(path for path in folder.glob("*") if path.suffix.lower() in PICTURES)


def opened(path: Path, height: int, width: int) -> Pixels:
    """Return the middle of a picture in the given shape, (H, W, 3)."""
    with Image.open(path) as image:
        rgb = image.convert("RGB")
    scale = max(height / rgb.height, width / rgb.width)
    sides = width / scale, height / scale
    left, top = (rgb.width - sides[0]) / 2, (rgb.height - sides[1]) / 2
    box = (left, top, min(left + sides[0], rgb.width), min(top + sides[1], rgb.height))
    return np.asarray(rgb.resize((width, height), Image.Resampling.BICUBIC, box))


def as_bytes(painting_3HW: Array) -> Pixels:
    return (painting_3HW.transpose(1, 2, 0) * 255).round().clip(0, 255).astype(np.uint8)


def psnr(one: Array, other: Array) -> float:
    """Of values in 0..1; 120 dB stands for the same."""
    error = float(np.square(one.astype(np.float64) - other).mean())
    return 120.0 if error <= 1e-12 else float(-10 * np.log10(error))


def worst_psnr(answers: Array, expected: Array) -> float:
    return min(psnr(*pair) for pair in zip(answers, expected, strict=True))


def relative_error(answers: Array, expected: Array) -> float:
    """The largest difference over the largest value, of the worst row."""
    rows = zip(answers, expected, strict=True)
    return max(float(np.abs(one - other).max() / np.abs(other).max()) for one, other in rows)
