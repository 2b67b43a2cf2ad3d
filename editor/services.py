"""Every write to projects; sounds are in `sounds`."""

from collections.abc import Iterator
from datetime import datetime
from math import log
from typing import Any, get_args

from django.conf import settings
from django.db import transaction
from django.db.models import F

from accounts.models import User
from clips.models import Clip
from clips.services import clean_title
from foundation.errors import ApplicationError, Conflict
from jobs.models import Job
from jobs.services import job_start

from .apps import RENDER
from .checking import Checked, edit_checked, edit_read, look_up
from .editlist.schema import ASPECTS, VERSION, Canvas, FrameRate, ShortSide
from .models import TITLE_MAX, Project, ProjectRevision

PROJECTS_MAX = 200
REVISIONS_KEPT = 50
SHORT_SIDE_OF_NEW = 720


class TooManyProjects(Conflict):
    code = "too_many_projects"
    title = "Too many projects"


class EditedElsewhere(ApplicationError):
    """Another tab saved meanwhile."""

    status = 412
    code = "edited_elsewhere"
    title = "It was changed elsewhere"


class RevisionRequired(ApplicationError):
    """A save that does not say what it began from could undo somebody's work."""

    status = 428
    code = "revision_required"
    title = "Say which revision you changed"


class NothingToRender(Conflict):
    code = "nothing_to_render"
    title = "There is nothing in it yet"


class SomethingMissing(Conflict):
    """A clip or a sound was deleted after the edit was made."""

    code = "something_missing"
    title = "Something in it was deleted"


def project_create(*, owner: User, title: str, edit: Any, at: datetime) -> Project:
    """
    Begin a project with an edit list.

    :raises EditRefused: naming each place that cannot be used
    :raises TooManyProjects: at the limit
    """
    checked = edit_checked(owner, edit)
    return _make(owner=owner, title=title, at=at, **_columns(checked))


def project_create_from_clip(*, owner: User, clip: Clip, title: str, at: datetime) -> Project:
    """
    Begin a project with the whole of one clip, on the canvas that suits it.

    :raises TooManyProjects: at the limit
    """
    return project_create(owner=owner, title=title or clip.title, edit=edit_of_clip(clip), at=at)


def project_save(*, project: Project, title: str | None, edit: Any, revision: int | None, at: datetime) -> Project:
    """
    Save a project that was at `revision` when the change began; what it was before is kept.

    :param revision: None for whichever it is at
    :raises EditedElsewhere: it is at another one by now; of two saves from one revision, one wins
    :raises EditRefused: naming each place that cannot be used
    """
    if revision is not None and revision != project.revision:
        raise EditedElsewhere("Somebody, perhaps you in another tab, has saved it meanwhile. Load it again.")
    columns = _columns(edit_checked(project.owner, edit, earlier=_earlier_edits(project)))
    named = clean_title(title) if title is not None else project.title
    if columns["edit"] == project.edit and named == project.title:
        return project
    with transaction.atomic():
        _replace(project, {"title": named, **columns}, at)
    project.refresh_from_db()
    return project


def project_duplicate(*, project: Project, at: datetime) -> Project:
    """
    Begin another project with the same edit, also where something in it is gone.

    :raises TooManyProjects: at the limit
    """
    title = f"{project.title[: TITLE_MAX - 7]} (copy)"
    same = {"edit": project.edit, "duration_seconds": project.duration_seconds, "poster_clip": project.poster_clip}
    return _make(owner=project.owner, title=title, at=at, **same)


def project_remove(*, project: Project) -> None:
    """Take a project away for good. Clips, sounds and what was rendered stay."""
    project.delete()


