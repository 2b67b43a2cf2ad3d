import logging
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

import psutil

from . import watchdog
from .processes import PR_SET_CHILD_SUBREAPER, Service, prctl

log = logging.getLogger(__name__)

TICK_SECONDS = 0.2
# The whole stop is promised within five seconds.
GRACE_SECONDS = 3.0


class Supervisor:
    """Keeps services running until told to stop; `on_tick` looks after what a living process cannot say of itself."""

    def __init__(self, services: Sequence[Service], on_tick: Callable[[], None] = lambda: None) -> None:
        self.services = services
        self.on_tick = on_tick
        self.stopping = threading.Event()
        self._will: int | None = None
        self._watchdog: subprocess.Popen[bytes] | None = None
        self._not_ours: set[psutil.Process] = set()

    def run(self) -> None:
        # Orphans of a killed service come to us and not to init, so that nobody is left over as a zombie.
        prctl(PR_SET_CHILD_SUBREAPER, 1)
        self._not_ours = set(psutil.Process().children(recursive=True))
        self._watchdog, self._will = _start_watchdog()
        try:
            while not self.stopping.is_set():
                self._keep_running()
                self._reap_strangers()
                self.on_tick()
                self.stopping.wait(TICK_SECONDS)
        finally:
            self._stop()

    def request_stop(self, *_: object) -> None:
        self.stopping.set()

    def restart(self, service: Service) -> None:
        """Kill a service that lives but does nothing, with its family; it starts again at once."""
        if service.is_alive:
            service.kill()
            service.wait(1)

    def _keep_running(self) -> None:
        for service in self.services:
            if service.process is not None and not service.is_alive:
                group = service.pid
                service.bury()
                self._tell(f"-{group}")
            if service.process is None and service.is_due:
                self._tell(str(service.start()))

    def _reap_strangers(self) -> None:
        """Wait for adopted orphans, and only for those: a service's end belongs to its Popen."""
        ours = {service.pid for service in self.services} | {self._watchdog and self._watchdog.pid}
        with suppress(ChildProcessError):
            while (ended := os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)) and ended.si_pid not in ours:
                os.waitpid(ended.si_pid, 0)

    def _stop(self) -> None:
        deadline = time.monotonic() + GRACE_SECONDS
        for last in (False, True):
            self._stop_these([service for service in self.services if service.stops_last is last], deadline)
        self._kill_adopted()
        if self._will is not None and self._watchdog is not None:
            os.close(self._will)
            self._watchdog.wait(1)

    def _stop_these(self, services: list[Service], deadline: float) -> None:
        for service in services:
            service.ask_to_stop()
        while time.monotonic() < deadline and any(service.is_alive for service in services):
            time.sleep(0.05)
        for service in services:
            service.kill()
            service.wait(1)

    def _kill_adopted(self) -> None:
        """End what left its family's process group: by now everything we started except the watchdog."""
        below = set(psutil.Process().children(recursive=True)) - self._not_ours
        others = [child for child in below if not self._is_watchdog(child)]
        for child in others:
            with suppress(psutil.NoSuchProcess):
                child.kill()
        psutil.wait_procs(others, timeout=1)

    def _is_watchdog(self, process: psutil.Process) -> bool:
        return self._watchdog is not None and process.pid == self._watchdog.pid

    def _tell(self, line: str) -> None:
        if self._will is not None:
            with suppress(BrokenPipeError):
                os.write(self._will, f"{line}\n".encode())


def _start_watchdog() -> tuple[subprocess.Popen[bytes], int]:
    """Start the process that outlives us for a moment; return it and the pipe it listens to."""
    reading, writing = os.pipe()
    process = subprocess.Popen(
        [sys.executable, "-S", "-E", str(Path(watchdog.__file__)), str(reading)],
        pass_fds=[reading],
        stdin=subprocess.DEVNULL,
        start_new_session=True,
    )
    os.close(reading)
    return process, writing
