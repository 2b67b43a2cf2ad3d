"""
How fast painting is on this machine: `make bench`. Prints medians of several runs; nothing passes or fails by time.

The stages overlap while a video is painted, so the whole is slower than its slowest stage but faster than their sum.
"""

import json
import os
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from stylization.catalogue import presets
from stylization.engine.decode import RgbReader, VideoSource
from stylization.engine.encode import VideoTarget
from stylization.engine.engines import open_engine
from stylization.engine.geometry import Size
from stylization.engine.recipe import PaintRecipe, StyleShare
from stylization.engine.scene import palette_for
from stylization.engine.still import read_picture
from stylization.engine.video import stylize_video
from stylization.preview.pool import PreviewPool
from tests.integration.stylization.videos import moving
from tests.media import make_video

pytestmark = [pytest.mark.performance, pytest.mark.timeout(1800)]

RUNS = int(os.environ.get("BENCH_RUNS", "3"))
FRAMES = int(os.environ.get("BENCH_FRAMES", "24"))
SIZES = {"480p": Size(854, 480), "720p": Size(1280, 720)}


@pytest.fixture(scope="module", params=SIZES)
def clip(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Size, Path]:
    size = SIZES[request.param]
    path = tmp_path_factory.mktemp("bench") / f"{request.param}.mp4"
    return request.param, size, make_video(path, moving(size.width, size.height, FRAMES))


def test_painting_a_video(clip: tuple[str, Size, Path], tmp_path: Path) -> None:
    name, _, path = clip
    klimt = next(preset for preset in presets() if "klimt" in preset.slug)
    recipe = PaintRecipe((StyleShare("klimt", image=read_picture(klimt.picture).rgb),))
    open_engine()

    report(f"stylize {name}", "frames/s", FRAMES, lambda: stylize_video(path, tmp_path / "out.mp4", recipe))


def test_the_stages_alone(clip: tuple[str, Size, Path], tmp_path: Path) -> None:
    name, size, path = clip
    images = list(decoded(path))
    engine = open_engine()
    style = engine.embed(read_picture(presets()[0].picture).rgb)
    palette = palette_for(engine, images[:2], [(style, 1.0)], 1.0)
    one = np.stack(images[:1])

    report(f"decode {name}", "frames/s", FRAMES, lambda: sum(1 for _ in decoded(path)))
    report(f"paint {name}", "frames/s", 1, lambda: engine.paint(one, palette.embedding, palette.statistics))
    report(f"encode {name}", "frames/s", FRAMES, lambda: encode(images, size, path, tmp_path / "encoded.mp4"))


def test_previews(clip: tuple[str, Size, Path]) -> None:
    name, size, path = clip
    pool = PreviewPool(seconds=60)
    wishes = iter(range(10_000))

    def ask() -> None:
        # another strength each time, as while a slider is dragged
        pool.paint("bench", preview_request(path, min(size.height, 480), strength=0.2 + next(wishes) % 100 / 100))

    try:
        cold = seconds(ask)
        line(f"preview {name}, first (process starts)", f"{cold * 1000:8.0f} ms")
        took = [seconds(ask) for _ in range(max(5, RUNS * 3))]
        line(
            f"preview {name}, slider dragged", f"{statistics.median(took) * 1000:8.0f} ms, worst {max(took) * 1000:.0f}"
        )
    finally:
        pool.close()


def preview_request(path: Path, height: int, strength: float) -> dict[str, Any]:
    style = {"name": "klimt", "weight": 1.0, "image": str(presets()[0].picture)}
    request = {"video": str(path), "at_seconds": 0.4, "height": height, "styles": [style]}
    return json.loads(json.dumps({**request, "strength": strength, "keep_colors": False}))


def decoded(path: Path) -> Iterator[np.ndarray]:
    video = VideoSource(path)
    reader = RgbReader(video.shown, video.turn)
    return (reader.read(frame.picture) for frame in video.frames())


def encode(images: list[np.ndarray], size: Size, source: Path, target: Path) -> None:
    video = VideoSource(source)
    writer = VideoTarget(target, "mp4", size, video.frame_rate, video.time_base, source)
    tick = round(1 / (video.frame_rate * video.time_base))
    for index, image in enumerate(images):
        writer.write(image, start=index * tick, duration=tick)
    writer.finish()
    writer.close()


def seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def report(name: str, unit: str, count: int, work: Callable[[], object]) -> None:
    work()  # the first run pays for caches and lazy imports
    rates = [count / seconds(work) for _ in range(RUNS)]
    line(name, f"{statistics.median(rates):8.1f} {unit}  ({min(rates):.1f} to {max(rates):.1f} in {RUNS} runs)")


def line(name: str, text: str) -> None:
    sys.stdout.write(f"\n{name:40}{text}")
