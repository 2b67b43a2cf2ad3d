"""
How long a render takes on this machine: `make bench`. Two bars (issue text): an edit of 30 s with eight cuts, music and
captions at 720p in half its length, and a trim of a minute within two seconds. Medians of three; nothing is asserted.
"""

import json
import statistics
import sys
import time
from collections.abc import Iterator
from itertools import cycle
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest

from editor.editlist.schema import read_edit_list
from editor.rendering.render import RenderReport, render_edit
from tests.integration.editor.films import clip_of
from tests.media import Image, hum, make_sound_file

pytestmark = [pytest.mark.performance, pytest.mark.timeout(1800)]
DEMO = Path(__file__).resolve().parents[2] / "platform" / "clips" / "demo"


def film(name: str, frames: int) -> Iterator[Image]:
    """A demo clip there and back again, at 720p."""
    with av.open(str(DEMO / f"{name}.mp4")) as container:
        seen = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    for _, image in zip(range(frames), cycle([*seen, *seen[-2:0:-1]]), strict=False):
        yield np.asarray(cv2.resize(image, (1280, 720), interpolation=cv2.INTER_CUBIC), np.uint8)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("films")
    swan = clip_of(folder, "swan", film("davis-blackswan", 60 * 30), rate=30, sound=hum)
    glider = clip_of(folder, "glider", film("davis-paragliding-launch", 15 * 30), rate=30, sound=hum)
    return {"swan": swan, "glider": glider, "music": make_sound_file(folder / "music.m4a", seconds=40)}


def edit_of(segments: list[dict[str, Any]], **parts: Any) -> Any:
    canvas = {"aspect": "16:9", "short_side": 720, "frame_rate": 30}
    return read_edit_list({"version": 1, "canvas": canvas, "segments": segments, **parts})


def median(edit: Any, files: dict[str, Path], folder: Path) -> tuple[float, RenderReport]:
    seconds, report = [], None
    for _ in range(3):
        began = time.perf_counter()
        report = render_edit(edit, folder / "out.mp4", files)
        seconds.append(time.perf_counter() - began)
    assert report is not None
    return statistics.median(seconds), report


def say(**numbers: float) -> None:
    sys.stdout.write(f"\n{json.dumps(numbers)}\n")


def test_half_a_minute_with_everything(files, tmp_path):
    cuts = [
        {"id": f"s{n}", "clip": ["swan", "glider"][n % 2], "start": 1 + n * 1.2, "end": 4.75 + n * 1.2, "fit": "fill"}
        for n in range(8)
    ]
    words = [
        {
            "id": f"t{n}",
            "text": f"Caption {n} of this film",
            "start": n * 3,
            "end": n * 3 + 2.8,
            "kind": "caption",
            "y": 0.85,
        }
        for n in range(10)
    ]

    seconds, report = median(edit_of(cuts, texts=words, music={"track": "music", "ducking": 0.5}), files, tmp_path)

    say(everything=round(seconds, 2), of_its_length=round(seconds / report.seconds, 3), bar=0.5)


def test_a_trim_of_a_minute(files, tmp_path):
    seconds, report = median(edit_of([{"id": "s", "clip": "swan", "start": 2.3, "end": 57.1}]), files, tmp_path)

    say(trim=round(seconds, 2), copied=report.copied, frames=report.frames, bar=2.0)
