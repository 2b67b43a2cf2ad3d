"""Words and stickers as pictures to lay over the video; `docs/editor.md` says how they are set."""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import numpy as np
from PIL import Image, ImageChops, ImageColor, ImageDraw, ImageFont

from editor.editlist.schema import Canvas, StickerOn, Text

from .letters import CJK_FROM, FONTS, drawable

STICKERS = Path(__file__).parents[1] / "stickers.json"
ACCENTS = {chr(code) for code in range(0x300, 0x370)}  # they stand over the letter before
LINE, OUTLINE, PADDING, CORNER = 1.25, 0.06, 0.3, 0.2  # in em
SMOOTH = 4  # stickers are drawn this much larger and made small again


@dataclass(frozen=True)
class Overlay:
    """A picture with its place, at even pixels: chroma is half as fine."""

    frame: av.VideoFrame
    left: int
    top: int


def overlay_of(items: Sequence[Text | StickerOn], canvas: Canvas) -> Overlay | None:
    """Draw everything into one picture, cut to what is drawn; nothing where nothing shows."""
    sheet = Image.new("RGBA", canvas.size)
    for item in items:
        layer = Image.new("RGBA", canvas.size)
        draw_text(layer, item) if isinstance(item, Text) else draw_sticker(layer, item)
        sheet.alpha_composite(layer)
    box = sheet.getbbox()
    if box is None:
        return None
    left, top = box[0] // 2 * 2, box[1] // 2 * 2
    right, bottom = min(-(-box[2] // 2) * 2, canvas.size[0]), min(-(-box[3] // 2) * 2, canvas.size[1])
    cut = np.ascontiguousarray(np.asarray(sheet.crop((left, top, right, bottom))))
    return Overlay(av.VideoFrame.from_ndarray(cut, format="rgba"), left, top)


def draw_text(layer: Image.Image, text: Text) -> None:
    """Set the words in lines around their middle."""
    em = max(4.0, text.size * layer.height)
    lines = list(wrapped(text, em, text.width * layer.width))
    widths = [_width(line, text.font, em) for line in lines]
    middle, height = (text.x * layer.width, text.y * layer.height), len(lines) * LINE * em
    pen = ImageDraw.Draw(layer)
    if text.background is not None:
        reach = max(widths) / 2 + PADDING * em, height / 2 + PADDING * em
        box = (middle[0] - reach[0], middle[1] - reach[1], middle[0] + reach[0], middle[1] + reach[1])
        pen.rounded_rectangle(box, CORNER * em, fill=text.background)
    for number, (line, width) in enumerate(zip(lines, widths, strict=True)):
        baseline = middle[1] - height / 2 + (number + 0.5) * LINE * em + 0.35 * em
        _draw_line(pen, line, text, em, middle[0] - width / 2, baseline)


def wrapped(text: Text, em: float, most: float) -> Iterator[str]:
    """Break lines that are too wide: at spaces, between Chinese characters, and within a word that is wider itself."""

    def fits(line: str) -> bool:
        return _width(line.rstrip(), text.font, em) <= most

    for paragraph in drawable(text.text, text.font).split("\n"):
        line = ""
        for word in (part for whole in _words(paragraph) for part in _torn(whole, fits)):
            longer = line + word
            if line and not fits(longer):
                yield line.rstrip()
                line = word.lstrip()
            else:
                line = longer
        yield line.rstrip()


def _words(paragraph: str) -> Iterator[str]:
    """Pieces that stay together, each with the space after it."""
    word = ""
    for character, following in pairwise(paragraph + " "):
        word += character
        if (character == " " and following != " ") or ord(character) >= CJK_FROM or ord(following) >= CJK_FROM:
            yield word
            word = ""
    if word:
        yield word


def _torn(word: str, fits: Callable[[str], bool]) -> Iterator[str]:
    """The word, or where it is too wide for a line of its own as much of it as fits, again and again."""
    if fits(word):
        yield word
        return
    part = ""
    for character in word:
        if part and not fits(part + character) and character not in ACCENTS:
            yield part
            part = ""
        part += character
    yield part


def _runs(line: str) -> Iterator[tuple[bool, str]]:
    """Stretches of one font: whether it is the Chinese one, and the characters."""
    run, is_cjk = "", False
    for character in line:
        here = ord(character) >= CJK_FROM
        if run and here != is_cjk:
            yield is_cjk, run
            run = ""
        run, is_cjk = run + character, here
    if run:
        yield is_cjk, run


def _width(line: str, font: str, em: float) -> float:
    return sum(_font("cjk" if is_cjk else font, em).getlength(run) for is_cjk, run in _runs(line))


def _draw_line(pen: ImageDraw.ImageDraw, line: str, text: Text, em: float, left: float, baseline: float) -> None:
    strokes = [round(OUTLINE * em), 0] if text.outline else [0]
    for stroke in strokes:  # every outline first: none may cut into a letter
        x = left
        for is_cjk, run in _runs(line):
            font = _font("cjk" if is_cjk else text.font, em)
            fill = "#000000" if stroke else text.colour
            pen.text((x, baseline), run, fill, font, anchor="ls", stroke_width=stroke, stroke_fill="#000000")
            x += font.getlength(run)


@cache
def _font(name: str, em: float) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(str(FONTS / f"{name}.woff2"), em)


def draw_sticker(layer: Image.Image, sticker: StickerOn) -> None:
    side = max(2, round(sticker.size * layer.height))
    turned = _silhouette(sticker.name, side * SMOOTH).rotate(-sticker.rotation, Image.Resampling.BICUBIC, expand=True)
    mask = turned.resize(
        (max(1, round(turned.width / SMOOTH)), max(1, round(turned.height / SMOOTH))), Image.Resampling.BOX
    )
    coloured = Image.new("RGBA", mask.size, (*ImageColor.getrgb(sticker.colour)[:3], 255))
    coloured.putalpha(mask)
    place = round(sticker.x * layer.width - mask.width / 2), round(sticker.y * layer.height - mask.height / 2)
    layer.paste(coloured, place)  # nothing else is on this layer


def _silhouette(name: str, side: int) -> Image.Image:
    """White on black; where two outlines lie over each other is a hole."""
    whole = Image.new("L", (side, side))
    for outline in outlines(shapes()[name]["path"]):
        one = Image.new("L", (side, side))
        ImageDraw.Draw(one).polygon([(x * side / 100, y * side / 100) for x, y in outline], fill=255)
        whole = ImageChops.difference(whole, one)
    return whole


@cache
def shapes() -> dict[str, Any]:
    """The stickers by name, each `{"viewBox": [0, 0, 100, 100], "path": "M…"}`; the browser draws the same."""
    return json.loads(STICKERS.read_text())


def outlines(path: str) -> Iterator[list[tuple[float, float]]]:
    """Flatten an SVG path of absolute M, L, C and Z into closed lines of points."""
    words = "".join(f" {c} " if c.isalpha() else c for c in path).replace(",", " ").split()
    points: list[tuple[float, float]] = []
    command, place = "", 0
    while place < len(words):
        if words[place].isalpha():
            command = words[place]
            place += 1
        if command == "Z":
            yield points
            points, command = [], ""
            continue
        count = 6 if command == "C" else 2
        numbers = [float(word) for word in words[place : place + count]]
        place += count
        if command == "C":
            points += _curve(points[-1], numbers)
        else:
            points.append((numbers[0], numbers[1]))
            command = "L" if command == "M" else command
    if points:
        yield points


def _curve(start: tuple[float, float], numbers: list[float]) -> list[tuple[float, float]]:
    """Sixteen points of a cubic Bézier."""
    corners = np.array([start, numbers[0:2], numbers[2:4], numbers[4:6]])
    t = np.linspace(0, 1, 17)[1:, None]
    weights = np.hstack([(1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t**2 * (1 - t), t**3])
    return [(float(x), float(y)) for x, y in weights @ corners]
