"""The shipped presets: pictures and `presets.tsv` in `presets/`, readable without a database."""

import csv
import difflib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).parent / "presets"


@dataclass(frozen=True)
class Preset:
    position: int
    slug: str
    title: str
    artist: str
    year: str
    licence: str
    credit: str

    @property
    def picture(self) -> Path:
        return FOLDER / f"{self.slug}.jpg"


@cache
def presets() -> tuple[Preset, ...]:
    with (FOLDER / "presets.tsv").open(encoding="utf-8", newline="") as table:
        return tuple(
            Preset(position=at, **row) for at, row in enumerate(csv.DictReader(table, delimiter="\t"), start=1)
        )


def find_preset(name: str) -> Preset | None:
    """By slug, by title, or by any part that only one of them has: `starry-night`, `The Scream`, `klimt`."""
    wanted = _plain(name)
    for preset in presets():
        if wanted in (preset.slug, _plain(preset.title)):
            return preset
    holding = [preset for preset in presets() if wanted and wanted in preset.slug]
    return holding[0] if len(holding) == 1 else None


def near_names(name: str, count: int = 3) -> list[str]:
    wanted = _plain(name)
    holding = [preset.slug for preset in presets() if wanted and wanted in preset.slug]
    if holding:
        return holding[:count]
    parts = {part: preset.slug for preset in presets() for part in _parts(preset.slug)}
    near = difflib.get_close_matches(wanted, parts, n=count * 2, cutoff=0.6)
    return list(dict.fromkeys(parts[part] for part in near))[:count]


def _parts(slug: str) -> list[str]:
    words = slug.split("-")
    return [slug, "-".join(words[1:]) or slug, *(word for word in words if len(word) > 3)]


def _plain(name: str) -> str:
    return "-".join("".join(char if char.isalnum() else " " for char in name.lower()).split())
