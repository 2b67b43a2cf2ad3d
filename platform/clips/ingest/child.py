"""
The process that opens a stranger's file: `python -m clips.ingest.child`, started by `worker` and by nobody else.

Reads one JSON request from standard input and writes JSON lines to standard output: progress, then how it ended.
"""

import errno
import json
import sys
import time
from pathlib import Path
from typing import Any

import av
import av.error
import numpy  # noqa: F401  before the walls go up: nothing can be loaded afterwards that starts a program

from . import sandbox
from .bounds import Bounds, Refusal
from .convert import convert
from .inspect import inspect

SAY_EVERY_SECONDS = 0.2
DISK_FULL = (errno.ENOSPC, errno.EDQUOT)
# What may be left of the memory when the next frame, with its threads, does not fit any more.
STARVED_BYTES = 128 * 1024 * 1024


class _Voice:
    """Says things to the parent, but not more often than it can use."""

    def __init__(self) -> None:
        self._next = 0.0
        self._began: float | None = None

    def say(self, **message: Any) -> None:
        sys.stdout.write(json.dumps(message) + "\n")
        sys.stdout.flush()

    def checking(self, share: float) -> None:
        if self._is_time():
            self.say(stage="checking", progress=0.1 * share)

    def converting(self, done: int, total: int) -> None:
        now = time.monotonic()
        self._began = self._began or now
        if not self._is_time():
            return
        speed = done / (now - self._began) if now - self._began > 0.5 else None
        progress = 0.1 + 0.8 * done / total
        self.say(stage="converting", progress=progress, frames_done=done, frames_total=total, frames_per_second=speed)

    def _is_time(self) -> bool:
        now = time.monotonic()
        if now < self._next:
            return False
        self._next = now + SAY_EVERY_SECONDS
        return True


def main() -> None:
    request = json.loads(sys.stdin.readline())
    sandbox.die_with(request["parent"])
    bounds = Bounds(**request["bounds"])
    sandbox.limit(bounds)
    source, directory = Path(request["source"]), Path(request["directory"])
    voice = _Voice()
    voice.say(walls=sandbox.confine(reads=[source], writes=[directory]))
    try:
        _work(source, directory, bounds, voice)
    except Refusal as refusal:
        voice.say(refused={"code": refusal.code, "title": refusal.title, "detail": refusal.detail})
    else:
        voice.say(done=True)


def _work(source: Path, directory: Path, bounds: Bounds, voice: _Voice) -> None:
    try:
        inspected = inspect(source, bounds, voice.checking)
        convert(inspected, directory / "video.mp4", directory, bounds, voice.converting)
    except MemoryError:
        raise Refusal("too_costly") from None
    except Refusal as refused:
        # A decoder whose own allocation fails calls the data invalid: it cannot tell the two apart.
        if refused.code == "damaged" and _is_starved(bounds):
            raise Refusal("too_costly") from refused
        raise
    except (OSError, av.error.FFmpegError) as error:
        refusal = _refusal_of(error)
        if refusal is None:
            raise
        raise refusal from error


def _is_starved(bounds: Bounds) -> bool:
    """Whether the address space came within a few frames of its limit (Linux: VmPeak, in kilobytes)."""
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    peak = int(status["VmPeak"].split()[0]) * 1024
    return peak > bounds.memory_bytes - STARVED_BYTES


def _refusal_of(error: OSError | av.error.FFmpegError) -> Refusal | None:
    """What the file's owner is to know of an error; None where the fault is ours."""
    if error.errno in DISK_FULL:
        return Refusal("disk_full")
    # x264 has no other reason to fail than a lack of memory, and no other word for it.
    if error.errno in (errno.ENOMEM, errno.EFBIG) or isinstance(error, av.error.ExternalError):
        return Refusal("too_costly")
    # Our own walls refuse a file that we need: no fault of what was sent.
    if isinstance(error, PermissionError):
        return None
    return Refusal("damaged") if isinstance(error, av.error.FFmpegError) else None


if __name__ == "__main__":
    main()
