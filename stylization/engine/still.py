"""Still pictures: read upright and in sRGB, painted like one frame, transparency kept where the format has it."""

import io
import os
import time
import warnings
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms, ImageOps, UnidentifiedImageError

from .brush import reduced
from .engines import DEFAULT, Engine, open_engine
from .errors import BadSource, BadTarget
from .geometry import MAX_PIXELS, Size
from .recipe import PaintRecipe
from .scene import palette_for
from .target import finished_only, refuse_unwritable
from .video import PaintReport, embeddings_of, paint_batch, refuse_same_file

FORMATS = {".jpg": "JPEG", ".jpeg": "JPEG", ".png": "PNG", ".webp": "WEBP"}
READ = ("JPEG", "PNG", "WEBP", "BMP", "TIFF", "GIF")
MAX_READ_PIXELS = 120_000_000


@dataclass(frozen=True)
class Picture:
    """RGB uint8 (H, W, 3) and, where the file had one, its alpha (H, W)."""

    rgb: NDArray[np.uint8]
    alpha: NDArray[np.uint8] | None = None


def stylize_image(
    source: Path, destination: Path, recipe: PaintRecipe, *, engine: str | Engine = DEFAULT
) -> PaintReport:
    """
    Paint a still picture.

    :raises BadSource: not there, or not a picture
    :raises BadTarget: cannot be written, or no picture format of that name
    """
    file_format = image_format_for(destination)
    refuse_same_file(source, destination)
    refuse_unwritable(destination)
    picture = _resized(read_picture(source), recipe.height)
    painter = open_engine(engine) if isinstance(engine, str) else engine
    started = time.monotonic()
    small = reduced(picture.rgb, recipe.brush)
    palette = palette_for(painter, [small], embeddings_of(painter, recipe.styles), recipe.strength)
    painted = paint_batch(painter, [picture.rgb], palette, recipe)[0]
    seconds = time.monotonic() - started
    with finished_only(destination) as draft:
        draft.write_bytes(_encoded(painted, picture.alpha, file_format))
    height, width = painted.shape[:2]
    return PaintReport(1, round(seconds, 3), width, height, painter.model, painter.name)


def is_still(source: Path) -> bool:
    """Whether Pillow reads exactly one picture from it; moving GIFs and WebPs are for the video side."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(source, formats=READ) as picture:
                return picture.format in ("MPO", "TIFF") or getattr(picture, "n_frames", 1) == 1
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return False


def read_picture(source: Path) -> Picture:
    """:raises BadSource: not there, damaged, too large, or no picture at all"""
    if not source.is_file():
        raise BadSource(f"There is no file {source}.")
    if not os.access(source, os.R_OK):
        raise BadSource(f"{source} cannot be read.")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(source, formats=READ) as opened:
                return _upright(opened, source)
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        raise BadSource(f"{source} is not a picture that can be read, or it is damaged.") from None


def image_format_for(destination: Path) -> str:
    """:raises BadTarget: naming what could be written instead"""
    known = FORMATS.get(destination.suffix.lower())
    if known is None:
        raise BadTarget(f"{destination.name}: a painted picture is written as {', '.join(FORMATS)}.")
    return known


def _upright(opened: Image.Image, source: Path) -> Picture:
    if opened.width * opened.height > MAX_READ_PIXELS:
        raise BadSource(f"{source} is {opened.width} × {opened.height}, which is too large.")
    opened.load()
    upright = ImageOps.exif_transpose(opened)
    if upright.mode in ("RGBA", "LA", "PA") or "transparency" in upright.info:
        layers = np.asarray(upright.convert("RGBA"))
        return Picture(np.ascontiguousarray(layers[..., :3]), np.ascontiguousarray(layers[..., 3]))
    return Picture(np.ascontiguousarray(np.asarray(to_srgb(upright).convert("RGB"))))


def to_srgb(picture: Image.Image) -> Image.Image:
    """Apply the picture's own colour profile; a broken one is ignored, as every viewer does."""
    profile = picture.info.get("icc_profile")
    if not profile or picture.mode not in ("RGB", "CMYK", "L"):
        return picture
    try:
        made_with = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        return (
            ImageCms.profileToProfile(picture, made_with, ImageCms.createProfile("sRGB"), outputMode="RGB") or picture
        )
    except (ImageCms.PyCMSError, OSError, ValueError):
        return picture


def _resized(picture: Picture, height: int | None) -> Picture:
    size = _still_size(Size(picture.rgb.shape[1], picture.rgb.shape[0]), height)
    if (size.height, size.width) == picture.rgb.shape[:2]:
        return picture
    shrinks = size.height < picture.rgb.shape[0]
    how = cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC

    def scaled(plane: NDArray[np.uint8]) -> NDArray[np.uint8]:
        return cv2.resize(plane, (size.width, size.height), interpolation=how).astype(np.uint8, copy=False)

    return Picture(scaled(picture.rgb), None if picture.alpha is None else scaled(picture.alpha))


def _still_size(own: Size, height: int | None) -> Size:
    """A picture need not be even; it must not be larger than memory allows, nor smaller than the network sees."""
    wanted = height or own.height
    scale = wanted / own.height
    pixels = own.pixels * scale * scale
    if pixels > MAX_PIXELS:
        scale *= (MAX_PIXELS / pixels) ** 0.5
    return Size(max(16, round(own.width * scale)), max(16, round(own.height * scale)))


def _encoded(painted: NDArray[np.uint8], alpha: NDArray[np.uint8] | None, file_format: str) -> bytes:
    picture = Image.fromarray(painted)
    if alpha is not None and file_format != "JPEG":
        picture.putalpha(Image.fromarray(alpha))
    out = io.BytesIO()
    options = {"JPEG": {"quality": 93, "subsampling": 0}, "WEBP": {"quality": 92}}.get(file_format, {})
    picture.save(out, file_format, **options)
    return out.getvalue()
