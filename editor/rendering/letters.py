"""Which characters the fonts for words have; the browser reads the same list."""

import json
import re
from bisect import bisect_right
from functools import cache
from itertools import accumulate
from pathlib import Path

from PIL import ImageFont

FONTS = Path(__file__).parents[1] / "static" / "editor" / "fonts"
COVERAGE = FONTS / "coverage.json"
CJK_FROM = 0x2E80
SPACES = re.compile("[\t\r\x85\u2000-\u200a\u2028\u2029\u202f\u205f]")
_LETTERS = range(0x20, CJK_FROM)
_RANGES = {"sans": _LETTERS, "serif": _LETTERS, "hand": _LETTERS, "cjk": range(CJK_FROM, 0x20000)}


def drawable(words: str, font: str) -> str:
    """Leave out what the fonts have no shape for; rare spaces become common ones."""
    return "".join(c for c in SPACES.sub(" ", words) if c == "\n" or has(font, c))


def has(font: str, character: str) -> bool:
    code = ord(character)
    return bisect_right(_edges("cjk" if code >= CJK_FROM else font), code) % 2 == 1


@cache
def _edges(font: str) -> tuple[int, ...]:
    """Where stretches of characters that the font has begin and end, in turns."""
    return tuple(accumulate(json.loads(COVERAGE.read_text())[font]))


def measured() -> dict[str, list[int]]:
    """Ask the fonts themselves: the lengths of the stretches they lack and have, in turns, from 0."""
    return {name: _stretches(name, codes) for name, codes in _RANGES.items()}


def _stretches(name: str, codes: range) -> list[int]:
    font = ImageFont.truetype(str(FONTS / f"{name}.woff2"), 24, layout_engine=ImageFont.Layout.BASIC)
    missing = bytes(font.getmask("\uffff")), font.getlength("\uffff")
    lengths, last, had = [], 0, False
    for code in (*codes, codes.stop):
        shape = font.getmask(chr(code))
        has_it = code < codes.stop and (bytes(shape), font.getlength(chr(code))) != missing
        if has_it != had:
            lengths.append(code - last)
            last, had = code, has_it
    return lengths


if __name__ == "__main__":
    COVERAGE.write_text(json.dumps(measured(), separators=(",", ":")) + "\n")
