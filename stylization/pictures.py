"""
A stranger's picture comes in, our own JPEG goes out.

Pillow reads the header first; bytes, pixels and format are refused before a pixel is decoded. What is kept is a fresh
JPEG without metadata (GPS!), upright, in sRGB.
"""

import io
import warnings
from typing import IO

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from foundation.errors import ApplicationError

from .engine.still import to_srgb

MAX_BYTES = 20 * 2**20
MAX_PIXELS = 50_000_000
MIN_SIDE = 32
# Beyond this a network that looks at 256 to 512 px learns nothing more, and a page only waits longer.
STORED_SIDE = 1024
THUMBNAIL_SIDE = 320
# Some phones' JPEGs carry a depth map as a second picture (then Pillow calls them MPO): the first is the photograph.
FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF")


class PictureRefused(ApplicationError):
    code = "picture_refused"
    title = "This picture cannot be used"


class PictureNotReadable(PictureRefused):
    code = "picture_not_readable"
    title = "This is not a picture we can read"


class PictureIsSvg(PictureRefused):
    code = "picture_is_svg"
    title = "SVG drawings cannot be used"


class PictureTruncated(PictureRefused):
    code = "picture_truncated"
    title = "The picture is incomplete"


class PictureTooLarge(PictureRefused):
    status = 413
    code = "picture_too_large"
    title = "The picture is too large"


class PictureTooSmall(PictureRefused):
    code = "picture_too_small"
    title = "The picture is too small"


class PictureAnimated(PictureRefused):
    code = "picture_animated"
    title = "The picture is animated"


def read_picture(file: IO[bytes]) -> Image.Image:
    """
    Return an upright RGB picture of at most STORED_SIDE pixels.

    :raises PictureRefused: one of its kinds, each saying what to do
    """
    _refuse_heavy(file)
    picture = _open(file)
    _refuse_header(picture)
    decoded = _decode(picture)
    decoded.thumbnail((STORED_SIDE, STORED_SIDE), Image.Resampling.LANCZOS)
    return decoded


def thumbnail_of(picture: Image.Image) -> Image.Image:
    return ImageOps.fit(picture, (THUMBNAIL_SIDE, THUMBNAIL_SIDE), Image.Resampling.LANCZOS)


def to_jpeg(picture: Image.Image, *, quality: int = 88) -> bytes:
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=quality, optimize=True, progressive=True)
    return out.getvalue()


def to_array(picture: Image.Image) -> NDArray[np.uint8]:
    return np.ascontiguousarray(np.asarray(picture.convert("RGB"), dtype=np.uint8))


def _refuse_heavy(file: IO[bytes]) -> None:
    size = file.seek(0, io.SEEK_END)
    file.seek(0)
    if size > MAX_BYTES:
        raise PictureTooLarge(f"The file has {size / 2**20:.0f} MB; at most {MAX_BYTES // 2**20} MB are taken.")


def _open(file: IO[bytes]) -> Image.Image:
    head = file.read(1024).lstrip().lower()
    file.seek(0)
    if head.startswith((b"<svg", b"<?xml", b"<!doctype svg")) or b"<svg" in head:
        raise PictureIsSvg("Save the drawing as PNG or JPEG and choose that file.")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # our own bound, below, is stricter
            return Image.open(file, formats=FORMATS)
    except Image.DecompressionBombError:
        raise PictureTooLarge(f"It has more than {MAX_PIXELS // 1_000_000} megapixels.") from None
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError):
        raise PictureNotReadable("Choose a JPEG, PNG or WebP picture.") from None


def _refuse_header(picture: Image.Image) -> None:
    width, height = picture.size
    if width * height > MAX_PIXELS:
        raise PictureTooLarge(f"It is {width} × {height}; at most {MAX_PIXELS // 1_000_000} megapixels are taken.")
    if min(width, height) < MIN_SIDE:
        raise PictureTooSmall(f"It is {width} × {height}; both sides need at least {MIN_SIDE} pixels.")
    if picture.format != "MPO" and getattr(picture, "n_frames", 1) > 1:
        raise PictureAnimated("Choose a still picture, or save one frame of this one.")


def _decode(picture: Image.Image) -> Image.Image:
    try:
        picture.draft("RGB", (2 * STORED_SIDE, 2 * STORED_SIDE))  # a JPEG may be decoded at a fraction
        picture.load()
        return _flatten(to_srgb(ImageOps.exif_transpose(picture)))
    except (OSError, SyntaxError, ValueError, EOFError) as fault:
        if "truncated" in str(fault).lower():
            raise PictureTruncated("The end of the file is missing. Upload it again.") from None
        raise PictureNotReadable("The file is damaged. Open it in a viewer and save it anew.") from None


def _flatten(picture: Image.Image) -> Image.Image:
    """RGB on white paper: transparency has no colour of its own that a painting could take."""
    if picture.mode in ("RGBA", "LA", "PA") or "transparency" in picture.info:
        layer = picture.convert("RGBA")
        paper = Image.new("RGBA", layer.size, "white")
        return Image.alpha_composite(paper, layer).convert("RGB")
    if picture.mode.startswith(("I", "F")):  # 16 bits a pixel: Pillow would clip, not scale
        values = np.asarray(picture, dtype=np.float32)
        span = float(values.max() - values.min()) or 1.0
        return Image.fromarray(((values - values.min()) / span * 255).astype(np.uint8)).convert("RGB")
    return picture.convert("RGB")
