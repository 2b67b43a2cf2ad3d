"""What an edit list must be to be kept: whole, laid out, not too long, and of clips and sounds this person may use."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.conf import settings

from accounts.models import User
from clips.models import Clip
from foundation.errors import ApplicationError

from . import selectors
from .editlist.schema import BadEditList, EditList, Segment, read_edit_list
from .editlist.timeline import Timeline, lay_out, whole
from .models import Sound

# Nobody reads more, and a list of garbage could name thousands.
FAULTS_SHOWN, FAULTS_SAID, PATH_LENGTH_MAX, TEXT_LENGTH_MAX = 50, 3, 160, 300
NOT_A_CLIP = "This is not one of your clips."
NOT_A_SOUND = "This is neither a sound of the library nor one of yours."

Faults = dict[str, list[str]]


class EditRefused(ApplicationError):
    """`errors` names each place as a path: `edit.segments.3.end`."""

    code = "edit_refused"
    title = "This edit cannot be used"

    def __init__(self, faults: Mapping[str, list[str]]) -> None:
        shown = {_path(name): [_said(text) for text in texts] for name, texts in list(faults.items())[:FAULTS_SHOWN]}
        said = [f"{name}: {text}" for name, texts in shown.items() for text in texts]
        more = f" And {len(faults) - FAULTS_SAID} more." if len(faults) > FAULTS_SAID else ""
        super().__init__(" ".join(said[:FAULTS_SAID]) + more, errors=shown)


@dataclass(frozen=True)
class Checked:
    """An edit list that may be kept, with what it names."""

    edit: EditList
    timeline: Timeline
    clips: dict[str, Clip]
    sounds: dict[str, Sound]

    @property
    def missing(self) -> list[str]:
        """What it names and this person cannot use any more."""
        return sorted(selectors.references(self.edit) - set(self.clips) - set(self.sounds))

    @property
    def poster_clip(self) -> Clip | None:
        """The clip that is shown at the moment of the cover."""
        at = whole(self.edit.cover * self.timeline.frame_rate)
        shown = [placed for placed in self.timeline.placed if placed.span.start <= at] or self.timeline.placed[:1]
        return self.clips.get(shown[-1].segment.clip) if shown else None


def edit_checked(user: User, data: Any, *, earlier: Iterable[Any] = ()) -> Checked:
    """
    Read an edit list and look at everything it names.

    :param earlier: edits that were kept before; what they name need not be there any more
    :raises EditRefused: naming each place that cannot be used
    """
    edit, timeline = edit_read(data)
    _refuse(_unspeakable(edit))
    checked = look_up(user, edit, timeline)
    known = _known_before(set(checked.missing), earlier)
    _refuse(dict(_foreign(checked, known)) | dict(_overlong(checked)))
    return checked


def edit_read(data: Any) -> tuple[EditList, Timeline]:
    """
    Read an edit list and lay it out, whatever it names.

    :raises EditRefused: naming each place that cannot be used
    """
    try:
        edit = read_edit_list(data)
        return edit, lay_out(edit)
    except BadEditList as bad:
        raise EditRefused(bad.faults) from None
    except (OverflowError, RecursionError):  # numbers and nestings that no edit needs
        raise EditRefused({"edit": ["There are numbers in it that are too large."]}) from None


def look_up(user: User, edit: EditList, timeline: Timeline) -> Checked:
    """What this person may use of all that the edit names."""
    ids = {text for text in selectors.references(edit) if _is_id(text)}
    return Checked(edit, timeline, selectors.clips_named(user, ids), selectors.sounds_named(user, ids))


def _unspeakable(edit: EditList) -> Faults:
    """PostgreSQL keeps no text with a NUL in it, and nobody can see one."""
    return {
        f"texts.{place}.text": ["It holds a character that cannot be shown."]
        for place, text in enumerate(edit.texts)
        if "\0" in text.text
    }


def _known_before(missing: set[str], earlier: Iterable[Any]) -> set[str]:
    """Those of the missing that an earlier edit names; no more of them are read than needed."""
    known: set[str] = set()
    if missing:
        for edit in earlier:
            known |= selectors.references(edit_read(edit)[0]) & missing
            if known == missing:
                break
    return known


def _foreign(checked: Checked, known: set[str]) -> Iterator[tuple[str, list[str]]]:
    clips, sounds = {*checked.clips, *known}, {*checked.sounds, *known}
    for place, segment in enumerate(checked.edit.segments):
        if segment.clip not in clips:
            yield f"segments.{place}.clip", [NOT_A_CLIP]
        if segment.unstyled is not None and segment.unstyled not in clips:
            yield f"segments.{place}.unstyled", [NOT_A_CLIP]
    if checked.edit.music and checked.edit.music.track not in sounds:
        yield "music.track", [NOT_A_SOUND]
    for place, voice in enumerate(checked.edit.voices):
        if voice.sound not in sounds:
            yield f"voices.{place}.sound", [NOT_A_SOUND]


def _overlong(checked: Checked) -> Iterator[tuple[str, list[str]]]:
    for place, segment in enumerate(checked.edit.segments):
        clip = checked.clips.get(segment.clip)
        if clip is not None and _is_past(segment, clip):
            yield f"segments.{place}.end", [f"The clip ends at {clip.duration_seconds:.2f} s."]
    limit, seconds = float(settings.CLIP_SECONDS_MAX), checked.timeline.seconds
    if seconds > limit + 1.5 / checked.timeline.frame_rate:  # a frame for rounding
        yield "segments", [f"The video would last {seconds:.1f} s; at most {limit:.0f} s are possible."]


def _is_past(segment: Segment, clip: Clip) -> bool:
    return segment.end > clip.duration_seconds + 1 / clip.frame_rate + 1e-6


def _refuse(faults: Faults) -> None:
    if faults:
        raise EditRefused(faults)


def _is_id(text: str) -> bool:
    """Ids are compared as text: only the one way in which we write them counts."""
    try:
        return str(UUID(text)) == text
    except ValueError:
        return False


def _path(name: str) -> str:
    """The place in the request's body; unknown names are the sender's own words."""
    place = name if name == "edit" else f"edit.{name}"
    return _said(place, PATH_LENGTH_MAX)


def _said(text: str, most: int = TEXT_LENGTH_MAX) -> str:
    """Text that any encoding and any screen can take."""
    whole = text.encode("utf-8", "replace").decode()
    return "".join(character if character.isprintable() else "?" for character in whole)[:most]
