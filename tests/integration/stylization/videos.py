"""Small real videos, made by the tests that need them. Images are RGB uint8 (H, W, 3)."""

from collections.abc import Callable, Iterable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
from av.video.reformatter import ColorRange, Colorspace, VideoReformatter
from numpy.typing import NDArray

Image = NDArray[np.uint8]


def moving(width: int, height: int, count: int, *, seed: int = 1) -> Iterator[Image]:
    """A soft random picture that slides to the right."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(30, 225, (9, 16 + 8, 3), dtype=np.uint8)
    wide = cv2.resize(coarse, (width + 2 * count, height), interpolation=cv2.INTER_CUBIC)
    for index in range(count):
        yield np.ascontiguousarray(wide[:, 2 * index : 2 * index + width])


def flat(width: int, height: int, colours: Iterable[tuple[int, int, int]]) -> Iterator[Image]:
    for colour in colours:
        yield np.full((height, width, 3), colour, np.uint8)


def quarters(width: int, height: int) -> Image:
    """Red top left, green top right, blue bottom left, white bottom right: shows any turn or mirror."""
    image = np.full((height, width, 3), 255, np.uint8)
    image[: height // 2, : width // 2] = (220, 30, 30)
    image[: height // 2, width // 2 :] = (30, 200, 30)
    image[height // 2 :, : width // 2] = (30, 30, 220)
    return image


def write_video(
    path: Path,
    images: Iterable[Image],
    *,
    rate: int | Fraction = 25,
    codec: str = "libx264",
    pix_fmt: str = "yuv420p",
    matrix: Colorspace = Colorspace.ITU601,
    full_range: bool = False,
    tagged: bool = True,
    starts: list[int] | None = None,
    time_base: Fraction | None = None,
    aspect: Fraction | None = None,
    options: dict[str, str] | None = None,
    tone: Callable[[NDArray[np.float64]], NDArray[np.float64]] | None = None,
    layout: str = "stereo",
    sample_rate: int = 48000,
    audio_codec: str = "aac",
    seconds: float | None = None,
    prepare: Callable[[Any], None] | None = None,
) -> Path:
    """Encode images (and, given `tone(times) → −1..1`, a sound) with exactly the properties asked for."""
    images = iter(images)
    first = next(images)
    height, width = first.shape[:2]
    converter = VideoReformatter()
    with av.open(str(path), "w") as container:
        stream: Any = container.add_stream(codec, rate=rate)
        stream.width, stream.height, stream.pix_fmt = width, height, pix_fmt
        stream.codec_context.thread_count = 1
        stream.options = {"preset": "ultrafast", "crf": "12"} if codec == "libx264" else {}
        stream.options = {**stream.options, **(options or {})}
        if time_base:
            stream.codec_context.time_base = time_base
        if aspect:
            stream.codec_context.sample_aspect_ratio = aspect
        if tagged:
            stream.codec_context.colorspace = matrix.value
            stream.codec_context.color_range = (ColorRange.JPEG if full_range else ColorRange.MPEG).value
        if prepare:
            prepare(stream)
        sound = _add_sound(container, audio_codec, sample_rate, layout) if tone else None
        count = 0
        for index, image in enumerate([first, *images]):
            frame = converter.reformat(
                av.VideoFrame.from_ndarray(image, format="rgb24"),
                format=pix_fmt,
                dst_colorspace=matrix,
                src_color_range=ColorRange.JPEG,
                dst_color_range=ColorRange.JPEG if full_range else ColorRange.MPEG,
            )
            frame.time_base = time_base or Fraction(1, 1) / rate
            frame.pts = starts[index] if starts else index
            if not tagged:
                frame.color_range = 0
            container.mux(stream.encode(frame))
            count += 1
        container.mux(stream.encode(None))
        if sound and tone:
            _write_sound(container, sound, tone, layout, seconds or float(count / Fraction(rate)))
    return path


def _add_sound(container: Any, codec: str, rate: int, layout: str) -> Any:
    stream = container.add_stream(codec, rate=rate)
    stream.codec_context.layout = layout
    return stream


def _write_sound(
    container: Any, stream: Any, tone: Callable[[NDArray[np.float64]], NDArray[np.float64]], layout: str, seconds: float
) -> None:
    rate = stream.codec_context.sample_rate
    channels = stream.codec_context.channels
    total = int(seconds * rate)
    for start in range(0, total, 1024):
        times = np.arange(start, min(start + 1024, total)) / rate
        samples = np.repeat(tone(times)[None].astype(np.float32), channels, axis=0)
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples), format="fltp", layout=layout)
        frame.sample_rate, frame.pts, frame.time_base = rate, start, Fraction(1, rate)
        container.mux(stream.encode(frame))
    container.mux(stream.encode(None))


def beep(at: float, length: float = 0.1) -> Callable[[NDArray[np.float64]], NDArray[np.float64]]:
    return lambda times: np.where((times >= at) & (times < at + length), 0.8 * np.sin(times * 2 * np.pi * 1000), 0.0)


def hum(times: NDArray[np.float64]) -> NDArray[np.float64]:
    return 0.3 * np.sin(times * 2 * np.pi * 440)


def frames_of(path: Path) -> list[tuple[float, Image]]:
    """Start in seconds and picture of every frame, decoded by the tags the file carries."""
    converter = VideoReformatter()
    with av.open(str(path)) as container:
        return [
            (float(frame.time or 0), np.asarray(converter.reformat(frame, format="rgb24").to_ndarray(), np.uint8))
            for frame in container.decode(video=0)
        ]


def sound_of(path: Path) -> tuple[NDArray[np.float32], int, float]:
    """Samples (channels, N), their rate, and when the first one sounds, in seconds."""
    with av.open(str(path)) as container:
        decoded = list(container.decode(audio=0))
        planes = [frame.to_ndarray() for frame in decoded]
        rate, channels = decoded[0].sample_rate, len(decoded[0].layout.channels)
        planes = [plane.reshape(-1, channels).T if plane.shape[0] != channels else plane for plane in planes]
        return np.concatenate(planes, axis=1).astype(np.float32), rate, float(decoded[0].time or 0)
