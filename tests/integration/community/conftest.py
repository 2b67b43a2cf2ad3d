"""
Clips, posts and comments to try the rules on. Clips here are rows; the journeys make real ones.

pytest reads this file before Django is set up, which is why the models are imported where they are used.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from django.utils import timezone

if TYPE_CHECKING:
    from clips.models import Clip
    from community.models import Comment, Post, Report
    from stylization.models import Style


@pytest.fixture
def make_clip(db: None) -> Callable[..., Clip]:
    from clips.models import Clip, ClipParent
    from stylization.models import StyleUse

    def make(owner: Any, *, parents: tuple[Clip, ...] = (), styles: tuple[Style, ...] = (), **fields: Any) -> Clip:
        known = {"title": "A walk", "width": 64, "height": 48, "duration_seconds": 1.0, "frame_rate": 10.0}
        rest = {"frame_count": 10, "has_audio": False, "bytes": 1000, "sha256": "0" * 64, "created_at": timezone.now()}
        sprite = {"columns": 1, "rows": 1, "frame_width": 64, "frame_height": 48, "count": 1}
        clip = Clip.objects.create(owner=owner, sprite=sprite, **{**known, **rest, **fields})
        for position, parent in enumerate(parents):
            ClipParent.objects.create(child=clip, parent=parent, position=position)
        for style in styles:
            StyleUse.objects.create(clip=clip, style=style, weight=1.0)
        return clip

    return make


@pytest.fixture
def make_style(db: None) -> Callable[..., Style]:
    from stylization.models import Style

    def make(slug: str, owner: Any = None) -> Style:
        kind = Style.Kind.OWN if owner else Style.Kind.PRESET
        look = {"palette": ["#000000"] * 5, "accent_on_dark": "#ffffff", "accent_on_light": "#000000"}
        return Style.objects.create(
            slug=slug, name=slug.title(), kind=kind, owner=owner, width=8, height=8, image_sha256="0" * 64, **look
        )

    return make


@pytest.fixture
def make_post(make_clip: Callable[..., Clip]) -> Callable[..., Post]:
    from community import services

    def make(author: Any, caption: str = "", *, show_original: bool = False, clip: Clip | None = None) -> Post:
        shown = clip or make_clip(author)
        return services.post_publish(
            author=author, clip=shown, caption=caption, show_original=show_original, at=timezone.now()
        )

    return make


@pytest.fixture
def make_comment(db: None) -> Callable[..., Comment]:
    from community import services

    def make(post: Post, author: Any, text: str = "Lovely light") -> Comment:
        return services.comment_add(post=post, author=author, text=text, at=timezone.now())

    return make


@pytest.fixture
def make_report(db: None) -> Callable[..., Report]:
    from community import services

    def make(reporter: Any, target: Post | Comment, reason: str = "spam", detail: str = "") -> Report:
        return services.report_file(reporter=reporter, target=target, reason=reason, detail=detail, at=timezone.now())

    return make
