"""What the files of a clip are called in the storage (`foundation.storage`): `clips/{id}/video.mp4`."""

from pathlib import Path
from uuid import UUID

from foundation import storage

FOLDER = "clips"
CONTENT_TYPES = {"video.mp4": "video/mp4", "poster.jpg": "image/jpeg", "sprite.jpg": "image/jpeg"}


def clip_file(clip_id: UUID, name: str) -> str:
    return f"{FOLDER}/{clip_id}/{name}"


def remove_clip(clip_id: UUID) -> None:
    """Remove all files of a clip; some may be gone already."""
    storage.remove_folder(f"{FOLDER}/{clip_id}", CONTENT_TYPES)


def local_clip_folders() -> list[Path]:
    """The folders of clips on this machine, whether a row knows them or not."""
    return storage.local_folders(FOLDER)
