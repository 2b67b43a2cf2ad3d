"""
The only place that knows where finished files live: a folder of this machine, or an object store.

Which one is the `default` entry of Django's STORAGES. Names are relative: `clips/{id}/video.mp4`.
"""

import secrets
import shutil
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from django.conf import settings
from django.core.files import File
from django.core.files.storage import FileSystemStorage, default_storage

from .files import media_path, publish_file, remove_tree


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


def size(name: str) -> int:
    """
    Return the length of a file in bytes, wherever it lives.

    :raises FileNotFoundError: when it is gone
    """
    return media_path(*name.split("/")).stat().st_size if is_local() else default_storage.size(name)


def signed_url(name: str) -> str | None:
    """Return an address of the object store that works for a short while; None where we serve the bytes ourselves."""
    return None if is_local() else default_storage.url(name)


def remove_folder(folder: str, names: Iterable[str]) -> None:
    """Remove a folder; an object store has none, so the names of its files are needed. Some may be gone already."""
    if is_local():
        remove_tree(media_path(*folder.split("/")))
        return
    for name in names:
        with suppress(FileNotFoundError):
            default_storage.delete(f"{folder}/{name}")
    remove_tree(Path(settings.VAR_DIR) / "cache" / folder)


def remove_file(name: str) -> None:
    """Remove one file, with the folder that was its own; it may be gone already."""
    if is_local():
        remove_tree(media_path(*name.split("/")).parent)
        return
    with suppress(FileNotFoundError):
        default_storage.delete(name)
    remove_tree((Path(settings.VAR_DIR) / "cache" / name).parent)


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
