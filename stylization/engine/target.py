"""A file that is there when it is finished, and not before."""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from .errors import BadTarget


@contextmanager
def finished_only(destination: Path) -> Iterator[Path]:
    """
    Give a path to write to; on leaving without a fault, what was written becomes `destination` in one step.

    Where the file system can, the file has no name until then, so that even a kill leaves nothing behind. Elsewhere
    (and on other systems than Linux) it is a hidden neighbour that a fault removes.
    """
    refuse_unwritable(destination)
    draft = destination.with_name(f".{destination.name}.{secrets.token_hex(4)}.part")
    handle = _nameless_file(destination.parent)
    try:
        if handle is None:
            yield draft
            _sync(draft)
        else:
            yield Path(f"/proc/self/fd/{handle}")
            os.fsync(handle)
            _name(handle, draft)
        draft.replace(destination)
    finally:
        if handle is not None:
            os.close(handle)
        with suppress(FileNotFoundError):
            draft.unlink()


def refuse_unwritable(destination: Path) -> None:
    """:raises BadTarget: saying which of the usual reasons it is"""
    folder = destination.parent
    if not folder.is_dir():
        raise BadTarget(f"There is no folder {folder}.")
    if destination.is_dir():
        raise BadTarget(f"{destination} is a folder.")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise BadTarget(f"{folder} cannot be written to.")
    if destination.exists() and not os.access(destination, os.W_OK):
        raise BadTarget(f"{destination} is write-protected.")


def _nameless_file(folder: Path) -> int | None:
    if not hasattr(os, "O_TMPFILE") or not Path("/proc/self/fd").is_dir():
        return None
    try:
        # 0o666: the umask decides, as for any file a person makes.
        return os.open(folder, os.O_TMPFILE | os.O_RDWR, 0o666)
    except OSError:  # NFS, overlay and others know no nameless files
        return None


def _name(handle: int, path: Path) -> None:
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        # With a folder handle Python calls linkat, which can follow the link in /proc; plain link never does.
        os.link(f"/proc/self/fd/{handle}", path.name, dst_dir_fd=folder, follow_symlinks=True)
    finally:
        os.close(folder)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
