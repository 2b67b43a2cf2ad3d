"""The clips that ship with the product: videos and `CREDITS.tsv` in `demo/`, readable without a database."""

import csv
from dataclasses import dataclass
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).parent / "demo"


@dataclass(frozen=True)
class Demo:
    name: str
    title: str
    credit: str
    source: str
    licence: str

    @property
    def video(self) -> Path:
        return FOLDER / f"{self.name}.mp4"


@cache
def demos() -> tuple[Demo, ...]:
    with (FOLDER / "CREDITS.tsv").open(encoding="utf-8", newline="") as table:
        return tuple(Demo(**row) for row in csv.DictReader(table, delimiter="\t"))


def credit_of(name: str) -> str:
    """Whom a demo clip is from; empty for a clip that is not one."""
    return next((demo.credit for demo in demos() if demo.name == name), "")
