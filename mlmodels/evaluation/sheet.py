"""Contact sheets: every style of a folder on one photograph, to be judged by eye at the size it will be watched."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from mlmodels.release import Pixels

from .measure import read_picture
from .painters import Painter

COLUMNS = 6
STYLE_SIDE = 384
GAP = 12
GROUND, INK = "#1b1a17", "#f2eee6"
JPEG_QUALITY = 90
JPEG_LIMIT = 65_000  # pixels a side that the format can say, a little less


class SheetTooLarge(ValueError):
    """More pixels a side than a JPEG can have."""


def largest(photos: list[Path]) -> Path:
    """Return the photograph with the most pixels: a small one shows strokes on its own blur."""

    def pixels(path: Path) -> int:
        with Image.open(path) as opened:
            return opened.width * opened.height

    return max(photos, key=pixels)


def write_sheets(
    path: Path,
    painter: Painter,
    photo: Path,
    styles: list[Path],
    sides: list[int],
    tell: Callable[[str, int, int], None],
) -> list[Path]:
    """
    Write a sheet for each short side; of several, each file's name says which.

    :raises SheetTooLarge: when a side asks for more than a picture file can hold
    """
    written = []
    for side in sides:
        target = path if len(sides) == 1 else path.with_stem(f"{path.stem}-{side}")
        whole = contact_sheet(painter, read_picture(photo, side), styles, tell)
        whole.save(target, quality=JPEG_QUALITY)
        written.append(target)
    return written


def contact_sheet(
    painter: Painter, photo: Pixels, styles: list[Path], tell: Callable[[str, int, int], None]
) -> Image.Image:
    """Lay out the photograph and its painting after each style, unscaled, with the style small in the corner."""
    height, width = photo.shape[:2]
    label = max(16, height // 16)
    sheet, columns = _ground(len(styles) + 1, (width, height), label)
    font = ImageFont.load_default(0.7 * label)
    for place in range(len(styles) + 1):
        left = GAP + place % columns * (width + GAP)
        top = GAP + place // columns * (height + label + GAP)
        tile, name = (photo, "photograph") if place == 0 else _painted(painter, photo, styles[place - 1])
        sheet.paste(Image.fromarray(tile), (left, top))
        ImageDraw.Draw(sheet).text((left, top + height + label // 8), name, fill=INK, font=font)
        tell(f"sheet at {min(height, width)}", place, len(styles))
    return sheet


def _ground(tiles: int, tile: tuple[int, int], label: int) -> tuple[Image.Image, int]:
    columns = min(COLUMNS, tiles)
    rows = -(-tiles // columns)
    size = GAP + columns * (tile[0] + GAP), GAP + rows * (tile[1] + label + GAP)
    if max(size) > JPEG_LIMIT:
        raise SheetTooLarge(f"a sheet of {size[0]} × {size[1]} pixels is too large; ask for a smaller side.")
    return Image.new("RGB", size, GROUND), columns


def _painted(painter: Painter, photo: Pixels, path: Path) -> tuple[Pixels, str]:
    style = read_picture(path, STYLE_SIDE)
    painted = Image.fromarray(painter.paint(photo[None], painter.embed(style))[0])
    corner = Image.fromarray(style)
    corner.thumbnail((photo.shape[1] // 5, photo.shape[0] // 5), Image.Resampling.LANCZOS)
    painted.paste(corner, (painted.width - corner.width, painted.height - corner.height))
    return np.asarray(painted), path.stem
