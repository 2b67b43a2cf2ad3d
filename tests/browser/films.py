"""Real clips, encoded on the spot: a scene with motion, texture and a tone."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np

RATE = 25
SAMPLES = 48_000


def short_film(path: Path, *, frames: int = 40, width: int = 320, height: int = 180) -> Path:
    """Hills, a sky and a moving sun, with a tone."""
    return _encode(path, [_scene(index, width, height) for index in range(frames)], "2M")


def film_of(path: Path, frames: list[np.ndarray]) -> Path:
    """These pictures (rows, columns, RGB), with a tone."""
    return _encode(path, frames, "4M")


def noisy_film(path: Path, *, megabytes: int) -> Path:
    """Noise does not compress, so a short clip becomes a large file; one tiny picture would not make two chunks."""
    rng = np.random.default_rng(0)
    noise = [rng.integers(0, 255, (360, 640, 3), dtype=np.uint8) for _ in range(50)]
    return _encode(path, noise, f"{megabytes * 4}M")


def _scene(index: int, width: int, height: int) -> np.ndarray:
    rows, columns = np.mgrid[:height, :width]
    frame = np.zeros((height, width, 3), np.uint8)
    frame[..., 2] = 120 + 80 * rows / height
    frame[..., 1] = 90 + 60 * rows / height
    hill = rows > height * (0.6 + 0.15 * np.sin((columns + 3 * index) / 40))
    frame[hill] = (60, 110, 50)
    sun = (rows - height * 0.3) ** 2 + (columns - width * 0.2 - 3 * index) ** 2 < (height * 0.12) ** 2
    frame[sun] = (250, 220, 120)
    return frame


def _encode(path: Path, frames: list[np.ndarray], bits: str) -> Path:
    with av.open(str(path), "w") as container:
        video = container.add_stream("libx264", rate=RATE, options={"preset": "ultrafast", "b": bits, "minrate": bits})
        video.height, video.width, video.pix_fmt = frames[0].shape[0], frames[0].shape[1], "yuv420p"
        sound = container.add_stream("aac", rate=SAMPLES)
        for pixels in frames:
            container.mux(video.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        container.mux(video.encode())
        _add_tone(container, sound, len(frames) / RATE)
    return path


def _add_tone(container: "av.container.OutputContainer", sound: "av.AudioStream", seconds: float) -> None:
    times = np.arange(int(seconds * SAMPLES)) / SAMPLES
    tone = (0.2 * np.sin(2 * np.pi * 440 * times)).astype(np.float32)
    for start in range(0, len(tone), 1024):
        frame = av.AudioFrame.from_ndarray(tone[None, start : start + 1024], format="fltp", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = SAMPLES, start, Fraction(1, SAMPLES)
        container.mux(sound.encode(frame))
    container.mux(sound.encode())
