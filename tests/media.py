"""
Small real media, encoded on the spot, for every room's tests: `from tests.media import make_video`.

Pictures are RGB uint8 (H, W, 3). Keep them tiny: 160 pixels and two seconds show nearly everything.
"""

import struct
from collections.abc import Callable, Iterable, Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import av.bitstream
import numpy as np
from av.video.reformatter import ColorRange, Colorspace, Interpolation, VideoReformatter
from numpy.typing import NDArray

Image = NDArray[np.uint8]
Sound = Callable[[NDArray[np.float64]], NDArray[np.float64]]
QUARTERS = {"red": (200, 40, 40), "green": (40, 180, 40), "blue": (40, 40, 200), "grey": (150, 150, 150)}


def moving(width: int = 96, height: int = 64, count: int = 25) -> Iterator[Image]:
    """A soft picture with a bright square that moves to the right."""
    rows, columns = np.mgrid[:height, :width]
    for index in range(count):
        image = np.empty((height, width, 3), np.uint8)
        image[..., 0] = 60 + 120 * columns // width
        image[..., 1] = 40 + 140 * rows // height
        image[..., 2] = 110
        left = (2 * index) % max(1, width - width // 6)
        image[height // 3 : height // 3 + height // 4, left : left + width // 6] = (240, 230, 90)
        yield image


def flat(colour: tuple[int, int, int], width: int = 64, height: int = 48, count: int = 10) -> Iterator[Image]:
    for _ in range(count):
        yield np.full((height, width, 3), colour, np.uint8)


def quarters(width: int = 64, height: int = 48, count: int = 10) -> Iterator[Image]:
    """Red top left, green top right, blue bottom left, grey bottom right: shows every turn and mirror."""
    image = np.empty((height, width, 3), np.uint8)
    down, across = height // 2, width // 2
    image[:down, :across], image[:down, across:] = QUARTERS["red"], QUARTERS["green"]
    image[down:, :across], image[down:, across:] = QUARTERS["blue"], QUARTERS["grey"]
    for _ in range(count):
        yield image


def corners(image: Image) -> list[str]:
    """The colours nearest to the middles of the quarters: top left, top right, bottom left, bottom right."""
    height, width = image.shape[:2]
    places = [(height // 4, width // 4), (height // 4, 3 * width // 4)]
    places += [(3 * height // 4, width // 4), (3 * height // 4, 3 * width // 4)]
    return [_nearest(image[row, column]) for row, column in places]


def flash(
    at: float, rate: float, *, length: float = 0.1, seconds: float = 1.5, size: tuple[int, int] = (64, 48)
) -> Any:
    """Black frames, white for a moment: goes with `beep` of the same time."""
    for index in range(round(seconds * rate)):
        is_white = at <= index / rate + 1e-6 < at + length
        yield np.full((size[1], size[0], 3), 255 if is_white else 0, np.uint8)


def beep(at: float, length: float = 0.1) -> Sound:
    return lambda times: np.where((times >= at) & (times < at + length), 0.8 * np.sin(times * 2 * np.pi * 1000), 0.0)


def hum(times: NDArray[np.float64]) -> NDArray[np.float64]:
    return 0.3 * np.sin(times * 2 * np.pi * 440)


def make_video(
    path: Path,
    images: Iterable[Image] | None = None,
    *,
    rate: int | Fraction = 25,
    codec: str = "libx264",
    pix_fmt: str = "yuv420p",
    options: dict[str, str] | None = None,
    matrix: Colorspace = Colorspace.ITU709,
    full_range: bool = False,
    tags: dict[str, int] | None = None,
    starts: Sequence[int] | None = None,
    time_base: Fraction | None = None,
    aspect: Fraction | None = None,
    sound: Sound | None = None,
    audio_codec: str = "aac",
    layout: str = "stereo",
    sample_rate: int = 48_000,
    seconds: float | None = None,
    sound_starts_at: float = 0.0,
    metadata: dict[str, str] | None = None,
    container_format: str | None = None,
    container_options: dict[str, str] | None = None,
) -> Path:
    """Encode pictures, and a sound if there is one, with exactly the properties asked for."""
    pictures = iter(images if images is not None else moving())
    first = next(pictures)
    with av.open(str(path), "w", format=container_format, options=container_options or {}) as container:
        container.metadata.update(metadata or {})
        stream: Any = container.add_stream(codec, rate=rate)
        stream.height, stream.width, stream.pix_fmt = first.shape[0], first.shape[1], pix_fmt
        stream.codec_context.thread_count = 1
        stream.options = _options(codec, options)
        if aspect:
            stream.codec_context.sample_aspect_ratio = aspect
        if time_base:
            stream.codec_context.time_base = time_base
        _tag(stream.codec_context, matrix, full_range, tags or {})
        voice = _add_voice(container, audio_codec, layout, sample_rate) if sound else None
        count = 0
        for index, image in enumerate(_chain(first, pictures)):
            frame = _coded(image, pix_fmt, matrix, full_range)
            frame.time_base = time_base or 1 / Fraction(rate)
            frame.pts = starts[index] if starts else index
            container.mux(stream.encode(frame))
            count += 1
        container.mux(stream.encode(None))
        if voice is not None and sound is not None:
            length = seconds or float(count / Fraction(rate))
            _speak(container, voice, sound, sound_starts_at, length)
    return path


def make_sound_file(path: Path, *, seconds: float = 1.0) -> Path:
    """A file with sound and no picture."""
    with av.open(str(path), "w") as container:
        voice = _add_voice(container, "aac", "stereo", 48_000)
        _speak(container, voice, hum, 0.0, seconds)
    return path


def turned(path: Path, source: Path, *, degrees: int = 0, mirrored: bool = False) -> Path:
    """Copy an MP4 and write into its track header that players are to turn it (clockwise) and mirror it."""
    a, b, c, d = {0: (1, 0, 0, 1), 90: (0, 1, -1, 0), 180: (-1, 0, 0, -1), 270: (0, -1, 1, 0)}[degrees]
    if mirrored:
        a, c = -a, -c
    data = bytearray(source.read_bytes())
    # The first track header; its matrix lies 40 bytes into version 0 of it, in fixed point.
    place = data.index(b"tkhd") + 4 + 40
    one = 1 << 16
    data[place : place + 36] = struct.pack(">9i", a * one, b * one, 0, c * one, d * one, 0, 0, 0, 1 << 30)
    path.write_bytes(bytes(data))
    return path


def truncated(path: Path, source: Path, *, share: float = 0.6) -> Path:
    """Copy the first part of a file."""
    data = source.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    return path


def frames_of(path: Path) -> list[tuple[float, Image]]:
    """Start in seconds and picture of every frame, its colours by the tags in the file."""
    converter = VideoReformatter()
    with av.open(str(path)) as container:
        return [(float(frame.time or 0), _rgb(converter, frame)) for frame in container.decode(video=0)]


def sound_of(path: Path) -> tuple[NDArray[np.float32], int]:
    """Samples (channels, N) from time zero on, and their rate; an encoder's lead-in is skipped as players do."""
    with av.open(str(path)) as container:
        frames = list(container.decode(audio=0))
        rate, channels = frames[0].sample_rate, len(frames[0].layout.channels)
        planes = [
            plane if frame.format.is_planar else plane.reshape(-1, channels).T for frame, plane in _planes(frames)
        ]
        start = round(float(frames[0].time or 0) * rate)
        samples = np.concatenate(planes, axis=1).astype(np.float32)
        return (np.pad(samples, ((0, 0), (start, 0))) if start > 0 else samples[:, -start:]), rate


def flash_time(path: Path) -> float:
    """When the first bright frame begins."""
    return next(at for at, image in frames_of(path) if image.mean() > 128)


def beep_time(path: Path) -> float:
    """When the sound first rises."""
    samples, rate = sound_of(path)
    return float(np.argmax(np.abs(samples).max(axis=0) > 0.2)) / rate


def _options(codec: str, options: dict[str, str] | None) -> dict[str, str]:
    usual = {
        "libx264": {"preset": "ultrafast", "crf": "12"},
        "libx265": {"preset": "ultrafast", "x265-params": "log-level=none"},
    }
    return {**usual.get(codec, {}), **(options or {})}


def _tag(context: Any, matrix: Colorspace, full_range: bool, tags: dict[str, int]) -> None:
    context.colorspace = tags.get("colorspace", int(matrix.value))
    context.color_range = tags.get("color_range", int((ColorRange.JPEG if full_range else ColorRange.MPEG).value))
    for name in ("color_primaries", "color_trc"):
        if name in tags:
            setattr(context, name, tags[name])


def _coded(image: Image, pix_fmt: str, matrix: Colorspace, full_range: bool) -> av.VideoFrame:
    return VideoReformatter().reformat(
        av.VideoFrame.from_ndarray(image, format="rgb24"),
        format=pix_fmt,
        dst_colorspace=matrix,
        src_color_range=ColorRange.JPEG,
        dst_color_range=ColorRange.JPEG if full_range else ColorRange.MPEG,
        interpolation=Interpolation.BICUBIC | Interpolation.ACCURATE_RND | Interpolation.FULL_CHR_H_INT,
    )


def _rgb(converter: VideoReformatter, frame: av.VideoFrame) -> Image:
    return np.asarray(converter.reformat(frame, format="rgb24").to_ndarray(), np.uint8)


def _chain(first: Image, rest: Iterator[Image]) -> Iterator[Image]:
    yield first
    yield from rest


def _add_voice(container: Any, codec: str, layout: str, rate: int) -> Any:
    voice = container.add_stream(codec, rate=rate)
    voice.codec_context.layout = layout
    if codec == "opus" or codec == "vorbis":
        voice.codec_context.options = {"strict": "-2"}
    return voice


def _speak(container: Any, voice: Any, sound: Sound, starts_at: float, seconds: float) -> None:
    rate, layout = voice.codec_context.sample_rate, voice.codec_context.layout.name
    channels = voice.codec_context.channels
    for start in range(round(starts_at * rate), round(seconds * rate), 1024):
        times = np.arange(start, min(start + 1024, round(seconds * rate))) / rate
        samples = np.ascontiguousarray(np.repeat(sound(times)[None].astype(np.float32), channels, axis=0))
        frame = av.AudioFrame.from_ndarray(samples, format="fltp", layout=layout)
        frame.sample_rate, frame.pts, frame.time_base = rate, start, Fraction(1, rate)
        container.mux(voice.encode(frame))
    container.mux(voice.encode(None))


def _planes(frames: list[Any]) -> Iterator[tuple[Any, NDArray[Any]]]:
    for frame in frames:
        yield frame, frame.to_ndarray()


def _nearest(pixel: NDArray[np.uint8]) -> str:
    return min(QUARTERS, key=lambda name: float(np.abs(np.subtract(pixel, QUARTERS[name], dtype=float)).sum()))
