import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import psutil
import pytest

from website.supervisor import lock, processes, watchdog
from website.supervisor.processes import Service
from website.supervisor.supervisor import Supervisor

ROOT = Path(__file__).resolve().parents[3]
# A service with a child of its own in the same process group, as a queue cluster has workers.
FAMILY = "import subprocess, sys, time; subprocess.Popen(['sleep', '60']); print('up', flush=True); time.sleep(60)"


def python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


def eventually(condition, seconds=5.0):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.02)
    return False


def is_running(pid: int) -> bool:
    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE


def run_until(supervisor: Supervisor, condition) -> bool:
    """Run the supervisor's loop in this thread until the condition holds, or for five seconds; then stop it."""
    met = []

    def watch():
        met.append(eventually(condition))
        supervisor.request_stop()

    watcher = threading.Thread(target=watch)
    watcher.start()
    supervisor.run()
    watcher.join()
    return met[0]


def test_a_service_that_dies_comes_back(monkeypatch, tmp_path):
    monkeypatch.setattr(processes, "BACK_OFF_SECONDS", (0.05,))
    log = tmp_path / "starts"
    service = Service("short", python(f"open({str(log)!r}, 'a').write('x')"))

    assert run_until(Supervisor([service]), lambda: log.exists() and len(log.read_text()) >= 3)


def test_a_service_that_keeps_dying_is_started_ever_more_rarely():
    service = Service("short", ["true"])
    waits = []

    for _ in range(9):
        service.start()
        assert service.wait(5)
        service.bury()
        waits.append(round(service.start_after - time.monotonic(), 1))

    assert waits == [0.5, 1, 2, 4, 8, 15, 30, 30, 30]


def test_a_service_that_ran_well_is_started_again_at_once(monkeypatch):
    service = Service("healthy", ["true"], deaths=6)
    service.start()
    assert service.wait(5)
    service.started_at -= processes.HEALTHY_SECONDS + 1

    service.bury()

    assert service.deaths == 1


def test_a_dead_services_family_is_cleared_away():
    service = Service("family", python(FAMILY))
    service.start()
    assert service.process is not None
    assert eventually(lambda: psutil.Process(service.process.pid).children())
    child = psutil.Process(service.process.pid).children()[0]

    os.kill(service.process.pid, signal.SIGKILL)
    assert service.wait(5)
    service.bury()

    assert eventually(lambda: not is_running(child.pid))


def test_stopping_ends_every_family_even_one_that_does_not_listen():
    service = Service("deaf", python(f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {FAMILY}"))
    families: list[int] = []

    def up():
        if service.pid is None:
            return False
        families[:] = [service.pid, *(child.pid for child in psutil.Process(service.pid).children())]
        return len(families) == 2

    began = time.monotonic()
    assert run_until(Supervisor([service]), up)

    assert not any(map(is_running, families))
    assert time.monotonic() - began < 10


def test_what_left_its_family_is_ended_as_well(tmp_path):
    note = tmp_path / "pid"
    runaway = (
        "import subprocess, time; p = subprocess.Popen(['sleep', '60'], start_new_session=True);"
        f"open({str(note)!r}, 'w').write(str(p.pid)); time.sleep(60)"
    )

    assert run_until(Supervisor([Service("runaway", python(runaway))]), lambda: note.exists() and note.read_text())

    assert not is_running(int(note.read_text()))


def test_the_store_stops_after_those_who_talk_to_it(tmp_path):
    log = tmp_path / "log"
    code = (
        "import signal, sys, time\n"
        "def stop(*_):\n"
        "    time.sleep({pause}); open({log!r}, 'a').write('{name} '); sys.exit()\n"
        "signal.signal(15, stop); open({log!r} + '{name}', 'w').close(); time.sleep(60)"
    )
    store = Service("store", python(code.format(pause=0, name="store", log=str(log))), stops_last=True)
    talker = Service("talker", python(code.format(pause=0.5, name="talker", log=str(log))))

    run_until(
        Supervisor([store, talker]),
        lambda: Path(f"{log}store").exists() and Path(f"{log}talker").exists(),
    )

    assert log.read_text() == "talker store "


def test_a_killed_supervisor_takes_its_grandchildren_along(tmp_path):
    note = tmp_path / "pids"
    code = f"""
        import subprocess, sys, time
        sys.path[:0] = [{str(ROOT)!r}, {str(ROOT / "platform")!r}]
        import psutil
        from website.supervisor.processes import Service
        from website.supervisor.supervisor import Supervisor

        def note():
            pids = [child.pid for child in psutil.Process().children(recursive=True)]
            if len(pids) == 3:  # the watchdog, the service and its child
                open({str(note)!r}, "w").write(" ".join(map(str, pids)))

        Supervisor([Service("family", [sys.executable, "-c", {FAMILY!r}])], note).run()
    """
    supervisor = subprocess.Popen(python(textwrap.dedent(code)), stdout=subprocess.DEVNULL)
    try:
        assert eventually(lambda: note.exists() and len(note.read_text().split()) == 3)
        pids = [int(pid) for pid in note.read_text().split()]
    finally:
        supervisor.kill()
        supervisor.wait()

    assert eventually(lambda: not any(map(is_running, pids)))


def test_the_watchdog_forgets_families_that_ended_before():
    reading, writing = os.pipe()
    survivor = subprocess.Popen(["sleep", "60"], start_new_session=True)
    victim = subprocess.Popen(["sleep", "60"], start_new_session=True)
    watch = subprocess.Popen(
        [sys.executable, str(Path(watchdog.__file__)), str(reading)], pass_fds=[reading], start_new_session=True
    )
    os.close(reading)
    os.write(writing, f"{survivor.pid}\n{victim.pid}\n-{survivor.pid}\n".encode())

    os.close(writing)

    try:
        assert watch.wait(5) == 0
        assert victim.wait(5) == -signal.SIGKILL
        assert survivor.poll() is None
    finally:
        survivor.kill()
        survivor.wait()


def test_the_lock_names_its_holder_and_goes_with_it(tmp_path):
    path = tmp_path / "lock"
    held = lock.take(path, "at http://here (process 1)")

    with pytest.raises(lock.AlreadyRunning, match="at http://here"):
        lock.take(path, "second")
    os.close(held)

    os.close(lock.take(path, "third"))
