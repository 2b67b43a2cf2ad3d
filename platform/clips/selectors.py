from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from django.db.models import Exists, OuterRef, Prefetch, Q, QuerySet

from accounts.models import User
from foundation.errors import NotFound

from . import visibility
from .models import Clip, ClipParent, Upload

# Far more than people make; a chain without an end would be asked for again and again.
GENERATIONS_MAX = 8


def clips_of(user: User) -> QuerySet[Clip]:
    """Somebody's clips, newest first, with what the API says about them."""
    return _shown().filter(owner=user).order_by("-created_at", "-pk")


def demo_clips() -> QuerySet[Clip]:
    """The clips that ship with the product."""
    return _shown().exclude(demo="").order_by("-created_at", "-pk")


def clip_for_owner(user: User, clip_id: UUID) -> Clip:
    """
    A clip this person may change, publish and delete.

    :raises NotFound: it does not exist, is deleted, or is somebody else's
    """
    return _found(clips_of(user).filter(pk=clip_id).first())


def clip_to_paint(user: User, clip_id: UUID) -> Clip:
    """
    A clip this person may look at frame by frame and paint: an own one, or a demo.

    :raises NotFound: it is neither
    """
    return _found(clips_to_paint(user).filter(pk=clip_id).first())


def clips_to_paint(user: User) -> QuerySet[Clip]:
    """All clips that `clip_to_paint` finds."""
    return _shown().filter(Q(owner=user) | ~Q(demo="")).order_by("-created_at", "-pk")


def parents_of(clips: Iterable[Clip]) -> list[Clip]:
    """What clips were made from, each once; deleted ones too, because credit is due."""
    links = ClipParent.objects.filter(child__in=[clip.pk for clip in clips]).select_related("parent")
    return list(dict.fromkeys(link.parent for link in links.order_by("position", "pk")))


def lineage_of(clips: Iterable[Clip]) -> list[Clip]:
    """The clips and what they were made from through the generations, nearest first, each once."""
    generation = list(dict.fromkeys(clips))
    known = dict.fromkeys(generation)
    for _ in range(GENERATIONS_MAX):
        generation = [clip for clip in parents_of(generation) if clip not in known]
        if not generation:
            break
        known |= dict.fromkeys(generation)
    return list(known)


def clip_to_watch(user: visibility.Viewer, clip_id: UUID) -> Clip:
    """
    :raises NotFound: it does not exist, or nothing shows it to this person
    """
    clip = Clip.objects.filter(pk=clip_id).first()
    return _found(clip if clip is not None and visibility.may_watch(clip, user) else None)


def upload_for_owner(user: User, upload_id: UUID, at: datetime) -> Upload:
    """
    :raises NotFound: it does not exist, has expired, or is somebody else's
    """
    mine = Upload.objects.filter(owner=user, pk=upload_id, expires_at__gt=at).select_related("job")
    upload = mine.first()
    if upload is None:
        raise NotFound("There is no such upload, or it has expired.")
    return upload


def clips_to_sweep(before: datetime) -> QuerySet[Clip]:
    """Deleted clips that no living one was made from."""
    living = ClipParent.objects.filter(parent=OuterRef("pk"), child__deleted_at=None)
    return Clip.objects.filter(~Exists(living), deleted_at__lte=before).order_by("deleted_at", "pk")


def _shown() -> QuerySet[Clip]:
    links = ClipParent.objects.select_related("parent").order_by("position", "pk")
    return (
        Clip.objects.filter(deleted_at=None)
        .select_related("owner")
        .prefetch_related(Prefetch("parent_links", queryset=links))
    )


def _found(clip: Clip | None) -> Clip:
    if clip is None:
        raise NotFound("There is no such clip.")
    return clip
