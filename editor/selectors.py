from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet

from accounts.models import User
from accounts.selectors import user_is_moderator
from clips.demos import credit_of
from clips.models import Clip
from clips.selectors import clips_to_paint
from foundation.errors import NotFound

from .editlist.schema import EditList
from .models import Project, Sound


def projects_of(user: User) -> QuerySet[Project]:
    """Somebody's projects without their edit lists, the one changed last first."""
    return Project.objects.filter(owner=user).defer("edit").select_related("poster_clip").order_by("-updated_at", "-pk")


def project_for_owner(user: User, project_id: UUID) -> Project:
    """
    :raises NotFound: it does not exist, or is somebody else's
    """
    project = Project.objects.filter(owner=user, pk=project_id).select_related("poster_clip").first()
    if project is None:
        raise NotFound("There is no such project.")
    return project


def library() -> QuerySet[Sound]:
    """The tracks everybody signed in may use."""
    return Sound.objects.filter(kind=Sound.Kind.LIBRARY, removed_at=None)


def sounds_of(user: User) -> QuerySet[Sound]:
    return Sound.objects.filter(owner=user, removed_at=None)


def sounds_usable_by(user: User) -> QuerySet[Sound]:
    """What this person may put into an edit: the library and their own."""
    return Sound.objects.filter(Q(kind=Sound.Kind.LIBRARY) | Q(owner=user), removed_at=None)


def sounds_found(
    user: User, *, kind: str | None = None, mood: str = "", bpm_min: float | None = None, bpm_max: float | None = None,
    q: str = "",
) -> QuerySet[Sound]:  # fmt: skip
    """
    Search what this person may use, newest first.

    :param kind: `library` or `mine`; both without
    :param q: words that all occur in title, author or credit
    """
    sounds = {"library": library, "mine": lambda: sounds_of(user)}.get(kind or "", lambda: sounds_usable_by(user))()
    if mood:
        sounds = sounds.filter(moods__contains=f",{mood.strip().lower()},")
    if bpm_min is not None:
        sounds = sounds.filter(bpm__gte=bpm_min)
    if bpm_max is not None:
        sounds = sounds.filter(bpm__lte=bpm_max)
    for word in q.split()[:8]:
        sounds = sounds.filter(Q(title__icontains=word) | Q(author__icontains=word) | Q(credit__icontains=word))
    return sounds.order_by("-created_at", "-pk")


def sound_to_use(user: User, sound_id: UUID) -> Sound:
    """
    :raises NotFound: it does not exist, was removed, or is somebody else's
    """
    sound = sounds_usable_by(user).filter(pk=sound_id).first()
    if sound is None:
        raise NotFound("There is no such sound.")
    return sound


def sound_to_hear(user: User, sound_id: UUID) -> Sound:
    """
    A sound whose file this person may have: what they may use, and everything for a moderator.

    :raises NotFound: it does not exist, or is not theirs to hear
    """
    if user_is_moderator(user):
        sound = Sound.objects.filter(pk=sound_id).first()
        if sound is not None:
            return sound
    return sound_to_use(user, sound_id)


def clip_ids(edit: EditList) -> list[str]:
    """The clips an edit shows, each once, in the order in which they come."""
    return list(dict.fromkeys(segment.clip for segment in edit.segments))


def sound_ids(edit: EditList) -> list[str]:
    """Music first, then recordings, each once."""
    music = [edit.music.track] if edit.music else []
    return list(dict.fromkeys([*music, *(voice.sound for voice in edit.voices)]))


def references(edit: EditList) -> set[str]:
    """Every clip and sound an edit names, also the clips that stood there before they were restyled."""
    unstyled = [segment.unstyled for segment in edit.segments if segment.unstyled]
    return {*clip_ids(edit), *unstyled, *sound_ids(edit)}


def clips_named(user: User, ids: Iterable[str]) -> dict[str, Clip]:
    """Those of the named clips that this person may use, by id."""
    return {str(clip.pk): clip for clip in clips_to_paint(user).filter(pk__in=list(ids))}


def sounds_named(user: User, ids: Iterable[str]) -> dict[str, Sound]:
    """Those of the named sounds that this person may use, by id."""
    return {str(sound.pk): sound for sound in sounds_usable_by(user).filter(pk__in=list(ids))}


def credits_of(recipes: Iterable[dict[str, Any] | None]) -> list[str]:
    """Whose music is heard, by what the clips remember of how they were made; each said once."""
    said = [text for recipe in recipes for text in _edit_part(recipe, "credits", list)]
    return list(dict.fromkeys(text for text in said if isinstance(text, str)))


def credits_of_clips(clips: Iterable[Clip]) -> list[str]:
    """Whom the music and the demos among these clips are from; each said once."""
    clips = list(clips)
    demos = [credit_of(clip.demo) for clip in clips if clip.demo]
    return list(dict.fromkeys([*credits_of(clip.recipe for clip in clips), *filter(None, demos)]))


def music_of(recipes: Iterable[dict[str, Any] | None]) -> UUID | None:
    """The first track of music that the clips remember, whosever it is."""
    for recipe in recipes:
        music = _edit_part(recipe, "edit", dict).get("music")
        if isinstance(music, dict):
            try:
                return UUID(str(music.get("track")))
            except ValueError:
                continue
    return None


def _edit_part(recipe: dict[str, Any] | None, name: str, kind: type) -> Any:
    part = recipe.get(name) if recipe and recipe.get("kind") == "edit" else None
    return part if isinstance(part, kind) else kind()
