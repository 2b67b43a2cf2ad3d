"""Every write to sounds."""

import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import IO

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from accounts.models import User
from clips.ingest.bounds import Refusal
from clips.media import sha256_of
from clips.services import clean_title
from foundation import storage
from foundation.errors import ApplicationError, Conflict, NotAllowed
from foundation.files import remove_tree, work_directory

from . import catalogue
from .audio.bounds import BYTES_MAX, refusal
from .audio.worker import SoundFacts, read_sound
from .models import Sound
from .selectors import sounds_of

OWN_SOUNDS = 100
# A render that began a moment before finds its file.
FILES_KEPT_FOR = timedelta(hours=1)
ORPHANS_KEPT_FOR = timedelta(hours=3)
BLOCK = 256 * 1024
NAMES_KEPT = 120


class SoundRefused(ApplicationError):
    """What is wrong with a file, for whoever sent it."""

    def __init__(self, refused: Refusal) -> None:
        self.code, self.title = refused.code, refused.title
        self.status = {"too_large": 413, "disk_full": 507}.get(refused.code, 400)
        super().__init__(refused.detail, errors={"audio": [refused.detail]})


class TooManySounds(Conflict):
    code = "too_many_sounds"
    title = "Too many sounds"


@dataclass(frozen=True)
class Reading:
    """A file that somebody sent, read: the sound that is kept, and what it is like."""

    made: Path
    facts: SoundFacts
    source_sha256: str
    filename: str


@contextmanager
def sound_reading(*, audio: IO[bytes], finds_beats: bool) -> Iterator[Reading]:
    """
    Read a file that somebody sent. It takes seconds: do it outside of any transaction, which would hold up the site.

    :raises SoundRefused: not a sound of an accepted kind, damaged, too long or too large
    """
    if (getattr(audio, "size", 0) or 0) > BYTES_MAX:
        raise SoundRefused(refusal("too_large"))
    with _workplace() as directory:
        source = directory / "received"
        with source.open("wb") as file:
            shutil.copyfileobj(audio, file, BLOCK)
        made, facts = _read(source, directory, finds_beats=finds_beats)
        yield Reading(made, facts, sha256_of(source), getattr(audio, "name", "") or "")


def sound_create(*, owner: User, reading: Reading, kind: str, title: str, at: datetime) -> Sound:
    """
    Keep somebody's own music or recording.

    :raises TooManySounds: at the limit
    """
    name = _title_from(title, reading.filename)
    sound = Sound(owner=owner, kind=kind, title=name, source_sha256=reading.source_sha256, created_at=at)
    return _adopt(sound, reading.made, reading.facts)


def library_sound_create(
    *, reading: Reading, title: str, author: str, licence: str, credit: str, moods: str, at: datetime
) -> Sound:
    """Add a track that everybody may use. Who may do so is for the caller to know."""
    words = {"author": author, "licence": licence, "credit": credit, "moods": clean_moods(moods)}
    name = _title_from(title, reading.filename)
    sound = Sound(kind=Sound.Kind.LIBRARY, title=name, source_sha256=reading.source_sha256, created_at=at, **words)
    return _adopt(sound, reading.made, reading.facts)


def library_sound_describe(
    *, sound: Sound, title: str, author: str, licence: str, credit: str, moods: str, removed_at: datetime | None
) -> Sound:
    """
    Correct what is said about a track of the library, take it out, or put it back.

    :raises NotAllowed: somebody's own sound
    """
    if sound.kind != Sound.Kind.LIBRARY:
        raise NotAllowed("Somebody's own sound is theirs to name.")
    words = {"author": author, "licence": licence, "credit": credit, "removed_at": removed_at}
    for field, value in {**words, "title": clean_title(title), "moods": clean_moods(moods)}.items():
        setattr(sound, field, value)
    sound.full_clean(exclude=["owner"])
    sound.save()
    return sound


def sound_remove(*, sound: Sound, by: User, at: datetime) -> None:
    """
    Take an own sound away. What was made with it stays as it is; its file goes with a later sweep.

    :raises NotAllowed: a track of the library, or somebody else's
    """
    if sound.owner_id is None or sound.owner_id != by.pk:
        raise NotAllowed("Only a sound you added yourself can be removed.")
    Sound.objects.filter(pk=sound.pk, removed_at=None).update(removed_at=at)


