"""
Painting with OpenVINO: a graph for each scene, with the scene's statistics and style folded into its convolutions.

What is asked for without statistics (previews, stills) runs through torch: it is one frame, and compiling takes longer
than painting it.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from mlmodels.network import SceneStatistics
from mlmodels.openvino_graph import Painter
from mlmodels.quantization import Ranges, fold, measure_scene, quantize
from mlmodels.release import Release, refuse_too_small

from .engines import THREADS, TorchEngine, settle_threads

KEPT = 3  # compiled sizes of a scene: the frame's, and one or two brushes'


@dataclass
class Scene:
    """What was measured of a scene in one style, and the painters compiled for it so far, by height and width."""

    embedding: NDArray[np.float32]
    statistics: SceneStatistics
    ranges: Ranges
    painters: OrderedDict[tuple[int, int], Painter] = field(default_factory=OrderedDict)


class OpenVinoEngine(TorchEngine):
    """
    The folded network in OpenVINO on two cores; what has no scene is painted as by its parent.

    :param int8: multiply in eight bits; else in what the processor is best at, bfloat16 where it has it
    """

    def __init__(self, *, int8: bool = True, release: Release | None = None) -> None:
        super().__init__(release)
        self.name = "openvino" if int8 else "openvino-float"
        self._int8 = int8
        self._lock = threading.Lock()

    def statistics(self, frames: NDArray[np.uint8], embedding: NDArray[np.float32]) -> Scene:
        settle_threads()
        style = torch.from_numpy(np.array(embedding, np.float32))
        statistics, ranges = measure_scene(self._release.transform, self._release.frames(frames), style)
        return Scene(embedding.copy(), statistics, ranges)

    def paint(
        self, frames: NDArray[np.uint8], embedding: NDArray[np.float32], statistics: Any = None
    ) -> NDArray[np.uint8]:
        if not isinstance(statistics, Scene) or not np.array_equal(statistics.embedding, embedding):
            fixed = statistics.statistics if isinstance(statistics, Scene) else None
            return super().paint(frames, embedding, fixed)
        with self._lock:
            painter = self._painter(statistics, frames.shape[1], frames.shape[2])
            painted = np.empty_like(frames)
            for frame, place in zip(frames, painted, strict=True):
                painter.paint(frame, place)
            return painted

    def bare(
        self, frames: NDArray[np.uint8], embedding: NDArray[np.float32], scene: Scene | None = None
    ) -> Callable[[], object]:
        """Return the network alone with its input ready, to be timed; without a scene, torch's."""
        if scene is None:
            return self._release.bare(frames, embedding)
        painter = self._painter(scene, frames.shape[1], frames.shape[2])

        def run() -> None:
            for frame in frames:
                painter.run(frame)

        return run

    def _painter(self, scene: Scene, height: int, width: int) -> Painter:
        size = (height, width)
        if size not in scene.painters:
            settle_threads()
            refuse_too_small(height, width)
            graph = fold(self._release.transform, torch.from_numpy(scene.embedding), scene.statistics)
            if self._int8:
                graph = quantize(graph, scene.ranges)
            scene.painters[size] = Painter(graph, height, width, threads=THREADS)
            while len(scene.painters) > KEPT:
                scene.painters.popitem(last=False)
        scene.painters.move_to_end(size)
        return scene.painters[size]
