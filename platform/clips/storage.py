"""
The only place that knows where the files of clips live: a folder of this machine, or an object store.

Which one is the `default` entry of Django's STORAGES. Names are relative: `clips/{id}/video.mp4`.
"""

import secrets
import shutil
from contextlib import suppress
from pathlib import Path
from uuid import UUID

from django.conf import settings
from django.core.files import File
from django.core.files.storage import FileSystemStorage, default_storage

from foundation.files import media_path, publish_file, remove_tree

FOLDER = "clips"
CONTENT_TYPES = {"video.mp4": "video/mp4", "poster.jpg": "image/jpeg", "sprite.jpg": "image/jpeg"}


def clip_file(clip_id: UUID, name: str) -> str:
    return f"{FOLDER}/{clip_id}/{name}"


def is_local() -> bool:
    return isinstance(default_storage, FileSystemStorage) or isinstance(
        getattr(default_storage, "_wrapped", None), FileSystemStorage
    )


def put(source: Path, name: str) -> None:
    """Move a finished file to its place; it is complete there or absent."""
    if is_local():
        publish_file(source, media_path(*name.split("/")))
        return
    with source.open("rb") as file:
        default_storage.save(name, File(file))
    source.unlink()


def local_path(name: str) -> Path:
    """
    Return the file on this machine. What lives elsewhere is fetched into `VAR/cache` once; it never changes.

    :raises FileNotFoundError: when the object store does not have it
    """
    if is_local():
        return media_path(*name.split("/"))
    copy = Path(settings.VAR_DIR) / "cache" / name
    if not copy.is_file():
        _fetch(name, copy)
    return copy


def signed_url(name: str) -> str | None:
    """Return an address of the object store that works for a short while; None where we serve the bytes ourselves."""
    return None if is_local() else default_storage.url(name)


def remove_clip(clip_id: UUID) -> None:
    """Remove all files of a clip; some may be gone already."""
    if is_local():
        remove_tree(media_path(FOLDER, str(clip_id)))
        return
    for name in CONTENT_TYPES:
        with suppress(FileNotFoundError):
            default_storage.delete(clip_file(clip_id, name))
    remove_tree(Path(settings.VAR_DIR) / "cache" / FOLDER / str(clip_id))


def remove_file(name: str) -> None:
    """Remove one file, with the folder that was its own; it may be gone already."""
    if is_local():
        remove_tree(media_path(*name.split("/")).parent)
        return
    with suppress(FileNotFoundError):
        default_storage.delete(name)
    remove_tree((Path(settings.VAR_DIR) / "cache" / name).parent)


def local_clip_folders() -> list[Path]:
    """The folders of clips on this machine, whether a row knows them or not."""
    return local_folders(FOLDER)


def local_folders(kind: str) -> list[Path]:
    """The folders of one kind of media on this machine, whether a row knows them or not."""
    root = media_path(kind)
    return [path for path in root.iterdir() if path.is_dir()] if is_local() and root.is_dir() else []


def _fetch(name: str, copy: Path) -> None:
    copy.parent.mkdir(parents=True, exist_ok=True)
    draft = copy.with_name(f".{copy.name}.{secrets.token_hex(4)}")
    try:
        with default_storage.open(name) as source, draft.open("wb") as target:
            shutil.copyfileobj(source, target)
        draft.replace(copy)
    finally:
        draft.unlink(missing_ok=True)
