"""The rendered segments that are kept: bounded, and the ones used longest ago go first."""

import os
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.utils import timezone

from editor.segments import segments_folder, segments_sweep


@pytest.fixture
def folder(settings: Any, tmp_path: Path) -> Path:
    settings.VAR_DIR = tmp_path
    settings.EDITOR_SEGMENT_BYTES_MAX = 250
    return segments_folder(SimpleNamespace(pk=7))  # type: ignore[arg-type]


def keep(folder: Path, name: str, *, hours_ago: float) -> Path:
    path = folder / name
    path.write_bytes(b"x" * 100)
    at = (timezone.now() - timedelta(hours=hours_ago)).timestamp()
    os.utime(path, (at, at))
    return path


def test_what_was_used_longest_ago_goes_first(folder: Path) -> None:
    oldest, older, newest = (
        keep(folder, "b", hours_ago=3),
        keep(folder, "c", hours_ago=2),
        keep(folder, "a", hours_ago=1),
    )

    assert segments_sweep(timezone.now()) == 1

    assert [path.exists() for path in (oldest, older, newest)] == [False, True, True]


def test_everybodys_count_together(folder: Path) -> None:
    somebody_elses = segments_folder(SimpleNamespace(pk=8))  # type: ignore[arg-type]
    oldest = keep(somebody_elses, "a", hours_ago=3)
    for name in "bc":
        keep(folder, name, hours_ago=1)

    segments_sweep(timezone.now())

    assert not oldest.exists()


def test_what_fits_stays(folder: Path) -> None:
    kept = [keep(folder, name, hours_ago=9) for name in "ab"]

    assert segments_sweep(timezone.now()) == 0
    assert all(path.exists() for path in kept)


def test_what_nobody_used_for_a_week_goes(folder: Path) -> None:
    forgotten, kept = keep(folder, "a", hours_ago=8 * 24), keep(folder, "b", hours_ago=6 * 24)

    assert segments_sweep(timezone.now()) == 1
    assert [forgotten.exists(), kept.exists()] == [False, True]


def test_what_a_render_may_be_reading_stays(folder: Path) -> None:
    kept = [keep(folder, name, hours_ago=0) for name in "abcd"]

    assert segments_sweep(timezone.now()) == 0
    assert all(path.exists() for path in kept)


def test_without_any_there_is_nothing_to_do(settings: Any, tmp_path: Path) -> None:
    settings.VAR_DIR = tmp_path / "new"

    assert segments_sweep(timezone.now()) == 0
