"""Rendering an edit list: cut into pieces, make those that are not kept, join them, add the sound."""

import os
import queue
import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from fractions import Fraction
from heapq import merge
from pathlib import Path
from typing import Any, cast

import av
import av.error
import numpy as np
from av.video.reformatter import ColorRange, Colorspace
from numpy.typing import NDArray

from clips.media import sha256_of
from editor.editlist.schema import Canvas, EditList
from editor.editlist.timeline import Timeline, lay_out
from mlmodels.files import replacing

from . import encode, sound
from .captions import captions_of
from .errors import RenderError, Stopped
from .overlays import Overlay, overlay_of
from .picture import blended, buffer_of, dimmed, painted
from .pieces import VERSION, Piece, cut, key_of, runs
from .sources import VideoSource, frames_at, look_at, packets_of

__all__ = ["RenderError", "RenderProgress", "RenderReport", "render_edit"]

WORKERS = 2
SHOW_EVERY = 15  # frames between two pictures of the progress


@dataclass(frozen=True)
class RenderProgress:
    """Where a render is. `frame` is a picture of it now and then, RGB (H, W, 3)."""

    stage: str
    frames_done: int
    frames_total: int
    frame: NDArray[np.uint8] | None = None


@dataclass(frozen=True)
class RenderReport:
    """What was made, and how much of it had to be."""

    width: int
    height: int
    frame_rate: int
    frames: int
    seconds: float
    encoded: int
    copied: int
    kept: int
    has_sound: bool
    captions: str


def render_edit(
    edit: EditList,
    target: Path,
    files: Mapping[str, Path],
    cache: Path | None = None,
    on_progress: Callable[[RenderProgress], None] | None = None,
) -> RenderReport:
    """
    Render an edit list to an MP4; `target` appears when it is whole.

    :param files: of every clip, track and recording that the edit list names
    :param cache: a folder in which pieces are kept for the next render; they are made in a passing one without
    :param on_progress: called from this thread; what it raises ends the render
    :raises BadEditList: transitions that do not fit
    :raises RenderError: nothing to render, or a file that is missing, damaged or too short
    """
    timeline = lay_out(edit)
    if not timeline.frames:
        raise RenderError("There is nothing on the timeline yet.", "empty_edit")
    tell = on_progress or (lambda progress: None)
    tell(RenderProgress("checking", 0, timeline.frames))
    _check_files(edit, files)
    sources = {name: look_at(files[name]) for name in {segment.clip for segment in edit.segments}}
    _check_lengths(edit, sources)
    with ExitStack() as stack:
        passing = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=target.parent, prefix=".render-")))
        job = _Job(edit, timeline, sources, cache or passing, tell)
        sounding = passing / "sound.m4a"
        pieces = job.make(lambda: sound.write(sound.mix(edit, timeline, sources, files), sounding))
        tell(RenderProgress("finishing", timeline.frames, timeline.frames))
        _join(pieces, job, sounding, passing / "joined.mp4")
        has_sound = sounding.exists()
        (passing / "joined.mp4").replace(target)
    width, height = edit.canvas.size
    return RenderReport(
        width, height, timeline.frame_rate, timeline.frames, timeline.seconds,
        encoded=job.encoded, kept=job.kept, copied=_copied(pieces),
        has_sound=has_sound, captions=captions_of(edit, timeline),
    )  # fmt: skip


def _check_files(edit: EditList, files: Mapping[str, Path]) -> None:
    named = [segment.clip for segment in edit.segments] + [voice.sound for voice in edit.voices]
    for name in [*named, *([edit.music.track] if edit.music else [])]:
        if name not in files or not files[name].is_file():
            raise RenderError(f"There is no file for {name}.", "source_missing")


def _check_lengths(edit: EditList, sources: Mapping[str, VideoSource]) -> None:
    for place, segment in enumerate(edit.segments):
        source = sources[segment.clip]
        if segment.start >= source.seconds or segment.end > source.seconds + float(1 / source.rate):
            raise RenderError(f"segments.{place}: the clip is only {source.seconds:.2f} s long.", "source_too_short")


