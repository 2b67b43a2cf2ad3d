"""
What can be measured: anything that looks at a style once and paints frames with what it saw.

Pictures are RGB bytes, (H, W, 3) or (B, H, W, 3); a vector is whatever the painter's `embed` returns, float32, and may
be mixed linearly.
"""

from collections.abc import Callable, Sequence
from typing import Any, Protocol, cast, runtime_checkable

import numpy as np

from mlmodels.release import Pixels, Vector

SAMPLED = 8  # frames that a scene's statistics are measured over, as the stylizer does


class Painter(Protocol):
    """`mlmodels.release.Release` is one, and so are the peers."""

    name: str
    sha256: str

    def embed(self, image_HWC: Pixels, /) -> Vector: ...

    def paint(self, frames_BHWC: Pixels, embedding: Vector, /) -> Pixels:
        """Return frames of the same shape."""
        ...


@runtime_checkable
class ScenePainter(Protocol):
    """One that can normalize a whole scene by the same statistics, as the product does with video."""

    def statistics(self, frames_BHWC: Pixels, embedding: Vector, /) -> Any: ...

    def paint(self, frames_BHWC: Pixels, embedding: Vector, statistics: Any = None, /) -> Pixels: ...


@runtime_checkable
class BarePainter(Protocol):
    """One whose transform network can be timed alone: everything ready, only the network left to run."""

    def bare(self, frames_BHWC: Pixels, embedding: Vector, statistics: Any = None, /) -> Callable[[], object]: ...


@runtime_checkable
class BlendingPainter(Protocol):
    """One that knows a better way to strength 0 than a picture's own vector."""

    def blend(self, styles: list[tuple[Vector, float]], own: Vector, strength: float, /) -> Vector: ...


class EnginePainter:
    """
    An engine of the stylizer (`stylization.engine.engines.Engine`) as a painter.

    The engine is handed in, so that this module need not know where it comes from.
    """

    def __init__(self, engine: Any) -> None:
        self.engine = engine
        self.name = f"{engine.model.name} ({engine.name})"
        self.sha256: str = engine.model.sha256
        self.embed = engine.embed
        self.statistics = engine.statistics
        self.paint = engine.paint
        self.blend = engine.blend
        if isinstance(engine, BarePainter):
            self.bare = engine.bare


def scene_statistics(painter: Painter, frames_BHWC: Pixels, vector: Vector) -> Any:
    """Measure the statistics of a scene; None where the painter knows no such thing."""
    if not isinstance(painter, ScenePainter):
        return None
    every = np.linspace(0, len(frames_BHWC) - 1, min(SAMPLED, len(frames_BHWC))).round().astype(int)
    return painter.statistics(frames_BHWC[every], vector)


def paint_clip(painter: Painter, frames: Sequence[Pixels], vector: Vector, *, scene: bool) -> list[Pixels]:
    """
    Paint frame by frame, so that no frame's neighbours change it.

    :param scene: with the statistics of the whole clip, where the painter can; otherwise each frame by its own
    """
    fixed = scene_statistics(painter, np.stack(frames), vector) if scene else None
    return [painter.paint(frame[None], vector, *_given(fixed))[0] for frame in frames]


def _given(statistics: Any) -> tuple[Any, ...]:
    return () if statistics is None else (statistics,)


def bare_call(painter: Painter, frames: Pixels, vector: Vector, statistics: Any = None) -> Callable[[], object] | None:
    """Return the transform network alone with its input ready; None where the painter does not offer it."""
    if not isinstance(painter, BarePainter):
        return None
    return painter.bare(frames, vector, *_given(statistics))


def whole_call(painter: Painter, frames: Pixels, vector: Vector, statistics: Any = None) -> Callable[[], object]:
    """Return the painting of frames from bytes to bytes, as a caller pays for it."""
    return lambda: cast(Any, painter).paint(frames, vector, *_given(statistics))


def at_strength(painter: Painter, own: Vector, style: Vector, strength: float) -> Vector:
    """Go from the picture's own vector (0) to the style's (1) and past it; every painter's vectors mix linearly."""
    if isinstance(painter, BlendingPainter):
        return painter.blend([(style, 1.0)], own, strength)
    return (own + strength * (style - own)).astype(np.float32)
