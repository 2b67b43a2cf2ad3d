"""
A video in, a painted one out, as a stream: decoding, painting and encoding overlap, memory does not grow with length.

The file is read twice at once: one reader runs ahead and finds the scenes (see scene.py), the other follows and feeds
the painter. Painted frames keep the source's times, so a variable frame rate stays one and the sound stays in place.
"""

import errno
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .brush import carry_detail, reduced
from .color import keep_colors
from .decode import RgbReader, TimedFrame, VideoSource
from .encode import VideoTarget, container_format_for
from .engines import DEFAULT, Engine, Model, open_engine
from .errors import BadRecipe, BadSource, BadTarget, TargetFailed
from .geometry import painted_size
from .pipeline import ahead
from .recipe import PaintRecipe, StyleShare
from .scene import Palette, Scene, palette_for, scenes_of
from .target import finished_only, refuse_unwritable

QUEUED_BYTES = 48 * 2**20  # frames waiting between two stages
BATCH_PIXELS = 500_000  # small frames share a pass of the network, large ones fill it alone


@dataclass(frozen=True)
class PaintProgress:
    """Where a painting stands. `frame` is the newest painted one (RGB uint8)."""

    stage: str  # checking, painting, finishing
    frames_done: int
    frames_total: int
    frames_per_second: float | None = None
    eta_seconds: float | None = None
    frame: NDArray[np.uint8] | None = None


@dataclass(frozen=True)
class PaintReport:
    """What was painted. `sound` is copied, aac or none; `seconds` is what it took."""

    frames: int
    seconds: float
    width: int
    height: int
    model: Model
    engine: str
    sound: str = "none"
    scenes: int = 1

    @property
    def frames_per_second(self) -> float:
        return self.frames / self.seconds if self.seconds else 0.0


OnProgress = Callable[[PaintProgress], None]


def stylize_video(
    source: Path,
    destination: Path,
    recipe: PaintRecipe,
    on_progress: OnProgress | None = None,
    *,
    engine: str | Engine = DEFAULT,
) -> PaintReport:
    """
    Paint a video. `destination` appears when it is finished; whatever is raised, by `on_progress` too, nothing is left.

    :raises BadSource: not there, or not a video
    :raises BadTarget: cannot be written, or no container of that name
    :raises TargetFailed: the disk is full
    """
    container_format = container_format_for(destination)
    refuse_same_file(source, destination)
    refuse_unwritable(destination)
    video = VideoSource(source)
    painter = open_engine(engine) if isinstance(engine, str) else engine
    painting = _Painting(video, painter, recipe, on_progress or (lambda _: None))
    try:
        with finished_only(destination) as draft:
            return painting.run(draft, container_format)
    except OSError as fault:
        if fault.errno in (errno.ENOSPC, errno.EFBIG, errno.EDQUOT):
            raise TargetFailed(f"There is no space left for {destination}.") from fault
        raise


def refuse_same_file(source: Path, destination: Path) -> None:
    if source.exists() and destination.exists() and source.samefile(destination):
        raise BadTarget(f"{destination} is the file that is painted from; name another.")


def embeddings_of(engine: Engine, styles: tuple[StyleShare, ...]) -> list[tuple[NDArray[np.float32], float]]:
    """Embedding and weight of every style; pictures pass the predictor once."""
    return [(_embedding_of(engine, share), share.weight) for share in styles]


def _embedding_of(engine: Engine, share: StyleShare) -> NDArray[np.float32]:
    if share.embedding is not None:
        return share.embedding
    if isinstance(share.image, Path):
        from .still import read_picture

        try:
            return engine.embed(read_picture(share.image).rgb)
        except BadSource as fault:
            raise BadRecipe(f"The style {share.name} cannot be used: {fault}") from None
    assert share.image is not None
    return engine.embed(share.image)