def render_start(*, project: Project, title: str = "") -> Job:
    """
    Queue the rendering of the edit as it is now: a later change of the project does not change it.

    :raises NothingToRender: while it is empty
    :raises SomethingMissing: when a clip or a sound in it was deleted
    :raises TooManyJobs: at the limit of unfinished jobs for one person
    """
    checked = project_contents(project)
    if not checked.edit.segments:
        raise NothingToRender("Put a clip into it first.")
    if fault := missing_words(checked):
        raise SomethingMissing(fault)
    payload = {"title": title.strip()[:TITLE_MAX] or project.title, "edit": project.edit}
    subject = {"project_id": str(project.pk)}
    return job_start(owner=project.owner, kind=RENDER, payload=payload, subject=subject)


def project_contents(project: Project) -> Checked:
    """The saved edit with those of its clips and sounds that are still there."""
    return look_up(project.owner, *edit_read(project.edit))


def missing_words(checked: Checked) -> str:
    """Which places of an edit show or play what is gone; empty when nothing is. What was restyled may be."""
    gone = set(checked.missing)
    shown = [str(place + 1) for place, segment in enumerate(checked.edit.segments) if segment.clip in gone]
    faults = [f"The clip of segment {', '.join(shown)} was deleted: replace it, or take it out."] if shown else []
    if checked.edit.music and checked.edit.music.track in gone:
        faults.append("The music was deleted: choose another.")
    if any(voice.sound in gone for voice in checked.edit.voices):
        faults.append("A recording was deleted: take it out.")
    return " ".join(faults)


def edit_of_clip(clip: Clip) -> dict[str, Any]:
    """An edit list that shows a whole clip."""
    end = min(clip.duration_seconds, float(settings.CLIP_SECONDS_MAX))
    canvas = canvas_for(clip.width, clip.height, clip.frame_rate)
    segment = {"id": "s1", "clip": str(clip.pk), "start": 0.0, "end": end}
    return {"version": VERSION, "canvas": canvas.model_dump(mode="json"), "segments": [segment]}


def canvas_for(width: int, height: int, frame_rate: float) -> Canvas:
    """The canvas nearest to a picture, no larger than a phone shows."""
    aspect = min(ASPECTS, key=lambda name: abs(log(width / height * ASPECTS[name][1] / ASPECTS[name][0])))
    side = min(get_args(ShortSide), key=lambda side: abs(side - min(width, height)))
    rate = min(get_args(FrameRate), key=lambda rate: abs(rate - frame_rate))
    return Canvas.model_validate({"aspect": aspect, "short_side": min(SHORT_SIDE_OF_NEW, side), "frame_rate": rate})


def _earlier_edits(project: Project) -> Iterator[Any]:
    """What the project was, newest first: a step back may bring in again what is gone by now."""
    yield project.edit
    yield from project.earlier.order_by("-revision").values_list("edit", flat=True).iterator()


def _columns(checked: Checked) -> dict[str, Any]:
    """What follows from an edit list."""
    return {
        "edit": checked.edit.model_dump(mode="json"),
        "duration_seconds": round(checked.timeline.seconds, 6),
        "poster_clip": checked.poster_clip,
    }


@transaction.atomic
def _make(*, owner: User, title: str, at: datetime, **columns: Any) -> Project:
    # Of two requests at the limit, the second waits and counts the first one's.
    User.objects.select_for_update().get(pk=owner.pk)
    most = getattr(settings, "EDITOR_PROJECTS_MAX", PROJECTS_MAX)
    if Project.objects.filter(owner=owner).count() >= most:
        raise TooManyProjects(f"You have {most}. Delete one you no longer need first.")
    named = clean_title(title)
    return Project.objects.create(owner=owner, title=named, created_at=at, updated_at=at, **columns)


def _replace(project: Project, columns: dict[str, Any], at: datetime) -> None:
    same = Project.objects.filter(pk=project.pk, revision=project.revision)
    if not same.update(revision=F("revision") + 1, updated_at=at, **columns):
        raise EditedElsewhere("Somebody, perhaps you in another tab, has saved it meanwhile. Load it again.")
    ProjectRevision.objects.create(
        project=project, revision=project.revision, title=project.title, edit=project.edit, saved_at=project.updated_at
    )
    project.earlier.filter(revision__lte=project.revision - REVISIONS_KEPT).delete()
