"""
Measurements over folders of data: every painter sees the same pictures, frames and noise, in turn.

A result is plain dictionaries of plain numbers, ready for JSON; `painters` maps "ours" and "peer" to who paints.
"""

import statistics
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
from PIL import Image

from mlmodels.data import NoPictures, list_pictures
from mlmodels.motion import read_clip
from mlmodels.release import Pixels, Vector
from mlmodels.vgg import VGGFeatures

from .bars import judge
from .metrics import (
    Motion,
    content_distance,
    flicker,
    look,
    motion_between,
    still_scene,
    style_distance,
    warping_error,
)
from .painters import Painter, at_strength, bare_call, paint_clip, scene_statistics, whole_call

STRENGTHS = (0.0, 0.25, 0.5, 0.75, 1.0, 1.25, 1.5)
GAPS = (1, 10)
FEWEST_FRAMES = max(GAPS) + 1
GAP_STEP = 3  # every third pair of a clip
STYLES_A_CLIP = 3
STILL_SCENES, STILL_FRAMES = 4, 8
SIZES = ((384, 384), (854, 480), (1280, 720))
PAUSE = 0.05  # seconds before each timed call: the other runtime's threads stop spinning

Row = dict[str, float]
Rows = list[dict[str, Row]]  # one entry a picture or clip: who painted, and what was measured
Painters = Mapping[str, Painter]
Tell = Callable[[str, int, int], None]
T = TypeVar("T")


class NoData(ValueError):
    """A folder is missing, holds nothing to measure with, or holds something that cannot be read."""


@dataclass(frozen=True)
class Plan:
    """What to measure with: paths, and how thoroughly."""

    content: list[Path]
    styles: list[Path]
    clips: list[Path]
    frames: int = 25
    scene: bool = False  # normalize clips by their scene's statistics, and photographs by their own beforehand
    runs: int = 9
    picture_side: int = 384  # short side, of photographs and styles
    clip_side: int = 288
    sizes: tuple[tuple[int, int], ...] = SIZES  # width and height of what is timed

    def style_of(self, index: int) -> Path:
        """Return a style for the photograph or clip of that number: they are gone round in order."""
        return self.styles[index % len(self.styles)]


def plan_from(content: Path, styles: Path, clips: Path, *, pictures: int | None = None, **how: Any) -> Plan:
    """
    :param pictures: measure with so many photographs, spread evenly over the folder
    :raises NoData: when one of the folders has nothing in it, or `frames` are too few for the widest gap
    """
    if how.get("frames", Plan.frames) < FEWEST_FRAMES:
        raise NoData(f"{how['frames']} frames of a clip are too few: the warping error needs at least {FEWEST_FRAMES}.")
    return Plan(spread(pictures_in(content), pictures), pictures_in(styles), clips_in(clips), **how)


def pictures_in(folder: Path) -> list[Path]:
    """:raises NoData: naming the folder"""
    _refuse_missing(folder)
    try:
        return list_pictures([folder])
    except NoPictures as error:
        raise NoData(f"{error}.") from error


def clips_in(folder: Path) -> list[Path]:
    """:raises NoData: naming the folder"""
    _refuse_missing(folder)
    if found := sorted(folder.glob("*.mp4")):
        return found
    raise NoData(f"no clips (.mp4) in {folder}.")


def _refuse_missing(folder: Path) -> None:
    if not folder.is_dir():
        raise NoData(f"there is no folder {folder}.")


