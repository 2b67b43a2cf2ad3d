"""The moving picture: decoded, woven, paced and shaped, one frame at a time, by libav's filters."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import av.error
import av.filter
from av.sidedata.sidedata import Type as SideDataType
from av.video.reformatter import ColorRange

from . import colours
from .bounds import Bounds, Refusal
from .inspect import Source, picture_stream, refuse_large

LONG_SIDE_MAX, SHORT_SIDE_MAX = 1920, 1080
RATES = [Fraction(rate) for rate in (5, 8, 10, 12, 15, 20, 24, 25, 30, 48, 50, 60)]
RATES += [Fraction(rate * 1000, 1001) for rate in (24, 30, 60)]
# More broken packets than this share, and the file is no film with a scratch any more.
BROKEN_SHARE_MAX = 0.02
# H.273 matrix coefficients → the scale filter's names.
MATRICES = {1: "bt709", 4: "fcc", 5: "bt601", 6: "bt601", 7: "smpte240m", 9: "bt2020", 10: "bt2020"}
SWS = "bicubic+accurate_rnd+full_chroma_int+full_chroma_inp"


@dataclass(frozen=True)
class Plan:
    """The mezzanine's picture, decided before the first frame is decoded."""

    rate: Fraction
    frame_count: int

    @staticmethod
    def of(source: Source, bounds: Bounds) -> "Plan":
        rate = min(RATES, key=lambda standard: abs(standard - source.rate))
        seconds = min(source.seconds, Fraction(bounds.seconds_max))
        return Plan(rate, max(1, round(seconds * rate)))


@dataclass(frozen=True)
class Turn:
    """How a coded picture is laid down to stand upright: the display matrix, reduced to its eight cases."""

    transposed: bool = False
    flipped_across: bool = False
    flipped_down: bool = False

    @staticmethod
    def of(frame: av.VideoFrame) -> "Turn":
        attached: Any = frame.side_data
        matrix = attached.get(SideDataType.DISPLAYMATRIX)
        if matrix is None:
            return Turn()
        a, b, _, c, d, *_ = struct.unpack("=9i", bytes(matrix)[:36])  # x' = a·x + c·y, y' = b·x + d·y
        if abs(a) + abs(d) >= abs(b) + abs(c):
            return Turn(False, a < 0, d < 0)
        return Turn(True, c < 0, b < 0)

    def filters(self) -> list[tuple[str, str]]:
        steps = [("transpose", "cclock_flip")] if self.transposed else []
        steps += [("hflip", "")] if self.flipped_across else []
        return steps + ([("vflip", "")] if self.flipped_down else [])


def target_size(width: int, height: int, aspect: Fraction) -> tuple[int, int]:
    """The size of an upright or lying picture with square pixels: within 1080p, even, never enlarged but for aspect."""
    wide, high = (Fraction(width) * aspect, Fraction(height)) if aspect >= 1 else (Fraction(width), height / aspect)
    share = min(Fraction(1), Fraction(LONG_SIDE_MAX) / max(wide, high), Fraction(SHORT_SIDE_MAX) / min(wide, high))
    return _even(wide * share), _even(high * share)


