"""H.264 that plays everywhere: 4:2:0, 8 bits, BT.709, limited range, the index in front."""

from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import av.error
import numpy as np
from av.video.reformatter import ColorRange, Colorspace, Interpolation, VideoReformatter
from numpy.typing import NDArray

from .errors import BadTarget
from .geometry import Size
from .sound import Sound

FORMATS = {".mp4": "mp4", ".m4v": "mp4", ".mov": "mov", ".mkv": "matroska"}
QUALITY = 20  # x264's CRF: brush strokes are fine detail everywhere, and turn to mud above 23
PRESET = "veryfast"
BT709 = 1
SECONDS_A_GROUP = 2  # between key frames, for seeking


class VideoTarget:
    """
    A video file being written. `write` frames in order, then `finish`; `close` in any case.

    The picture starts at zero unless the sound began clearly earlier; both keep their distance.
    """

    def __init__(self, path: Path, container_format: str, size: Size, rate: Fraction, time_base: Fraction, sound: Path):
        options = {"movflags": "+faststart"} if container_format in ("mp4", "mov") else {}
        self._container = av.open(str(path), "w", format=container_format, options=options)
        self._stream = _picture_stream(self._container, size, rate, time_base)
        self._time_base = time_base
        self._sound = Sound(sound, self._container, container_format)
        self._converter = VideoReformatter()
        self._origin: int | None = None
        self._durations: dict[int, int] = {}
        self.frames = 0

    @property
    def sound_kept(self) -> str:
        """copied, aac or none"""
        return self._sound.kept

    def write(self, image: NDArray[np.uint8], *, start: int, duration: int) -> None:
        """Add a frame (RGB uint8) shown from `start`, in ticks of the source's time base."""
        if self._origin is None:
            self._origin = self._begin(start)
        frame = self._to_video(image)
        frame.pts, frame.time_base = start - self._origin, self._time_base
        frame.duration = duration
        self._durations[frame.pts] = duration
        self._mux(self._stream.encode(frame))
        self.frames += 1

    def finish(self) -> None:
        self._mux(self._stream.encode(None))
        for packet in self._sound.until(None):
            self._container.mux(packet)

    def close(self) -> None:
        """Writes the index; raises what the disk says."""
        self._sound.close()
        self._container.close()

    def _begin(self, first_start: int) -> int:
        picture = Fraction(first_start) * self._time_base
        sound = self._sound.starts_at_seconds
        # A few hundredths are encoder priming, which the container's edit list hides; more is a real head start.
        origin = sound if sound is not None and sound < picture - Fraction(1, 10) else picture
        self._sound.begin(origin)
        return round(origin / self._time_base)

    def _mux(self, packets: list[Any]) -> None:
        for packet in packets:
            packet.duration = self._durations.pop(packet.pts, packet.duration)
            for before in self._sound.until(Fraction(packet.dts) * Fraction(packet.time_base)):
                self._container.mux(before)
            self._container.mux(packet)

    def _to_video(self, image: NDArray[np.uint8]) -> av.VideoFrame:
        return self._converter.reformat(
            av.VideoFrame.from_ndarray(image, format="rgb24"),
            format="yuv420p",
            dst_colorspace=Colorspace.ITU709,
            src_color_range=ColorRange.JPEG,
            dst_color_range=ColorRange.MPEG,
            interpolation=Interpolation.BICUBIC,
        )


def container_format_for(destination: Path) -> str:
    """:raises BadTarget: naming what could be written instead"""
    known = FORMATS.get(destination.suffix.lower())
    if known is None:
        raise BadTarget(f"{destination.name}: a painted video is written as {', '.join(FORMATS)}.")
    return known


def _picture_stream(container: Any, size: Size, rate: Fraction, time_base: Fraction) -> Any:
    stream = container.add_stream("libx264", rate=rate)
    stream.width, stream.height = size.width, size.height
    stream.pix_fmt = "yuv420p"
    context = stream.codec_context
    context.time_base = time_base
    context.sample_aspect_ratio = Fraction(1)  # said as ingest says it: the editor can then copy what it leaves alone
    context.gop_size = max(1, round(rate * SECONDS_A_GROUP))
    context.thread_count = 2
    context.options = {"preset": PRESET, "crf": str(QUALITY)}
    context.color_primaries = context.color_trc = context.colorspace = BT709
    context.color_range = ColorRange.MPEG.value
    return stream
