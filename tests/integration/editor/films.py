"""Clips whose frames say which they are, and readers that ask them."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from clips.ingest.bounds import Bounds
from clips.ingest.worker import make_mezzanine
from editor.editlist.schema import EditList, read_edit_list
from tests.media import Image, Sound, frames_of, make_video

BITS = 8


def counting(count: int, width: int = 640, height: int = 360) -> Iterator[Image]:
    """Frames that carry their number in eight stripes, white for one, with the lowest bit on the left."""
    for number in range(count):
        image = np.zeros((height, width, 3), np.uint8)
        for bit in range(BITS):
            if number >> bit & 1:
                image[:, bit * width // BITS : (bit + 1) * width // BITS] = 255
        yield image


def number_of(image: Image) -> int:
    """The number a frame of `counting` carries, wherever it fills the whole width."""
    height, width = image.shape[:2]
    middle = image[height // 2].mean(1)
    return sum(1 << bit for bit in range(BITS) if middle[(2 * bit + 1) * width // (2 * BITS)] > 127)


def numbers_of(path: Path) -> list[int]:
    return [number_of(image) for _, image in frames_of(path)]


def clip_of(folder: Path, name: str, images: Iterator[Image], *, rate: int = 25, sound: Sound | None = None) -> Path:
    """A clip as the site keeps it: through ingest, with the mezzanine's own encoder."""
    work = folder / f"{name}-work"
    work.mkdir()
    raw = make_video(work / "raw.mp4", images, rate=rate, sound=sound, options={"crf": "10"})
    made: Path = make_mezzanine(raw, work, Bounds(seconds_max=70.0), lambda **said: None)
    return made.rename(folder / f"{name}.mp4")


def edit_of(*segments: dict[str, Any], canvas: dict[str, Any] | None = None, **parts: Any) -> EditList:
    small = {"aspect": "16:9", "short_side": 360, "frame_rate": 25}
    numbered = [{"id": f"s{place}", **segment} for place, segment in enumerate(segments)]
    return read_edit_list({"version": 1, "canvas": {**small, **(canvas or {})}, "segments": numbered, **parts})


Maker = Callable[..., Path]