class Picture:
    """The frames of a source, at the planned rate and in the mezzanine's one form, in order."""

    def __init__(self, source: Source, plan: Plan, bounds: Bounds, directory: Path) -> None:
        self._source, self._plan, self._bounds = source, plan, bounds
        self._shaper = _Shaper(directory, source.aspect)
        self._broken = 0
        self._decoded_end = Fraction(0)

    def frames(self) -> Iterator[av.VideoFrame]:
        """
        :raises Refusal: when what comes out is not what the headers said
        """
        number = 0
        for frame, until in self._paced(self._woven(self._decoded())):
            if until <= number:
                continue  # between two ticks: another one is shown instead
            shaped = self._shaper.shape(frame)
            while number < until:
                shaped.pts, shaped.time_base = number, 1 / self._plan.rate
                yield shaped
                number += 1
        self._check_end(number)

    def _paced(self, frames: Iterator[av.VideoFrame]) -> Iterator[tuple[av.VideoFrame, int]]:
        """Each frame with the number of the tick at which the next one takes over."""
        waiting: av.VideoFrame | None = None
        for frame in frames:
            start = _seconds(frame) - self._source.starts_at
            self._decoded_end = max(self._decoded_end, start)
            if waiting is not None:
                yield waiting, min(_tick(start, self._plan.rate), self._plan.frame_count)
            waiting = frame
        if waiting is not None:
            yield waiting, self._plan.frame_count

    def _woven(self, frames: Iterator[av.VideoFrame]) -> Iterator[av.VideoFrame]:
        """Make whole frames of fields, from the first interlaced one on; the rest of the world pays nothing."""
        weaver: _Weaver | None = None
        for frame in frames:
            if weaver is None and not frame.interlaced_frame:
                yield frame
                continue
            weaver = weaver or _Weaver()
            yield from weaver.push(frame)
        if weaver is not None:
            yield from weaver.flush()

    def _decoded(self) -> Iterator[av.VideoFrame]:
        count_max = 2 * self._source.packet_count + 64
        with self._source.open() as container:
            stream = picture_stream(container)
            stream.thread_type = "AUTO"
            stream.codec_context.thread_count = 2
            stream.codec_context.options = {"max_pixels": str(self._bounds.pixels_max)}
            for count, frame in enumerate(self._all(container, stream)):
                # The header may have lied; so may each frame about the next.
                refuse_large(frame.width, frame.height, self._bounds)
                if count > count_max:
                    raise Refusal("damaged")
                yield frame

    def _all(self, container: Any, stream: Any) -> Iterator[av.VideoFrame]:
        last: Fraction | None = None
        for packet in container.demux(stream):
            try:
                frames = stream.codec_context.decode(packet if packet.size else None)
            except (av.error.InvalidDataError, av.error.PatchWelcomeError):
                self._note_broken()
                continue
            for frame in frames:
                frame.time_base = stream.time_base  # the decoder's last frames come without
                if frame.pts is None:
                    frame.pts = 0 if last is None else round((last + 1 / self._source.rate) / frame.time_base)
                last = _seconds(frame)
                yield frame

    def _note_broken(self) -> None:
        self._broken += 1
        if self._broken > max(1, BROKEN_SHARE_MAX * self._source.packet_count):
            raise Refusal("damaged")

    def _check_end(self, number: int) -> None:
        """What was decoded must reach as far as the packets promised, within a few frames."""
        if number == 0:
            raise Refusal("damaged")
        promised = min(self._source.seconds, Fraction(self._bounds.seconds_max))
        if self._source.packet_count > 1 and promised - self._decoded_end > max(Fraction(1, 4), 4 / self._source.rate):
            raise Refusal("truncated")


class _Graph:
    """A chain of libav filters that is built anew when frames of another kind arrive."""

    def __init__(self, frame: av.VideoFrame, steps: list[tuple[str, str]]) -> None:
        self._graph = av.filter.Graph()
        self._graph.threads = 2
        nodes = [
            self._graph.add_buffer(
                width=frame.width, height=frame.height, format=frame.format, time_base=Fraction(frame.time_base or 1)
            )
        ]
        nodes += [self._graph.add(name, arguments) for name, arguments in steps]
        self._graph.link_nodes(*nodes, self._graph.add("buffersink")).configure()

    def push(self, frame: av.VideoFrame | None) -> Iterator[av.VideoFrame]:
        self._graph.vpush(frame)
        while True:
            try:
                yield self._graph.vpull()
            except (av.error.BlockingIOError, av.error.EOFError):
                return


class _Weaver:
    """bwdif, one frame out for every frame in."""

    def __init__(self) -> None:
        self._kind: tuple[Any, ...] = ()
        self._graph: _Graph | None = None

    def push(self, frame: av.VideoFrame) -> Iterator[av.VideoFrame]:
        kind = (frame.width, frame.height, frame.format.name)
        if kind != self._kind or self._graph is None:
            yield from self.flush()
            self._kind, self._graph = kind, _Graph(frame, [("bwdif", "mode=send_frame:deint=interlaced")])
        yield from self._graph.push(frame)

    def flush(self) -> Iterator[av.VideoFrame]:
        if self._graph is not None:
            yield from self._graph.push(None)
            self._graph = None


