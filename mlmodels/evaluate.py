"""
How good a painting and how steady a clip is, as the numbers that `docs/network.md` reports. Lower is better throughout.

Style is the training's style term; content compares instance-normalized relu3_1 and relu4_1, so that a change of colour
and contrast alone costs nothing; the warping error follows DIS optical flow of the input (Lai et al. 2018, eq. 5).
"""

import argparse
import json
import statistics
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from .data import list_pictures
from .losses import style_loss
from .motion import follow, optical_flow, read_clip, unoccluded
from .release import Pixels, Release, load_release, to_tensor
from .vgg import VGGFeatures, channel_statistics

PICTURE_SIDE = 384
CLIP_SIDE = 288


@torch.inference_mode()
def style_distance(vgg: VGGFeatures, painted: Pixels, style: Pixels) -> float:
    """Mean relative error of channel means and deviations over relu1_1 … relu4_1."""
    return float(style_loss(_statistics(vgg, painted), _statistics(vgg, style))[0])


@torch.inference_mode()
def content_distance(vgg: VGGFeatures, painted: Pixels, content: Pixels) -> float:
    """Mean square error of instance-normalized relu3_1 and relu4_1, averaged over the two."""
    pairs = zip(vgg(to_tensor(painted[None]))[2:], vgg(to_tensor(content[None]))[2:], strict=True)
    return statistics.mean(float(F.mse_loss(F.instance_norm(one), F.instance_norm(other))) for one, other in pairs)


def _statistics(vgg: VGGFeatures, image: Pixels) -> Tensor:
    return channel_statistics(vgg(to_tensor(image[None])))


def warping_error(painted: tuple[Pixels, Pixels], frames: tuple[Pixels, Pixels]) -> float:
    """Root mean square on 0..1 RGB between a painted frame and the later one brought back along the input's motion."""
    forward, backward = optical_flow(*frames), optical_flow(frames[1], frames[0])
    seen = unoccluded(forward, backward)
    back = follow(painted[1].astype(np.float32) / 255, forward)
    difference = (back - painted[0].astype(np.float32) / 255)[seen]
    return float(np.sqrt(np.square(difference).mean())) if difference.size else 0.0


def read_picture(path: Path, side: int) -> Pixels:
    """Read a picture scaled to the short side."""
    with Image.open(path) as opened:
        image = opened.convert("RGB")
    scale = side / min(image.size)
    return np.asarray(image.resize((round(image.width * scale), round(image.height * scale)), Image.Resampling.LANCZOS))


def evaluate_pictures(
    release: Release, vgg: VGGFeatures, content: list[Path], styles: list[Path]
) -> Iterator[dict[str, float]]:
    """Paint photograph N with style N (cycling) and measure both distances."""
    for index, path in enumerate(content):
        photo = read_picture(path, PICTURE_SIDE)
        style = read_picture(styles[index % len(styles)], PICTURE_SIDE)
        painted = release.paint(photo[None], release.embed(style))[0]
        yield {
            "style": style_distance(vgg, painted, style),
            "content": content_distance(vgg, painted, photo),
            "style_of_input": style_distance(vgg, photo, style),
        }


def evaluate_clips(release: Release, clips: list[Path], styles: list[Path], frames: int) -> Iterator[dict[str, float]]:
    """Paint each clip frame by frame in three styles; warping error at gap 1 and 10 beside the input's own."""
    for index, path in enumerate(clips):
        clip = read_clip(path, CLIP_SIDE, frames)
        for turn in range(3):
            embedding = release.embed(read_picture(styles[(3 * index + turn) * 7 % len(styles)], PICTURE_SIDE))
            painted = [release.paint(frame[None], embedding)[0] for frame in clip]
            yield {
                f"{kind}_gap_{gap}": _mean_warping(shown, clip, gap)
                for gap in (1, 10)
                for kind, shown in (("warping", painted), ("input", clip))
            }


def _mean_warping(shown: list[Pixels], clip: list[Pixels], gap: int) -> float:
    pairs = range(0, len(clip) - gap, 3)
    return statistics.mean(warping_error((shown[i], shown[i + gap]), (clip[i], clip[i + gap])) for i in pairs)


def evaluate_speed(release: Release) -> dict[str, float]:
    """Median milliseconds a frame, live statistics, at three sizes."""
    embedding = np.zeros(release.embedding_size, np.float32)
    return {f"{width}x{height}": _milliseconds(release, embedding, height, width) for width, height in SIZES}


SIZES = ((384, 384), (854, 480), (1280, 720))


def _milliseconds(release: Release, embedding: NDArray[np.float32], height: int, width: int) -> float:
    frame = np.random.default_rng(0).integers(0, 255, (1, height, width, 3), dtype=np.uint8)
    times = []
    for _ in range(6):
        began = time.perf_counter()
        release.paint(frame, embedding)
        times.append(1000 * (time.perf_counter() - began))
    return statistics.median(times[1:])


def means(rows: list[dict[str, float]]) -> dict[str, float]:
    return {name: round(statistics.mean(row[name] for row in rows), 4) for name in rows[0]}


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m mlmodels.evaluate", description="Measure a release on held-out data."
    )
    parser.add_argument("--release", type=Path, help="a release folder; the shipped one by default")
    parser.add_argument(
        "--data", type=Path, default=Path("../shared/data/heldout"), help="has content/, styles/, clips/"
    )
    parser.add_argument("--vgg", type=Path, default=Path("../shared/weights/vgg16_features.safetensors"))
    parser.add_argument("--frames", type=int, default=25)
    parser.add_argument("--json", type=Path, help="write the numbers here as well")
    chosen = parser.parse_args()
    release, vgg = load_release(chosen.release), VGGFeatures(chosen.vgg)
    styles = list_pictures([chosen.data / "styles"])
    clips = sorted((chosen.data / "clips").glob("*.mp4"))
    result = {
        "model": {"name": release.name, "version": release.version, "sha256": release.sha256},
        "pictures": means(list(evaluate_pictures(release, vgg, list_pictures([chosen.data / "content"]), styles))),
        "clips": means(list(evaluate_clips(release, clips, styles, chosen.frames))),
        "milliseconds": evaluate_speed(release),
    }
    text = json.dumps(result, indent=2)
    if chosen.json:
        chosen.json.write_text(text + "\n")
    sys.stdout.write(text + "\n")


if __name__ == "__main__":
    main()