def track_load(*, track: catalogue.Track) -> tuple[Sound, bool]:
    """
    Make or renew the row and the file of a shipped track; returns it and whether anything had to change.

    :raises SoundRefused: the shipped file cannot be used
    """
    known = Sound.objects.filter(slug=track.name).first()
    words = {name: getattr(track, name) for name in ("title", "author", "licence", "credit")}
    words["moods"] = clean_moods(track.moods)
    if known and known.source_sha256 == track.sha256 and storage_has(known):
        stale = {name: value for name, value in words.items() if getattr(known, name) != value}
        Sound.objects.filter(pk=known.pk).update(**stale)
        return known, bool(stale)
    rhythm = catalogue.rhythm_of(track)
    with _workplace() as directory:
        made, facts = _read(track.file, directory, finds_beats=rhythm is None)
        if rhythm is not None:
            facts = facts.model_copy(update={"bpm": rhythm.bpm, "beats": rhythm.beats})
        sound_id = uuid.uuid5(uuid.NAMESPACE_URL, f"impasto:music:{track.name}")
        sound = known or Sound(id=sound_id, slug=track.name, kind=Sound.Kind.LIBRARY, created_at=timezone.now())
        for field, value in {**words, "source_sha256": track.sha256}.items():
            setattr(sound, field, value)
        return _adopt(sound, made, facts), True


def track_listen(*, track: catalogue.Track) -> catalogue.Rhythm:
    """
    Find tempo and beats of a shipped track anew.

    :raises SoundRefused: the shipped file cannot be used
    """
    with _workplace() as directory:
        _, facts = _read(track.file, directory, finds_beats=track.has_beats)
        return catalogue.Rhythm(facts.bpm, facts.beats)


def storage_has(sound: Sound) -> bool:
    try:
        return sound.audio_path.is_file()
    except FileNotFoundError:
        return False


def sounds_sweep(at: datetime) -> int:
    """Remove own sounds that were taken away, and files whose row never came to be."""
    gone = list(Sound.objects.filter(owner__isnull=False, removed_at__lte=at - FILES_KEPT_FOR))
    for sound in gone:
        file = sound.file
        sound.delete()
        storage.remove_file(file)
    return len(gone) + _sweep_orphans(at)


def clean_moods(text: str) -> str:
    """`Calm, bright` → `,calm,bright,`; nothing → nothing."""
    words = ["-".join("".join(c if c.isalnum() else " " for c in part).split()) for part in text.lower().split(",")]
    kept = list(dict.fromkeys(word[:30] for word in words if word))[:6]
    return f",{','.join(kept)}," if kept else ""


def sounds_check_limit(owner: User) -> None:
    """
    :raises TooManySounds: this person has as many as they may
    """
    most = getattr(settings, "IMPASTO_OWN_SOUNDS", OWN_SOUNDS)
    if sounds_of(owner).count() >= most:
        raise TooManySounds(f"You have {most}. Remove one you no longer use first.")


@contextmanager
def _workplace() -> Iterator[Path]:
    directory = work_directory(f"sound-{uuid.uuid4()}")
    try:
        yield directory
    finally:
        remove_tree(directory)


def _read(source: Path, directory: Path, *, finds_beats: bool) -> tuple[Path, SoundFacts]:
    compiled = Path(settings.VAR_DIR) / "cache" / "compiled"
    try:
        return read_sound(source, directory, finds_beats=finds_beats, compiled=compiled)
    except Refusal as refused:
        raise SoundRefused(refused) from refused


def _adopt(sound: Sound, made: Path, facts: SoundFacts) -> Sound:
    """The file comes before the row: a row never names a file that is not there, and a file without a row is swept."""
    is_new = sound._state.adding
    sizes = {"bytes": made.stat().st_size, "sha256": sha256_of(made)}
    for field, value in {**facts.model_dump(), **sizes}.items():
        setattr(sound, field, value)
    sound.full_clean(validate_unique=False, validate_constraints=False)
    storage.put(made, sound.file)
    try:
        with transaction.atomic():
            if sound.owner is not None:
                # Of two uploads at the limit, the second waits here and counts the first one's.
                User.objects.select_for_update().get(pk=sound.owner.pk)
                sounds_check_limit(sound.owner)
            sound.save()
    except BaseException:
        if is_new:
            storage.remove_file(sound.file)
        raise
    return sound


def _title_from(title: str, filename: str) -> str:
    """What they called it, or what the file is called."""
    stem = Path(os.path.basename(filename.replace("\\", "/"))).stem  # noqa: PTH119  a name, not a path
    return clean_title(title.strip() or stem[:NAMES_KEPT] or "Sound")


def _sweep_orphans(at: datetime) -> int:
    before = (at - ORPHANS_KEPT_FOR).timestamp()
    folders = [path for path in storage.local_folders("sounds") if path.stat().st_mtime < before]
    known = {str(pk) for pk in Sound.objects.values_list("pk", flat=True)}
    orphans = [path for path in folders if path.name not in known]
    for path in orphans:
        remove_tree(path)
    return len(orphans)