class _Shaper:
    """Turns any frame into the mezzanine's form: upright, square pixels, even size, 8-bit limited-range bt709."""

    def __init__(self, directory: Path, aspect: Fraction) -> None:
        self._directory = directory
        self._aspect = aspect
        self._kind: tuple[Any, ...] = ()
        self._graph: _Graph | None = None
        self._size: tuple[int, int] | None = None

    def shape(self, frame: av.VideoFrame) -> av.VideoFrame:
        # The display matrix itself only when something changed: whoever reads it ties the frame into a cycle of
        # references, and frames that wait for the garbage collector fill the memory.
        kind = (
            frame.width, frame.height, frame.format.name, frame.rotation,
            int(frame.colorspace), int(frame.color_range), int(frame.color_primaries), int(frame.color_trc),
        )  # fmt: skip
        if kind != self._kind or self._graph is None:
            self._kind, self._graph = kind, _Graph(frame, self._steps(frame, Turn.of(frame)))
        shaped = next(self._graph.push(frame), None)
        if shaped is None:
            raise Refusal("damaged")
        return _clean(shaped)

    def _steps(self, frame: av.VideoFrame, turn: Turn) -> list[tuple[str, str]]:
        width, height = self._planned(frame, turn)
        crop, scale = _crop_or_scale(frame, width, height)
        source = f"in_color_matrix={_matrix(frame)}:in_range={_range(frame)}"
        output = "out_color_matrix=bt709:out_range=limited"
        table = self._table(frame)
        if table is not None:
            steps = [("scale", f"{scale}:{source}:out_range=full:flags={SWS}"), ("format", "gbrp10le"), table]
            steps += [("scale", f"in_range=full:{output}:flags={SWS}")]
        else:
            steps = [("scale", f"{scale}:{source}:{output}:flags={SWS}")]
        return [*crop, *steps, ("format", "yuv420p"), *turn.filters(), ("setsar", "1")]

    def _planned(self, frame: av.VideoFrame, turn: Turn) -> tuple[int, int]:
        """The size before turning. The first frame decides; a stream that changes its size is fitted to that."""
        if self._size is None:
            width, height = target_size(frame.width, frame.height, self._aspect)
            self._size = (height, width) if turn.transposed else (width, height)
        width, height = self._size
        return (height, width) if turn.transposed else (width, height)

    def _table(self, frame: av.VideoFrame) -> tuple[str, str] | None:
        primaries, transfer = int(frame.color_primaries), int(frame.color_trc)
        if not colours.needs_table(primaries, transfer):
            return None
        path = colours.write_table(self._directory / f"{primaries}-{transfer}.cube", primaries, transfer)
        return ("lut3d", f"file='{path}':interp=tetrahedral")


def _crop_or_scale(frame: av.VideoFrame, width: int, height: int) -> tuple[list[tuple[str, str]], str]:
    """One row too many is cut off: scaling by one pixel would soften the whole picture."""
    if 0 <= frame.width - width <= 1 and 0 <= frame.height - height <= 1:
        return [("crop", f"{width}:{height}:0:0:exact=1")], f"w={width}:h={height}"
    return [], f"w={width}:h={height}"


def _matrix(frame: av.VideoFrame) -> str:
    """The YCbCr matrix; where the file is silent, what players assume from the size."""
    named = MATRICES.get(int(frame.colorspace))
    return named or ("bt709" if max(frame.width, frame.height) >= 1280 else "bt601")


def _range(frame: av.VideoFrame) -> str:
    is_full = frame.format.name.startswith("yuvj") or int(frame.color_range) == ColorRange.JPEG.value
    return "full" if is_full else "limited"


def _clean(frame: av.VideoFrame) -> av.VideoFrame:
    """The colour tags of the mezzanine, whatever the source carried."""
    frame.colorspace, frame.color_range, frame.color_primaries, frame.color_trc = 1, 1, 1, 1
    frame.pict_type = 0  # the encoder places its own key frames
    return frame


def _even(length: Fraction) -> int:
    return max(2, int(length) // 2 * 2)


def _seconds(frame: av.VideoFrame) -> Fraction:
    return (frame.pts or 0) * Fraction(frame.time_base or 1)


def _tick(seconds: Fraction, rate: Fraction) -> int:
    """The nearest tick, halves up."""
    return int(seconds * rate + Fraction(1, 2))
