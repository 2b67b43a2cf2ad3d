"""The music that ships with the product: sounds and `CREDITS.tsv` in `music/`, readable without a database."""

import csv
import hashlib
import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).parent / "music"
# What librosa found in the files, so that nobody's first start has to wait for it: `manage.py load_music --listen`.
BEATS = FOLDER / "beats.json"


@dataclass(frozen=True)
class Track:
    name: str
    title: str
    author: str
    licence: str
    credit: str
    source: str
    moods: str
    # “yes” where a steady beat can be heard.
    beats: str

    @property
    def file(self) -> Path:
        return FOLDER / f"{self.name}.ogg"

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.file.read_bytes()).hexdigest()

    @property
    def has_beats(self) -> bool:
        return self.beats == "yes"


@dataclass(frozen=True)
class Rhythm:
    bpm: float | None
    beats: list[float]


@cache
def tracks() -> tuple[Track, ...]:
    with (FOLDER / "CREDITS.tsv").open(encoding="utf-8", newline="") as table:
        return tuple(Track(**row) for row in csv.DictReader(table, delimiter="\t"))


def rhythm_of(track: Track) -> Rhythm | None:
    """What was found in exactly this file; None when nobody has listened to it yet."""
    if not track.has_beats:
        return Rhythm(None, [])
    known = json.loads(BEATS.read_text()) if BEATS.exists() else {}
    found = known.get(track.name)
    return Rhythm(found["bpm"], found["beats"]) if found and found["source_sha256"] == track.sha256 else None


def rhythms_write(found: dict[str, Rhythm]) -> None:
    """Keep what was found, by the names of the tracks."""
    known = {track.name: track for track in tracks()}
    rows = {
        name: {"source_sha256": known[name].sha256, "bpm": rhythm.bpm, "beats": rhythm.beats}
        for name, rhythm in sorted(found.items())
    }
    BEATS.write_text(json.dumps(rows, indent=None, separators=(",", ":")) + "\n")
