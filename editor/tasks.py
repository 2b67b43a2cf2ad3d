"""What the queue runs: the rendering of an edit, in a child process of its own."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from clips.media import prepare_media
from clips.models import Clip
from clips.reporting import Reporter
from clips.selectors import lineage_of
from clips.services import clip_adopt
from jobs.attempts import Attempt, JobFailed

from .checking import Checked, edit_read, look_up
from .models import Sound
from .rendering.render import RenderError, RenderProgress, render_edit
from .segments import segments_folder
from .selectors import clip_ids, credits_of_clips, sound_ids
from .services import missing_words

# Where on the way from 0 to 1 each stage ends: rendering is nearly everything.
CHECKED, RENDERED = 0.03, 0.96


def run_render(attempt: Attempt) -> None:
    """Render an edit and adopt the result; a fault that no retry would mend fails the job in words."""
    payload = attempt.job.payload
    found = _contents(attempt)
    edit, rendered = found.edit, attempt.directory / "rendered.mp4"
    cache = segments_folder(attempt.job.owner)
    try:
        report = render_edit(edit, rendered, files_of(found), cache=cache, on_progress=Progress(attempt))
    except RenderError as fault:
        raise JobFailed(str(fault), code=fault.code, title="This edit could not be rendered") from fault
    attempt.report(stage="finishing", progress=RENDERED)
    media = prepare_media(rendered, attempt.directory, poster_at=edit.cover)
    shown = [found.clips[name] for name in clip_ids(edit)]

    def write() -> dict[str, Any]:
        new = clip_adopt(
            owner=attempt.job.owner,
            title=payload["title"],
            media=media,
            parents=shown,
            recipe=recipe_json(payload["edit"], shown, found.sounds, report.captions),
            job=attempt.job,
        )
        return {"clip_id": str(new.pk)}

    attempt.commit(write)


def recipe_json(
    edit: dict[str, Any], shown: Iterable[Clip], sounds: Mapping[str, Sound], captions: str
) -> dict[str, Any]:
    """
    What a clip remembers of how it was edited: enough to credit it, to say its words and to make it again.

    It credits what it shows and plays, and what that was made from.
    """
    used = [sound for sound in sounds.values() if sound.kind == Sound.Kind.LIBRARY]
    lines = [sound.credit or ", ".join(filter(None, [sound.title, sound.author, sound.licence])) for sound in used]
    credits = list(dict.fromkeys([*lines, *credits_of_clips(lineage_of(shown))]))
    return {"kind": "edit", "edit": edit, "credits": credits, "captions": captions}


def files_of(found: Checked) -> dict[str, Path]:
    """
    The local file of everything the edit shows and plays.

    :raises JobFailed: one is gone from the disk
    """
    wanted: dict[str, Clip | Sound] = {name: found.clips[name] for name in clip_ids(found.edit)}
    wanted |= {name: found.sounds[name] for name in sound_ids(found.edit)}
    try:
        files = {name: item.video_path if isinstance(item, Clip) else item.audio_path for name, item in wanted.items()}
    except FileNotFoundError:
        files = {}
    if len(files) < len(wanted) or not all(path.is_file() for path in files.values()):
        raise JobFailed("The file of a clip or a sound in it is gone.", code="file_gone")
    return files


class Progress:
    """Tells the renderer's progress in the job's numbers."""

    def __init__(self, attempt: Attempt) -> None:
        self._reporter = Reporter(attempt)

    def __call__(self, progress: RenderProgress) -> None:
        stage = stage_of(progress.stage)
        self._reporter.report(
            stage=stage,
            image=progress.frame,
            progress=overall(stage, progress.frames_done, progress.frames_total),
            frames_done=progress.frames_done if stage == "converting" else None,
            frames_total=progress.frames_total,
        )


def stage_of(name: str) -> str:
    """The renderer's stage in the words that jobs have for theirs."""
    return name if name in ("checking", "finishing") else "converting"


def overall(stage: str, done: int, total: int) -> float:
    share = min(1.0, done / max(1, total))
    match stage:
        case "checking":
            return CHECKED * share
        case "converting":
            return CHECKED + (RENDERED - CHECKED) * share
        case _:
            return RENDERED


def _contents(attempt: Attempt) -> Checked:
    found = look_up(attempt.job.owner, *edit_read(attempt.job.payload["edit"]))
    if fault := missing_words(found):
        raise JobFailed(fault, code="something_missing", title="Something in it was deleted")
    return found