class _Job:
    """One render's pieces: which there are, where each is kept, and the making of those that are missing."""

    def __init__(
        self,
        edit: EditList,
        timeline: Timeline,
        sources: Mapping[str, VideoSource],
        folder: Path,
        tell: Callable[[RenderProgress], None],
    ) -> None:
        self.edit, self.timeline, self.sources, self.folder, self.tell = edit, timeline, sources, folder, tell
        self.encoded = self.kept = 0
        self._stop = threading.Event()
        self._shown: queue.Queue[NDArray[np.uint8] | None] = queue.Queue()
        folder.mkdir(parents=True, exist_ok=True)
        self._digests = {name: sha256_of(source.path) for name, source in sources.items()}

    def path_of(self, piece: Piece) -> Path:
        return self.folder / f"{key_of(piece, self.edit.canvas, self.header, self._digests)}.mp4"

    def make(self, beside: Callable[[], None]) -> list[Piece]:
        """Make what is missing, two at a time, and run `beside` at the same time."""
        pieces = self._cut()
        made = {self.path_of(piece): piece for piece in pieces if not piece.copied}
        missing = {path: piece for path, piece in made.items() if not _is_kept(path)}
        self.encoded = sum(piece.frames for piece in missing.values())
        self.kept = self.timeline.frames - _copied(pieces) - self.encoded
        with ThreadPoolExecutor(WORKERS + 1) as pool:
            try:
                futures = [pool.submit(beside)]
                futures += [pool.submit(self._make, piece, path) for path, piece in missing.items()]
                self._follow(futures)
            finally:
                self._stop.set()
                pool.shutdown(wait=False, cancel_futures=True)
        return pieces

    def _cut(self) -> list[Piece]:
        """Cut in the way that lets most be copied: ingest and the painter count time in different ticks."""
        frame = Fraction(1, self.timeline.frame_rate)
        ticks = {source.time_base for source in self.sources.values() if (frame / source.time_base).denominator == 1}
        whole = runs(self.edit, self.timeline, self.sources)
        best: list[Piece] = []
        for tick in [frame, *sorted(ticks - {frame})]:
            sample = self._sample(tick)
            header = encode.header_of(sample)
            pieces = cut(whole, self.edit.canvas, header)
            if not best or _copied(pieces) > _copied(best):
                best, self.tick, self.sample, self.header = pieces, tick, sample, header
        return best

    def _sample(self, tick: Fraction) -> Path:
        """Two grey frames of this canvas: they say which header every piece has."""
        canvas = self.edit.canvas
        width, height = canvas.size
        path = self.folder / f"header-{VERSION}-{width}x{height}-{canvas.frame_rate}-{tick.denominator}.mp4"
        if not _is_kept(path):
            grey = av.VideoFrame.from_ndarray(np.full((height * 3 // 2, width), 128, np.uint8), format="yuv420p")
            with replacing(path) as unfinished:
                encode.encode([grey, grey], canvas, tick, unfinished)
        return path

    def _follow(self, futures: list[Future[None]]) -> None:
        """Tell of progress from this thread until all is made; the first fault ends it."""
        done = self.timeline.frames - self.encoded
        while not all(future.done() for future in futures) or not self._shown.empty():
            try:
                frame = self._shown.get(timeout=0.1)
            except queue.Empty:
                _raise_first(futures)
                continue
            done += 1
            if frame is not None or done % 5 == 0:
                self.tell(RenderProgress("rendering", done, self.timeline.frames, frame))
        _raise_first(futures)

    def _make(self, piece: Piece, path: Path) -> None:
        with replacing(path) as unfinished:
            frames = self._watched(self._frames(piece))
            count = encode.encode(frames, self.edit.canvas, self.tick, unfinished)
            assert count == piece.frames

    def _watched(self, frames: Iterable[av.VideoFrame]) -> Iterator[av.VideoFrame]:
        for count, frame in enumerate(frames):
            if self._stop.is_set():
                raise Stopped
            is_shown = count % SHOW_EVERY == SHOW_EVERY - 1
            self._shown.put(frame.to_ndarray(format="rgb24").astype(np.uint8, copy=False) if is_shown else None)
            yield frame

    def _frames(self, piece: Piece) -> Iterator[av.VideoFrame]:
        over = overlay_of(piece.over, self.edit.canvas) if piece.over else None
        frames = _under(piece, self.edit.canvas)
        return overlaid(frames, over, self.edit.canvas) if over else frames


def _copied(pieces: list[Piece]) -> int:
    return sum(piece.frames for piece in pieces if piece.copied)


def _under(piece: Piece, canvas: Canvas) -> Iterator[av.VideoFrame]:
    """The picture before words and stickers."""
    layers = [painted(layer.segment, canvas, frames_at(layer.source, layer.frames)) for layer in piece.layers]
    if len(layers) == 2:
        for first, second, weight in zip(*layers, piece.weights, strict=True):
            yield blended(first, second, weight)
    elif piece.weights:
        yield from (dimmed(frame, light) for frame, light in zip(layers[0], piece.weights, strict=True))
    else:
        yield from layers[0]


def overlaid(frames: Iterable[av.VideoFrame], over: Overlay, canvas: Canvas) -> Iterator[av.VideoFrame]:
    """Lay one picture over every frame."""
    graph = av.filter.Graph()
    graph.threads = 1
    width, height = canvas.size
    time_base = Fraction(1, canvas.frame_rate)
    base = graph.add("buffer", buffer_of(width, height, "yuv420p", time_base))
    above = graph.add("buffer", buffer_of(over.frame.width, over.frame.height, "rgba", time_base))
    coded = graph.add("scale", "out_color_matrix=bt709:out_range=tv")
    form = graph.add("format", "yuva420p")
    overlay, sink = graph.add("overlay", f"x={over.left}:y={over.top}:eof_action=repeat"), graph.add("buffersink")
    base.link_to(overlay, 0, 0)
    above.link_to(coded)
    coded.link_to(form)
    form.link_to(overlay, 0, 1)
    overlay.link_to(sink)
    graph.configure()
    over.frame.pts = 0
    above.push(over.frame)
    above.push(None)
    for count, frame in enumerate(frames):
        frame.pts, frame.time_base = count, time_base
        frame.colorspace, frame.color_range = Colorspace.ITU709, ColorRange.MPEG
        base.push(frame)
        yield cast(av.VideoFrame, sink.pull())


def _join(pieces: list[Piece], job: _Job, sounding: Path, target: Path) -> None:
    with ExitStack() as stack:
        out = stack.enter_context(av.open(str(target), "w", format="mp4", options={"movflags": "+faststart"}))
        template = stack.enter_context(av.open(str(job.sample))).streams.video[0]
        # What B-frames cost: a frame is decoded so many frames before it is shown at least.
        delay = int(template.codec_context.reorder_depth)
        seen = encode.joined((_packets(piece, job) for piece in pieces), job.timeline.frame_rate, delay)
        tracks = [_addressed(seen, out.add_stream_from_template(template))]
        if sounding.exists():
            heard = stack.enter_context(av.open(str(sounding)))
            packets = (packet for packet in heard.demux(heard.streams.audio[0]) if packet.size)
            tracks.append(_addressed(packets, out.add_stream_from_template(heard.streams.audio[0])))
        for packet in merge(*tracks, key=_time):
            out.mux(packet)


def _addressed(packets: Iterable[Any], stream: Any) -> Iterator[Any]:
    for packet in packets:
        packet.stream = stream
        yield packet


def _packets(piece: Piece, job: _Job) -> Iterator[Any]:
    if piece.copied:
        layer = piece.layers[0]
        yield from packets_of(layer.source, layer.frames[0], layer.frames[-1] + 1)
        return
    with encode.packets_in(job.path_of(piece)) as packets:
        yield from packets


def _time(packet: Any) -> float:
    return float(packet.dts * packet.time_base)


def _raise_first(futures: list[Future[None]]) -> None:
    for future in futures:
        if future.done() and (fault := future.exception()) is not None:
            raise fault from None


def _is_kept(path: Path) -> bool:
    try:
        os.utime(path)  # the sweep takes what was not used for longest
    except FileNotFoundError:
        return False
    return True
