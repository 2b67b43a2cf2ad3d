"""A long-running child that comes back when it dies and never outlives its parent."""

import ctypes
import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

log = logging.getLogger(__name__)

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
BACK_OFF_SECONDS = (0.5, 1, 2, 4, 8, 15, 30)
# A process that ran this long was healthy: the next death starts the back-off from the beginning.
HEALTHY_SECONDS = 60


def prctl(option: int, value: int) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0)


def die_with_parent(parent: int) -> Callable[[], None]:
    """Return a `preexec_fn`: the kernel kills the child when its parent is gone, however that went."""

    def arrange() -> None:
        prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # it went before we asked
            os._exit(1)

    return arrange


@dataclass
class Service:
    """One child in a session of its own, so that a signal reaches its whole family or only itself, as we choose."""

    name: str
    command: Sequence[str]
    environment: dict[str, str] = field(default_factory=dict)
    pass_fds: Sequence[int] = ()
    # The store outlives those who talk to it.
    stops_last: bool = False
    process: subprocess.Popen[bytes] | None = None
    started_at: float = 0
    start_after: float = 0
    deaths: int = 0

    def start(self) -> int:
        self.process = subprocess.Popen(
            self.command,
            env={**os.environ, **self.environment},
            pass_fds=self.pass_fds,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            preexec_fn=die_with_parent(os.getpid()),
        )
        self.started_at = time.monotonic()
        return self.process.pid

    @property
    def pid(self) -> int | None:
        return self.process.pid if self.process else None

    @property
    def is_alive(self) -> bool:
        return self.process is not None and self.process.poll() is None

    @property
    def seconds_up(self) -> float:
        return time.monotonic() - self.started_at if self.is_alive else 0

    @property
    def is_due(self) -> bool:
        return time.monotonic() >= self.start_after

    def bury(self) -> None:
        """Take note of a death: clear away the family it leaves, and decide when to start again."""
        assert self.process is not None
        self.kill()
        lived = time.monotonic() - self.started_at
        self.deaths = 1 if lived > HEALTHY_SECONDS else self.deaths + 1
        wait = BACK_OFF_SECONDS[min(self.deaths, len(BACK_OFF_SECONDS)) - 1]
        self.start_after = time.monotonic() + wait
        code = self.process.returncode
        log.warning("%s ended with %s after %.0f s; starting it again in %s s", self.name, code, lived, wait)
        self.process = None

    def ask_to_stop(self) -> None:
        # Only the main process: django-q hangs when its workers hear the signal as well.
        if self.is_alive:
            self._signal(os.kill, signal.SIGTERM)

    def kill(self) -> None:
        """Kill the process and everything it started."""
        if self.process is not None:
            self._signal(os.killpg, signal.SIGKILL)

    def wait(self, seconds: float) -> bool:
        if self.process is None:
            return True
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(max(seconds, 0))
        return self.process.poll() is not None

    def _signal(self, send: Callable[[int, int], None], number: int) -> None:
        assert self.process is not None
        with suppress(ProcessLookupError):
            send(self.process.pid, number)
