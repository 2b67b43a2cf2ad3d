"""
Scenes: runs of frames between cuts. Within one, every frame is painted with the same style and the same statistics.

Normalizing each frame by itself makes the whole picture breathe whenever something enters it. Mean and variance of
every norm layer over frames sampled from the scene hold it still, and change at the cut, where nobody sees it.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from .brush import reduced, reduced_size
from .decode import RgbReader, TimedFrame, Turn
from .engines import Engine
from .geometry import Size

THUMB = Size(64, 36)
# Over 16 clips and the 240 cuts between them: within a clip the share of colours that change from frame to frame is at
# most 0.15, at a cut at least 0.22. Motion moves pixels, a cut changes what colours there are.
CUT_COLOURS = 0.18
CUT_LEVEL = 12.0  # mean difference of thumbnails, in levels of 255, below which nothing is a cut
# Two scenes of the same colours (black and white, above all): the difference must stand out from the motion around it.
CUT_LEVEL_ALONE, CUT_FACTOR_ALONE = 22.0, 3.5
HISTORY = 12
SHORTEST = 8  # frames; a photographer's flash is not two cuts
MAX_SAMPLES = 8
SAMPLED_PIXELS = 5_000_000  # what a scene's samples may have together: they pass the network as one batch


@dataclass
class Scene:
    """`count` frames, and evenly spread samples of them (RGB uint8) at the size they will be painted at."""

    samples: list[NDArray[np.uint8]] = field(default_factory=list)
    count: int = 0


def scenes_of(frames: Iterable[TimedFrame], size: Size, turn: Turn, brush: float = 1.0) -> Iterator[Scene]:
    """Split a video at its cuts. A scene is yielded when its last frame has been seen."""
    painted = reduced_size(size, brush)
    reader = RgbReader(size, turn)
    thumbs = RgbReader(THUMB, Turn())
    cuts = CutDetector()
    sampler = Sampler(limit=max(2, min(MAX_SAMPLES, SAMPLED_PIXELS // painted.pixels)))
    for frame in frames:
        if cuts.is_cut(thumbs.read(frame.picture)):
            yield sampler.scene()
            sampler = Sampler(limit=sampler.limit)
        if sampler.wants_next():
            sampler.keep(reduced(reader.read(frame.picture), brush))
        sampler.count += 1
    if sampler.count:
        yield sampler.scene()


class CutDetector:
    """Says of each frame whether a new scene begins with it."""

    def __init__(self) -> None:
        self._last: NDArray[np.uint8] | None = None
        self._last_colours: NDArray[np.float32] | None = None
        self._differences: deque[float] = deque(maxlen=HISTORY)
        self._age = 0

    def is_cut(self, thumb: NDArray[np.uint8]) -> bool:
        last, self._last = self._last, thumb
        last_colours, self._last_colours = self._last_colours, _colours(thumb)
        self._age += 1
        if last is None or last_colours is None:
            return False
        difference = float(np.mean(cv2.absdiff(thumb, last)))
        changed = float(np.abs(self._last_colours - last_colours).sum() / 2)
        cut = self._age > SHORTEST and self._stands_out(difference, changed)
        if cut:
            self._differences.clear()
            self._age = 1
        else:
            self._differences.append(difference)
        return cut

    def _stands_out(self, difference: float, changed: float) -> bool:
        if changed > CUT_COLOURS and difference > CUT_LEVEL:
            return True
        usual = float(np.median(self._differences)) if self._differences else 0.0
        return difference > CUT_LEVEL_ALONE and difference > CUT_FACTOR_ALONE * usual


def _colours(thumb: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Shares of 512 colours, in Lab, where equal steps look equal."""
    lab = cv2.cvtColor(thumb, cv2.COLOR_RGB2Lab)
    counts = cv2.calcHist([lab], [0, 1, 2], None, [8, 8, 8], [0, 256, 0, 256, 0, 256]).ravel()
    return (counts / counts.sum()).astype(np.float32)


class Sampler:
    """Keeps evenly spread frames of a run whose length is not known yet: full, it drops every other one."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.count = 0
        self._stride = 1
        self._kept: list[NDArray[np.uint8]] = []

    def wants_next(self) -> bool:
        return self.count % self._stride == 0

    def keep(self, image: NDArray[np.uint8]) -> None:
        if len(self._kept) == self.limit:
            self._kept = self._kept[::2]
            self._stride *= 2
            if not self.wants_next():
                return
        self._kept.append(image)

    def scene(self) -> Scene:
        return Scene(self._kept, self.count)


@dataclass(frozen=True)
class Palette:
    """What one scene is painted with."""

    embedding: NDArray[np.float32]
    statistics: Any


def palette_for(
    engine: Engine,
    samples: Sequence[NDArray[np.uint8]],
    styles: Sequence[tuple[NDArray[np.float32], float]],
    strength: float,
) -> Palette:
    """Go from what paints the scene as it is to the styles by strength, and take the statistics that go with that."""
    own = np.mean([engine.embed(sample) for sample in samples], axis=0).astype(np.float32)
    embedding = engine.blend(styles, own, strength)
    return Palette(embedding, engine.statistics(np.stack(samples), embedding))