def spread(paths: list[Path], most: int | None) -> list[Path]:
    if most is None or most >= len(paths):
        return paths
    return [paths[index * len(paths) // most] for index in range(most)]


def read_picture(path: Path, side: int) -> Pixels:
    """
    Read a picture scaled to the short side.

    :raises NoData: it is not a picture
    """
    try:
        with Image.open(path) as opened:
            image = opened.convert("RGB")
    except (OSError, Image.DecompressionBombError) as error:
        raise NoData(f"{path} cannot be read: {error}") from error
    scale = side / min(image.size)
    return np.asarray(image.resize((round(image.width * scale), round(image.height * scale)), Image.Resampling.LANCZOS))


def evaluate(painters: Painters, vgg: VGGFeatures, plan: Plan, tell: Tell) -> dict[str, Any]:
    """
    Measure everything.

    :param tell: is called with a stage, how much of it is done, and out of how much
    :raises NoData: when a picture or clip cannot be read
    """
    pictures = _told("pictures", len(plan.content), picture_rows(painters, vgg, plan), tell)
    clips = _told("clips", len(plan.clips) * STYLES_A_CLIP, clip_rows(painters, plan), tell)
    still = _told("flicker", min(STILL_SCENES, len(plan.content)), flicker_rows(painters, plan), tell)
    speed = measure_speed(painters, plan, tell)
    result: dict[str, Any] = {"setup": _setup(plan), "input": {**means(pictures, "input"), **means(clips, "input")}}
    for who, painter in painters.items():
        result[who] = {
            "name": painter.name,
            "sha256": painter.sha256,
            **at_full_strength(means(pictures, who)),
            **means(clips, who),
            **means(still, who),
            "milliseconds": speed[who],
            "curve": curve(means(pictures, who)),
        }
    result["bars"] = [asdict(verdict) for verdict in judge(result)] if "peer" in result else []
    result["rows"] = {"pictures": pictures, "clips": clips, "flicker": still}
    return result


def _told(stage: str, total: int, rows: Iterator[T], tell: Tell) -> list[T]:
    tell(stage, 0, total)
    gathered = []
    for row in rows:
        gathered.append(row)
        tell(stage, len(gathered), total)
    return gathered


def _setup(plan: Plan) -> dict[str, Any]:
    return {
        "pictures": len(plan.content),
        "styles": len(plan.styles),
        "clips": [path.name for path in plan.clips],
        "frames": plan.frames,
        "scene_statistics": plan.scene,
        "threads": torch.get_num_threads(),
        "picture_side": plan.picture_side,
        "clip_side": plan.clip_side,
    }


def picture_rows(painters: Painters, vgg: VGGFeatures, plan: Plan) -> Iterator[dict[str, Row]]:
    """Paint photograph N with style N (cycling) at every strength and measure both distances."""
    for index, path in enumerate(plan.content):
        photo, style = read_picture(path, plan.picture_side), read_picture(plan.style_of(index), plan.picture_side)
        seen_photo, seen_style = look(vgg, photo), look(vgg, style)
        row: dict[str, Row] = {"input": {"style": style_distance(seen_photo, seen_style), "content": 0.0}}
        for who, painter in painters.items():
            row[who] = {}
            for strength, painted in _at_every_strength(painter, photo, style, scene=plan.scene):
                seen = look(vgg, painted)
                row[who][f"style at {strength}"] = style_distance(seen, seen_style)
                row[who][f"content at {strength}"] = content_distance(seen, seen_photo)
        yield row


def _at_every_strength(
    painter: Painter, photo: Pixels, style: Pixels, *, scene: bool
) -> Iterator[tuple[float, Pixels]]:
    own, full = painter.embed(photo), painter.embed(style)
    for strength in STRENGTHS:
        # A photograph is a scene of one frame: the engine of eight bits paints scenes alone in eight bits.
        (painted,) = paint_clip(painter, [photo], at_strength(painter, own, full, strength), scene=scene)
        yield strength, painted


def at_full_strength(measured: Row) -> Row:
    return {name: measured[f"{name} at 1.0"] for name in ("style", "content")}


def curve(measured: Row) -> list[Row]:
    return [
        {"strength": strength, **{name: measured[f"{name} at {strength}"] for name in ("style", "content")}}
        for strength in STRENGTHS
    ]


def clip_rows(painters: Painters, plan: Plan) -> Iterator[dict[str, Row]]:
    """Paint each clip in three styles: warping errors beside the input's own, over the same motion."""
    for index, path in enumerate(plan.clips):
        clip = read_frames(path, plan.clip_side, plan.frames)
        motions = {gap: {at: motion_between(clip[at], clip[at + gap]) for at in _pairs(clip, gap)} for gap in GAPS}
        for turn in range(STYLES_A_CLIP):
            style = read_picture(plan.style_of((STYLES_A_CLIP * index + turn) * 7), plan.picture_side)
            row = {"input": _warping(clip, motions)}
            for who, painter in painters.items():
                row[who] = _warping(paint_clip(painter, clip, painter.embed(style), scene=plan.scene), motions)
            yield row


def read_frames(path: Path, side: int, most: int) -> list[Pixels]:
    """
    Read the first frames of a clip.

    :raises NoData: it is not a clip, or too short for a pair of the widest gap
    """
    try:
        frames = read_clip(path, side, most)
    except (
        OSError,
        ValueError,
        IndexError,
    ) as error:  # PyAV's errors are OSErrors or ValueErrors; no video: IndexError
        raise NoData(f"{path} cannot be read: {error}") from error
    if len(frames) < FEWEST_FRAMES:
        raise NoData(f"{path} has {len(frames)} frames; measuring needs at least {FEWEST_FRAMES}.")
    return frames


def _pairs(clip: list[Pixels], gap: int) -> range:
    return range(0, len(clip) - gap, GAP_STEP)


def _warping(shown: list[Pixels], motions: dict[int, dict[int, Motion]]) -> Row:
    return {
        f"warping_gap_{gap}": statistics.mean(
            warping_error(shown[at], shown[at + gap], motion) for at, motion in pairs.items()
        )
        for gap, pairs in motions.items()
    }


def flicker_rows(painters: Painters, plan: Plan) -> Iterator[dict[str, Row]]:
    """Paint a photograph that stands still but for noise and exposure."""
    for index, path in enumerate(spread(plan.content, STILL_SCENES)):
        scene = still_scene(read_picture(path, plan.clip_side), STILL_FRAMES, seed=index)
        style = read_picture(plan.style_of(index * 5), plan.picture_side)
        row = {}
        for who, painter in painters.items():
            painted = paint_clip(painter, list(scene), painter.embed(style), scene=plan.scene)
            row[who] = {"flicker": flicker(np.stack(painted), scene)}
        yield row


def measure_speed(painters: Painters, plan: Plan, tell: Tell) -> dict[str, dict[str, Row]]:
    """Median milliseconds a frame: `whole` from bytes to bytes and, where it can be told apart, `network` alone."""
    times: dict[str, dict[str, Row]] = {who: {} for who in painters}
    for done, (width, height) in enumerate(plan.sizes):
        tell("speed", done, len(plan.sizes))
        calls = _timed_calls(painters, height, width, plan.scene)
        for (who, kind), median in interleaved(calls, plan.runs).items():
            times[who].setdefault(f"{width}x{height}", {})[kind] = median
    tell("speed", len(plan.sizes), len(plan.sizes))
    return times


def _timed_calls(
    painters: Painters, height: int, width: int, scene: bool
) -> dict[tuple[str, str], Callable[[], object]]:
    frame = np.random.default_rng(0).integers(0, 255, (1, height, width, 3), dtype=np.uint8)
    calls = {}
    for who, painter in painters.items():
        vector: Vector = painter.embed(frame[0])
        fixed = scene_statistics(painter, frame, vector) if scene else None
        calls[who, "whole"] = whole_call(painter, frame, vector, fixed)
        if bare := bare_call(painter, frame, vector, fixed):
            calls[who, "network"] = bare
    return calls


def interleaved(calls: Mapping[Any, Callable[[], object]], runs: int) -> dict[Any, float]:
    """Time calls in turn, so that a machine that slows down slows all of them; median milliseconds of `runs`."""
    times: dict[Any, list[float]] = {key: [] for key in calls}
    for call in calls.values():
        call()  # warm
    for _ in range(runs):
        for key, call in calls.items():
            time.sleep(PAUSE)
            began = time.perf_counter()
            call()
            times[key].append(1000 * (time.perf_counter() - began))
    return {key: statistics.median(measured) for key, measured in times.items()}


def means(rows: Rows, who: str) -> Row:
    return {name: statistics.mean(row[who][name] for row in rows) for name in rows[0][who]}
