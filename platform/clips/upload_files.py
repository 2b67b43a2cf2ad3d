"""The bytes of uploads: one file each, named by us, that one writer at a time may extend."""

import base64
import errno
import fcntl
import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Protocol
from uuid import UUID

from foundation.errors import ApplicationError, Conflict, DiskFull

from . import conf

BLOCK = 256 * 1024
ALGORITHMS = ("sha1", "sha256")
DISK_FULL = (errno.ENOSPC, errno.EDQUOT)


class UploadBusy(Conflict):
    status = 423
    code = "upload_busy"
    title = "Another request is writing to this upload"


class ChecksumMismatch(ApplicationError):
    """The piece arrived changed; none of it was kept."""

    status = 460
    code = "checksum_mismatch"
    title = "The piece arrived changed"


class PieceTooLong(ApplicationError):
    status = 413
    code = "upload_too_long"
    title = "More bytes than were announced"


class Readable(Protocol):
    def read(self, size: int, /) -> bytes: ...


def path_of(upload_id: UUID) -> Path:
    return conf.uploads_root() / f"{upload_id}.part"


def create(upload_id: UUID, length: int) -> None:
    """
    Make the empty file.

    :raises DiskFull: when the rest of it would not fit
    """
    root = conf.uploads_root()
    root.mkdir(parents=True, exist_ok=True, mode=0o700)
    if shutil.disk_usage(root).free < length + conf.disk_reserve():
        raise DiskFull("Nothing was lost. Try again later.")
    with disk_full_said():
        path_of(upload_id).touch(mode=0o600)


def size_of(upload_id: UUID) -> int:
    try:
        return path_of(upload_id).stat().st_size
    except FileNotFoundError:
        return 0


def remove(upload_id: UUID) -> None:
    with suppress(FileNotFoundError):
        path_of(upload_id).unlink()


@contextmanager
def held(upload_id: UUID) -> Iterator[int]:
    """
    Hold the file for writing; gives its descriptor. The kernel lets go of it when the process dies.

    :raises UploadBusy: while another request holds it
    """
    with disk_full_said():
        descriptor = os.open(path_of(upload_id), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UploadBusy("Ask for the offset again and go on from there.") from None
        yield descriptor
    finally:
        os.close(descriptor)


def append(descriptor: int, offset: int, most: int, body: Readable, checksum: str = "") -> int:
    """
    Write a piece at `offset`, at most `most` bytes of it, and return how many are on disk for certain.

    What lies behind the offset (a piece whose end was never noted) is cut off first. After a refusal the file is as
    long as before.

    :raises ChecksumMismatch: the piece is not what the client sent
    :raises PieceTooLong: there is more of it than fits
    :raises DiskFull: there is no room for it
    """
    os.ftruncate(descriptor, offset)
    os.lseek(descriptor, offset, os.SEEK_SET)
    try:
        with disk_full_said():
            written = _copy(descriptor, most, body, checksum)
            os.fsync(descriptor)
            return written
    except BaseException:
        os.ftruncate(descriptor, offset)
        raise


@contextmanager
def disk_full_said() -> Iterator[None]:
    """:raises DiskFull: in place of the system's error"""
    try:
        yield
    except OSError as error:
        if error.errno not in DISK_FULL:
            raise
        raise DiskFull("What has arrived is safe. Try again later.") from error


def _copy(descriptor: int, most: int, body: Readable, checksum: str) -> int:
    algorithm, _, expected = checksum.partition(" ")
    digest = hashlib.new(algorithm) if algorithm else None
    written = 0
    # One byte more than fits tells a body that is too long from one that ends just there.
    while block := body.read(min(BLOCK, most - written + 1)):
        written += len(block)
        if written > most:
            raise PieceTooLong("The upload has a fixed length, and this goes beyond it.")
        if digest is not None:
            digest.update(block)
        _write_all(descriptor, block)
    if digest is not None and base64.b64encode(digest.digest()).decode() != expected:
        raise ChecksumMismatch("Send this piece again.")
    return written


def _write_all(descriptor: int, block: bytes) -> None:
    view = memoryview(block)
    while view:
        view = view[os.write(descriptor, view) :]