class _Painting:
    """One run over one video."""

    def __init__(self, video: VideoSource, engine: Engine, recipe: PaintRecipe, on_progress: OnProgress) -> None:
        self._video = video
        self._engine = engine
        self._recipe = recipe
        self._size = painted_size(video.shown, recipe.height)
        self._styles = embeddings_of(engine, recipe.styles)
        self._progress = _Progress(on_progress, video.frames_guessed)
        self._scenes = 0

    def run(self, draft: Path, container_format: str) -> PaintReport:
        started = time.monotonic()
        video = self._video
        target = VideoTarget(draft, container_format, self._size, video.frame_rate, video.time_base, video.path)
        try:
            with closing(ahead(self._painted(), depth=self._depth, while_waiting=self._progress.waiting)) as painted:
                for frame, image in painted:
                    target.write(image, start=frame.start, duration=frame.duration)
                    self._progress.painted(image)
            if not target.frames:
                raise BadSource(f"{video.path} holds no frame that can be decoded.")
            self._progress.finishing()
            target.finish()
        finally:
            target.close()
        return PaintReport(
            frames=target.frames,
            seconds=round(time.monotonic() - started, 3),
            width=self._size.width,
            height=self._size.height,
            model=self._engine.model,
            engine=self._engine.name,
            sound=target.sound_kept,
            scenes=self._scenes,
        )

    @property
    def _depth(self) -> int:
        return max(2, min(32, QUEUED_BYTES // (3 * self._size.pixels)))

    def _painted(self) -> Iterator[tuple[TimedFrame, NDArray[np.uint8]]]:
        """Runs in the painter's thread."""
        with (
            closing(ahead(self._found_scenes(), depth=1)) as scenes,
            closing(ahead(self._read(), depth=self._depth)) as frames,
        ):
            for scene in scenes:
                self._scenes += 1
                palette = palette_for(self._engine, scene.samples, self._styles, self._recipe.strength)
                yield from self._painted_scene(islice(frames, scene.count), palette)

    def _painted_scene(
        self, frames: Iterator[tuple[TimedFrame, NDArray[np.uint8]]], palette: Palette
    ) -> Iterator[tuple[TimedFrame, NDArray[np.uint8]]]:
        at_once = max(1, min(8, BATCH_PIXELS // self._size.pixels))
        while batch := list(islice(frames, at_once)):
            images = paint_batch(self._engine, [image for _, image in batch], palette, self._recipe)
            yield from zip((frame for frame, _ in batch), images, strict=True)

    def _read(self) -> Iterator[tuple[TimedFrame, NDArray[np.uint8]]]:
        reader = RgbReader(self._size, self._video.turn)
        for frame in self._video.frames():
            image = reader.read(frame.take_picture())
            yield frame, image

    def _found_scenes(self) -> Iterator[Scene]:
        yield from scenes_of(self._counted(), self._size, self._video.turn, self._recipe.brush)
        self._progress.all_seen()

    def _counted(self) -> Iterator[TimedFrame]:
        for frame in self._video.frames():
            self._progress.seen += 1
            yield frame


def paint_batch(
    engine: Engine, images: list[NDArray[np.uint8]], palette: Palette, recipe: PaintRecipe
) -> list[NDArray[np.uint8]]:
    """Paint frames of one scene and one size."""
    small = [reduced(image, recipe.brush) for image in images]
    painted = list(engine.paint(np.stack(small), palette.embedding, palette.statistics))
    if small[0].shape != images[0].shape:
        painted = [carry_detail(*three) for three in zip(painted, small, images, strict=True)]
    if recipe.keep_colors:
        painted = [keep_colors(*pair) for pair in zip(painted, images, strict=True)]
    return painted


class _Progress:
    """Counts, and says when it will be over. `seen` is counted by the reader's thread, the rest by the caller's."""

    WINDOW_SECONDS = 8.0

    def __init__(self, tell: OnProgress, guessed: int) -> None:
        self._tell = tell
        self._total = max(1, guessed)
        self._done = 0
        self._recent: deque[tuple[float, int]] = deque()
        self.seen = 0
        self._counted = False

    def all_seen(self) -> None:
        self._counted = True

    def painted(self, image: NDArray[np.uint8]) -> None:
        self._done += 1
        now = time.monotonic()
        self._recent.append((now, self._done))
        while now - self._recent[0][0] > self.WINDOW_SECONDS:
            self._recent.popleft()
        self._tell(PaintProgress("painting", self._done, self.total, self._rate(), self._left(), image))

    def waiting(self) -> None:
        if not self._done:
            self._tell(PaintProgress("checking", self.seen, self.total))
        else:
            self._tell(PaintProgress("painting", self._done, self.total, self._rate(), self._left()))

    def finishing(self) -> None:
        self._total = self._done
        self._tell(PaintProgress("finishing", self._done, self._done, self._rate(), 0.0))

    @property
    def total(self) -> int:
        """The container's word until every frame was seen; then the truth."""
        return self.seen if self._counted else max(self._total, self.seen, self._done)

    def _left(self) -> float | None:
        """Seconds to go at the present rate."""
        rate = self._rate()
        return (self.total - self._done) / rate if rate else None

    def _rate(self) -> float | None:
        (first_at, first), (last_at, last) = self._recent[0], self._recent[-1]
        return (last - first) / (last_at - first_at) if last_at > first_at else None
