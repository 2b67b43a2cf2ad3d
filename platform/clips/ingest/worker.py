"""The parent's side: starts the child, listens to it, and ends it when it takes too long or is not wanted any more."""

import json
import logging
import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from .bounds import Bounds, Refusal

log = logging.getLogger(__name__)
PACKAGES = Path(__file__).resolve().parents[2]
ENTRY = "clips.ingest.child"
LISTEN_SECONDS = 0.5
LINE_MAX = 64 * 1024
LOG, LOG_TAIL = "child.log", 2000
OnProgress = Callable[..., None]


def make_mezzanine(source: Path, directory: Path, bounds: Bounds, on_progress: OnProgress) -> Path:
    """
    Turn a stranger's file into a mezzanine in `directory`; returns its path.

    `on_progress(stage=, progress=, frames_done=…)` is also called while nothing new is known, so that it can stop the
    work by raising: the child is gone when this returns, however it returns.

    :raises Refusal: what is wrong with the file, for its owner
    """
    run_child(ENTRY, source, directory, bounds, on_progress)
    return directory / "video.mp4"


def run_child(
    entry: str,
    source: Path,
    directory: Path,
    bounds: Bounds,
    on_progress: OnProgress,
    *,
    request: dict[str, Any] | None = None,
    packages: tuple[Path, ...] = (PACKAGES,),
    environment: dict[str, str] | None = None,
) -> None:
    """
    Have `entry.main()` read a stranger's file in a process of its own, behind the walls that it puts up itself.

    It is told `source`, `directory`, `bounds` and what `request` adds, and finds its code in `packages`. What it makes
    lies in `directory`; that is no more to be trusted than the file it was made from.

    :raises Refusal: what is wrong with the file, for its owner
    """
    child = _start(directory, entry, packages, environment or {})
    try:
        _ask(child, {**(request or {}), **_request(source, directory, bounds)})
        _listen(child, bounds, on_progress)
    except RuntimeError:
        log.error("the reading process said: %s", _last_words(directory))
        raise
    finally:
        child.kill()
        child.wait()
        for pipe in (child.stdin, child.stdout):
            if pipe is not None and not pipe.closed:
                pipe.close()


def _start(directory: Path, entry: str, packages: tuple[Path, ...], more: dict[str, str]) -> subprocess.Popen[bytes]:
    """No secrets in its environment, and no way to find them: not even the settings are importable by name."""
    environment = {
        "PATH": os.defpath,
        "PYTHONDONTWRITEBYTECODE": "1",
        "TMPDIR": str(directory),
        "LC_ALL": "C.UTF-8",
        # Address space is bounded: threads and arenas that nobody needs would eat it.
        "OPENBLAS_NUM_THREADS": "1",
        "MALLOC_ARENA_MAX": "2",
        **more,
    }
    paths = [str(path) for path in packages]
    with (directory / LOG).open("wb") as stderr:
        return subprocess.Popen(
            [sys.executable, "-I", "-c", f"import sys; sys.path[:0] = {paths!r}; "
             f"from {entry} import main; main()"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=stderr, env=environment, cwd=directory,
        )  # fmt: skip


def _request(source: Path, directory: Path, bounds: Bounds) -> dict[str, Any]:
    return {
        "parent": os.getpid(),
        "source": str(source.resolve()),
        "directory": str(directory.resolve()),
        "bounds": bounds.to_json(),
    }


def _ask(child: subprocess.Popen[bytes], request: dict[str, Any]) -> None:
    assert child.stdin is not None
    child.stdin.write(json.dumps(request).encode() + b"\n")
    child.stdin.close()


def _listen(child: subprocess.Popen[bytes], bounds: Bounds, on_progress: OnProgress) -> None:
    must_end_at = time.monotonic() + bounds.wall_seconds
    last: dict[str, Any] = {"stage": "checking", "progress": 0.0}
    for message in _messages(child):
        if time.monotonic() > must_end_at:
            raise Refusal("too_costly")
        if message is None:
            on_progress(**last)
            continue
        match message:
            case {"done": True}:
                return
            case {"refused": {"code": str(code), "title": str(), "detail": str()} as refused}:
                raise Refusal.said(code, refused["title"], refused["detail"])
            case {"walls": list(walls)}:
                log.debug("the child is behind %s", walls)
            case {"stage": "checking" | "converting", "progress": float()} as said:
                last = said
                on_progress(**last)
    raise _refusal_of_end(child)


def _messages(child: subprocess.Popen[bytes]) -> Iterator[dict[str, Any] | None]:
    """What the child says, line by line; None every half second that it says nothing."""
    assert child.stdout is not None
    pipe = child.stdout.fileno()
    held = b""
    with selectors.DefaultSelector() as selector:
        selector.register(pipe, selectors.EVENT_READ)
        while True:
            if not selector.select(LISTEN_SECONDS):
                yield None
                continue
            read = os.read(pipe, LINE_MAX)
            if not read:
                return
            *lines, held = (held + read).split(b"\n")
            yield from (_parsed(line) for line in lines)
            if len(held) > LINE_MAX:
                raise Refusal("damaged")


def _parsed(line: bytes) -> dict[str, Any] | None:
    try:
        message = json.loads(line)
    except ValueError:
        return None
    return message if isinstance(message, dict) else None


def _last_words(directory: Path) -> str:
    return (directory / LOG).read_bytes()[-LOG_TAIL:].decode(errors="replace")


def _refusal_of_end(child: subprocess.Popen[bytes]) -> Exception:
    """Why a child that said nothing in the end is gone."""
    code = child.wait()
    if -code in (signal.SIGXCPU, signal.SIGKILL, signal.SIGXFSZ):
        return Refusal("too_costly")
    if -code in (signal.SIGSEGV, signal.SIGBUS, signal.SIGABRT, signal.SIGILL, signal.SIGFPE):
        return Refusal("damaged")
    return RuntimeError(f"the reading process ended with {code}")
