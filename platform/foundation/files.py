"""Files that are either complete at their place or not there at all, whatever dies in between."""

import errno
import os
import shutil
import tempfile
from pathlib import Path

from django.conf import settings
from django.core.exceptions import SuspiciousFileOperation

DISK_FULL = (errno.ENOSPC, errno.EDQUOT)
POSTGRES_DISK_FULL = "53100"


def media_path(*parts: str) -> Path:
    """
    Return where a media file lives, whether it is there yet or not.

    :raises SuspiciousFileOperation: when the parts lead out of the media folder
    """
    root = Path(settings.MEDIA_ROOT)
    path = Path(os.path.normpath(root.joinpath(*map(str, parts))))
    if root not in path.parents:
        raise SuspiciousFileOperation(f"{'/'.join(map(str, parts))} is outside the media folder")
    return path


def publish_file(source: Path, destination: Path) -> None:
    """
    Move a finished file to its place: bytes on disk first, then one rename, then the folder entry on disk.

    Makes the folders. Across file systems the bytes are copied beside the destination first, so that the rename
    stays one step.
    """
    _make_folders(destination.parent)
    try:
        _sync(source)
        source.replace(destination)
    except OSError as error:
        if error.errno != errno.EXDEV:  # another file system
            raise
        _copy_and_rename(source, destination)
    _sync(destination.parent)


def remove_tree(path: Path) -> None:
    """Remove a folder and what is in it; it may be half gone already."""
    shutil.rmtree(path, ignore_errors=True)


def is_disk_full(error: BaseException) -> bool:
    """Tell whether the system, SQLite or PostgreSQL refused a write for want of room."""
    if isinstance(error, OSError):
        return error.errno in DISK_FULL
    # Django keeps the driver's own error as the cause.
    name, state = (getattr(error.__cause__, attribute, "") for attribute in ("sqlite_errorname", "sqlstate"))
    return name == "SQLITE_FULL" or state == POSTGRES_DISK_FULL


def work_directory(name: str) -> Path:
    """Return the private folder `VAR_DIR/work/name`, made if needed. Whoever fills it removes it (`remove_tree`)."""
    root = Path(settings.VAR_DIR) / "work"
    root.mkdir(parents=True, exist_ok=True, mode=0o700)
    directory = root / Path(name).name
    directory.mkdir(exist_ok=True, mode=0o700)
    return directory


def _copy_and_rename(source: Path, destination: Path) -> None:
    descriptor, name = tempfile.mkstemp(dir=destination.parent, prefix=".arriving-")
    os.close(descriptor)
    copy = Path(name)
    try:
        shutil.copyfile(source, copy)
        _sync(copy)
        copy.replace(destination)
    except BaseException:
        copy.unlink(missing_ok=True)
        raise
    source.unlink()


def _make_folders(folder: Path) -> None:
    """Like `mkdir -p`, with every new name on disk: an fsync of the innermost folder would not save its parents."""
    missing = [path for path in (folder, *folder.parents) if not path.is_dir()]
    for path in reversed(missing):
        path.mkdir(exist_ok=True)
        _sync(path.parent)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
