"""
Clips, sounds and edit lists to try the rules on. Most clips here are rows; rendering makes real ones.

pytest reads this file before Django is set up, which is why the models are imported where they are used.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from django.utils import timezone

if TYPE_CHECKING:
    from clips.models import Clip
    from editor.models import Project, Sound


@pytest.fixture(autouse=True)
def _own_folder(settings: Any, tmp_path: Path) -> None:
    settings.VAR_DIR = tmp_path / "var"
    settings.MEDIA_ROOT = tmp_path / "var" / "media"


@pytest.fixture
def make_clip(db: None) -> Callable[..., Clip]:
    """The row of a clip: ten seconds at 30 frames a second unless said."""
    from clips.models import Clip

    def make(owner: Any, **fields: Any) -> Clip:
        known = {"title": "A walk", "width": 1080, "height": 1920, "duration_seconds": 10.0, "frame_rate": 30.0}
        rest = {"frame_count": 300, "has_audio": False, "bytes": 1000, "sha256": "0" * 64, "created_at": timezone.now()}
        sprite = {"columns": 1, "rows": 1, "frame_width": 64, "frame_height": 48, "count": 1}
        return Clip.objects.create(owner=owner, sprite=sprite, **{**known, **rest, **fields})

    return make


@pytest.fixture
def make_sound(db: None) -> Callable[..., Sound]:
    """The row of a sound: of the library, unless it has an owner."""
    from editor.models import Sound

    def make(owner: Any = None, **fields: Any) -> Sound:
        kind = Sound.Kind.MUSIC if owner else Sound.Kind.LIBRARY
        known = {"kind": kind, "title": "Rain", "credit": "“Rain” by Ada (CC0)", "duration_seconds": 30.0, "bytes": 10}
        rest = {"sha256": "0" * 64, "source_sha256": "1" * 64, "created_at": timezone.now()}
        return Sound.objects.create(owner=owner, **{**known, **rest, **fields})

    return make


@pytest.fixture
def clip(user: Any, make_clip: Callable[..., Clip]) -> Clip:
    return make_clip(user)


@pytest.fixture
def edit_of() -> Callable[..., dict[str, Any]]:
    """An edit list of clips, two seconds of each: `edit_of(walk, sea, music={"track": …})`."""

    def make(*clips: Clip, **more: Any) -> dict[str, Any]:
        segments = [
            {"id": f"s{place}", "clip": str(clip.pk), "start": 0.0, "end": 2.0} for place, clip in enumerate(clips)
        ]
        return {"version": 1, "segments": segments, **more}

    return make


@pytest.fixture
def make_project(edit_of: Callable[..., dict[str, Any]]) -> Callable[..., Project]:
    from editor import services

    def make(owner: Any, *clips: Clip, title: str = "Holiday", edit: Any = None) -> Project:
        whole = edit if edit is not None else edit_of(*clips)
        return services.project_create(owner=owner, title=title, edit=whole, at=timezone.now())

    return make


@pytest.fixture
def nobodys_id() -> str:
    return str(uuid.uuid4())
