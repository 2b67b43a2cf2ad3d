"""The web process's side of the preview: one painting process, one thread that talks to it, the newest wish wins."""

import contextlib
import json
import os
import socket
import subprocess
import sys
import threading
from collections import OrderedDict
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from foundation.errors import ApplicationError, Conflict

ROOT = Path(__file__).resolve().parents[2]
PAINT_SECONDS = 20.0
START_SECONDS = 30.0  # the first picture also waits for torch and the weights
WAITING_PEOPLE = 32


class PreviewSuperseded(Conflict):
    code = "preview_superseded"
    title = "A newer preview was asked for"


class PreviewBusy(ApplicationError):
    status = 503
    code = "preview_busy"
    title = "Too many previews at once"


class PreviewFailed(ApplicationError):
    status = 503
    code = "preview_failed"
    title = "The preview could not be painted"


class PreviewRefused(ApplicationError):
    status = 422
    code = "preview_refused"
    title = "This frame cannot be previewed"


@dataclass
class _Wish:
    request: dict[str, Any]
    answer: "Future[bytes]" = field(default_factory=Future)


class _Process:
    """The painting process and the line to it."""

    def __init__(self, module: str, seconds: float) -> None:
        self._seconds = seconds
        ours, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", module, str(theirs.fileno()), str(os.getpid())],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                cwd=ROOT,
                env={**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "platform")])},
            )
        self._line = Connection(ours.detach())
        self._is_warm = False

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    def ask(self, request: dict[str, Any]) -> bytes:
        """:raises TimeoutError: took too long; :raises EOFError, OSError: it died"""
        self._line.send_bytes(json.dumps(request).encode())
        if not self._line.poll(self._seconds + (0 if self._is_warm else START_SECONDS)):
            raise TimeoutError
        answer = self._line.recv_bytes()
        self._is_warm = True
        return answer

    def end(self) -> None:
        self._line.close()
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()
        self._process.wait()


class PreviewPool:
    """
    Paints one frame at a time for many people.

    Each person has at most one wish waiting: a newer one takes its place, and the older request is told so at once.
    """

    def __init__(self, *, module: str = "stylization.preview.worker", seconds: float = PAINT_SECONDS) -> None:
        self._module = module
        self._seconds = seconds
        self._wishes: OrderedDict[str, _Wish] = OrderedDict()
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._process: _Process | None = None
        self._is_closing = False

    def paint(self, person: str, request: dict[str, Any]) -> bytes:
        """
        Return the JPEG. Blocks until it is painted.

        :raises PreviewSuperseded: the same person asked for another one meanwhile
        :raises PreviewBusy: too many people are waiting
        :raises PreviewFailed: it took too long, or the painting process died twice
        """
        wish = _Wish(request)
        with self._changed:
            self._put(person, wish)
            self._ensure_thread()
            self._changed.notify()
        try:
            return wish.answer.result(timeout=START_SECONDS + 2 * self._seconds)
        except FutureTimeout:
            raise PreviewFailed("It took too long. Try again.") from None

    def close(self) -> None:
        """End the painting process and the thread that talks to it; the next wish starts others."""
        with self._changed:
            thread, self._is_closing = self._thread, True
            self._changed.notify()
        self._discard()
        if thread:
            thread.join(self._seconds)

    @property
    def pid(self) -> int | None:
        """Of the painting process, while there is one."""
        process = self._process
        return process.pid if process and process.alive else None

    def _put(self, person: str, wish: _Wish) -> None:
        older = self._wishes.pop(person, None)
        if older:
            older.answer.set_exception(PreviewSuperseded("Only the newest preview is painted."))
        elif len(self._wishes) >= WAITING_PEOPLE:
            raise PreviewBusy("Many people are trying styles. Try again in a moment.")
        self._wishes[person] = wish

    def _ensure_thread(self) -> None:
        # One thread for good, not the request's: the painting process dies with the thread that started it.
        self._is_closing = False
        if self._thread is None or not self._thread.is_alive():
            self._thread = threading.Thread(target=self._work, name="preview", daemon=True)
            self._thread.start()

    def _work(self) -> None:
        while wish := self._next_wish():
            try:
                wish.answer.set_result(self._painted(wish.request))
            except Exception as fault:
                wish.answer.set_exception(fault)

    def _next_wish(self) -> _Wish | None:
        """Wait for the oldest wish; None, and no thread any more, when the pool is closed and nobody waits."""
        with self._changed:
            self._changed.wait_for(lambda: self._wishes or self._is_closing)
            if self._wishes:
                return self._wishes.popitem(last=False)[1]
            self._thread = None
            self._discard()
            return None

    def _painted(self, request: dict[str, Any]) -> bytes:
        for _ in range(2):  # a process that sat idle may have left in this very moment
            process = self._running()
            try:
                return _opened(process.ask(request))
            except TimeoutError:
                self._discard()
                raise PreviewFailed("It took too long. Try again.") from None
            except (EOFError, OSError):
                self._discard()
                if self._is_closing:
                    break
        raise PreviewFailed("The painting process stopped. Try again.")

    def _running(self) -> _Process:
        if self._process and not self._process.alive:
            self._discard()
        self._process = self._process or _Process(self._module, self._seconds)
        return self._process

    def _discard(self) -> None:
        process, self._process = self._process, None
        if process:
            process.end()


def _opened(answer: bytes) -> bytes:
    kind, content = answer[:1], answer[1:]
    if kind == b"1":
        return content
    refusal = json.loads(content)
    fault = PreviewRefused(refusal["detail"])
    fault.code = refusal["code"]
    raise fault


pool = PreviewPool()
