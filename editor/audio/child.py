"""
The process that opens a stranger's sound: started by `worker` and by nobody else.

Reads one JSON request from standard input, leaves `audio.m4a` and `facts.json` in its folder, and says how it ended.
"""

import errno
import json
import sys
from pathlib import Path
from typing import Any

import av
import av.error

from clips.ingest import sandbox
from clips.ingest.bounds import Bounds, Refusal

from . import analysis
from .bounds import refusal
from .convert import convert
from .inspect import inspect, kind_of

SOUND, FACTS = "audio.m4a", "facts.json"
DISK_FULL = (errno.ENOSPC, errno.EDQUOT)


def main() -> None:
    request = json.loads(sys.stdin.readline())
    sandbox.die_with(request["parent"])
    bounds = Bounds(**request["bounds"])
    source, directory = Path(request["source"]), Path(request["directory"])
    # Before the walls go up: nothing can be loaded or compiled afterwards. No text file is worth the seconds.
    if request["finds_beats"] and _may_be_a_sound(source):
        analysis.warm_up()
    sandbox.limit(bounds)
    reads = [source, *map(Path, request["reads"])]
    _say(walls=sandbox.confine(reads=reads, writes=[directory]))
    try:
        facts = _work(source, directory, bounds, finds_beats=request["finds_beats"])
    except Refusal as refused:
        _say(refused={"code": refused.code, "title": refused.title, "detail": refused.detail})
    else:
        (directory / FACTS).write_text(json.dumps(facts))
        _say(done=True)


def _may_be_a_sound(source: Path) -> bool:
    try:
        return bool(kind_of(source))
    except Refusal:
        return False


def _work(source: Path, directory: Path, bounds: Bounds, *, finds_beats: bool) -> dict[str, Any]:
    try:
        samples = convert(inspect(source, bounds), directory / SOUND, bounds)
        bpm, beats = analysis.beats_of(samples) if finds_beats else (None, [])
    except MemoryError:
        raise refusal("too_costly") from None
    except (OSError, av.error.FFmpegError) as error:
        raise _refusal_of(error) from error
    seconds = round(len(samples) / analysis.RATE, 6)
    return {"duration_seconds": seconds, "peaks": analysis.peaks_of(samples), "bpm": bpm, "beats": beats}


def _refusal_of(error: OSError | av.error.FFmpegError) -> Exception:
    """What the sound's owner is to know of an error; the error itself where the fault is ours."""
    if error.errno in DISK_FULL:
        return refusal("disk_full")
    if error.errno in (errno.ENOMEM, errno.EFBIG):
        return refusal("too_costly")
    if isinstance(error, PermissionError) or not isinstance(error, av.error.FFmpegError):
        return error
    return refusal("damaged")


def _say(**message: Any) -> None:
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()
