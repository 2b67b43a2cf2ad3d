"""Every write to clips; what happens to uploads is in `uploads`."""

import logging
from collections.abc import Iterable
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from django.db import transaction
from django.db.models import ProtectedError, RestrictedError
from django.utils import timezone

from accounts.models import User
from foundation import storage
from foundation.files import remove_tree
from jobs.models import Job

from . import clip_files, selectors, visibility
from .media import PreparedMedia
from .models import Clip, ClipParent

log = logging.getLogger(__name__)
TITLE_LENGTH_MAX = 120
# A job that was given a clip a moment before it was deleted finds its file.
FILES_KEPT_FOR = timedelta(hours=1)
# Files are moved into place a moment before their row is there.
ORPHANS_KEPT_FOR = timedelta(hours=3)


def clip_adopt(
    *,
    owner: User,
    title: str,
    media: PreparedMedia,
    parents: Iterable[Clip] = (),
    recipe: dict[str, Any] | None = None,
    job: Job | None = None,
    demo: str = "",
) -> Clip:
    """
    Move prepared files to their place and make the clip's row. Call it inside `Attempt.commit`.

    Should the transaction fail, the files go again: at once, or with the next sweep when the process died.
    """
    clip_id = uuid4()
    try:
        _move_files(clip_id, media)
        with transaction.atomic():
            return _make_row(clip_id, media, parents, owner=owner, title=title, recipe=recipe, job=job, demo=demo)
    except BaseException:
        clip_files.remove_clip(clip_id)
        raise


def clip_rename(*, clip: Clip, title: str) -> Clip:
    clip.title = clean_title(title)
    clip.save(update_fields=["title"])
    return clip


@transaction.atomic
def clip_remove(*, clip: Clip, at: datetime) -> None:
    """
    Take a clip away from its owner. Its files go when nothing that lives was made from it.

    :raises ApplicationError: when a room above still needs it, and says why
    """
    visibility.announce_removal(clip)
    Clip.objects.filter(pk=clip.pk, deleted_at=None).update(deleted_at=at)


def clips_sweep(at: datetime) -> int:
    """Remove what nobody needs any more: deleted clips, and files whose row never came to be."""
    swept = sum(_sweep_row(clip) for clip in selectors.clips_to_sweep(at - FILES_KEPT_FOR).iterator())
    return swept + _sweep_orphans(at)


def clean_title(title: str) -> str:
    """One line, trimmed, never empty."""
    return " ".join("".join(c if c.isprintable() else " " for c in title).split())[:TITLE_LENGTH_MAX] or "Untitled"


def _move_files(clip_id: UUID, media: PreparedMedia) -> None:
    for source, name in [(media.poster, "poster.jpg"), (media.sprite, "sprite.jpg"), (media.video, "video.mp4")]:
        storage.put(source, clip_files.clip_file(clip_id, name))


def _make_row(clip_id: UUID, media: PreparedMedia, parents: Iterable[Clip], *, title: str, **fields: Any) -> Clip:
    now = timezone.now()
    clip = Clip.objects.create(id=clip_id, title=clean_title(title), created_at=now, **media.fields(), **fields)
    unique = list(dict.fromkeys(parent.pk for parent in parents))
    ClipParent.objects.bulk_create(
        ClipParent(child=clip, parent_id=parent, position=position) for position, parent in enumerate(unique)
    )
    return clip


def _sweep_row(clip: Clip) -> bool:
    if Job.objects.filter(state__in=Job.ACTIVE, subject__clip_id=str(clip.pk)).exists():
        return False
    try:
        with transaction.atomic():
            transaction.on_commit(partial(clip_files.remove_clip, clip.pk))
            clip.delete()
    except (ProtectedError, RestrictedError):
        return False  # a room above still refers to it
    return True


def _sweep_orphans(at: datetime) -> int:
    before = (at - ORPHANS_KEPT_FOR).timestamp()
    old = {path.name: path for path in clip_files.local_clip_folders() if path.stat().st_mtime < before}
    known = {
        str(pk)
        for pk in Clip.objects.filter(pk__in=[name for name in old if _is_uuid(name)]).values_list("pk", flat=True)
    }
    orphans: list[Path] = [path for name, path in old.items() if name not in known]
    for path in orphans:
        log.warning("removing files of a clip that never came to be: %s", path.name)
        remove_tree(path)
    return len(orphans)


def _is_uuid(name: str) -> bool:
    try:
        UUID(name)
    except ValueError:
        return False
    return True
