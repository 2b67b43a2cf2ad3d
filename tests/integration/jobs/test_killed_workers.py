"""Real processes, really killed: whatever dies, a job ends exactly once."""

import hashlib
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing, suppress
from pathlib import Path
from typing import Any
from uuid import UUID

import psutil
import pytest

pytestmark = pytest.mark.live
ROOT = Path(__file__).resolve().parents[3]
LIVE = Path(__file__).parent / "live"
MANAGE = [sys.executable, str(ROOT / "manage.py")]


def environment(var: Path) -> dict[str, str]:
    path = os.pathsep.join([str(LIVE), str(ROOT), str(ROOT / "platform")])
    changes = {"IMPASTO_VAR": str(var), "DJANGO_SETTINGS_MODULE": "live_settings", "PYTHONPATH": path}
    return {**os.environ, **changes, "IMPASTO_CHANNEL_LAYER": "memory", "IMPASTO_LOG_FORMAT": "json"}


class Works:
    """`manage.py serve --only workers` on a database of its own, and a hand on the other side that queues jobs."""

    def __init__(self, var: Path) -> None:
        self.var = var
        self.output = var / "output"
        self.source = var / "source"
        self.source.write_bytes(bytes(range(256)) * 400)
        subprocess.run([*MANAGE, "migrate", "-v0"], env=environment(var), check=True, timeout=120)
        self.driver = self._start("drive", stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        with self.output.open("wb") as output:
            self.site = self._start("serve", "--only", "workers", stdout=output, stderr=subprocess.STDOUT)

    def _start(self, *command: str, **options: Any) -> subprocess.Popen[bytes]:
        return subprocess.Popen([*MANAGE, *command], env=environment(self.var), **options)

    def ask(self, verb: str, argument: Any) -> str:
        wishes, answers = self.driver.stdin, self.driver.stdout
        assert wishes is not None
        assert answers is not None
        wishes.write(json.dumps([verb, argument]).encode() + b"\n")
        wishes.flush()
        return json.loads(answers.readline())

    def start(self, *, steps: int) -> str:
        return self.ask("start", {"path": str(self.source), "steps": steps})

    def query(self, sql: str, *values):
        with closing(sqlite3.connect(f"file:{self.var}/db.sqlite3?mode=ro", uri=True, timeout=10)) as database:
            return database.execute(sql, values).fetchall()

    def job(self, job_id: str) -> dict:
        names = ["state", "attempts", "progress", "worker", "token", "result", "trouble"]
        (row,) = self.query(f"SELECT {', '.join(names)} FROM jobs_job WHERE id = ?", UUID(job_id).hex)
        return dict(zip(names, row, strict=True))

    def wait_for(self, condition, seconds: float = 60):
        deadline = time.monotonic() + seconds
        while not (answer := condition()):
            assert time.monotonic() < deadline, self.output.read_text()
            assert self.site.poll() is None, self.output.read_text()
            time.sleep(0.05)
        return answer

    def wait_until_busy(self, job_id: str) -> dict:
        self.wait_for(lambda: self.job(job_id)["state"] == "running" and self.job(job_id)["progress"] > 0.1)
        return self.job(job_id)

    def wait_until_idle(self) -> int:
        """Wait until a worker has shown that it works; return its process id."""
        return self.wait_for(self.living_worker)

    def living_worker(self) -> int | None:
        rows = self.query("SELECT worker FROM jobs_workerbeat ORDER BY at DESC LIMIT 1")
        pid = int(rows[0][0].rpartition(":")[2]) if rows else 0
        family = {member.pid: member for member in psutil.Process(self.site.pid).children(recursive=True)}
        return pid if pid in family and family[pid].status() != psutil.STATUS_ZOMBIE else None

    def children_of(self, job: dict) -> list[psutil.Process]:
        """The processes that carry out this attempt."""
        token = str(UUID(job["token"]))
        return [child for child in psutil.process_iter() if token in words_of(child)]

    def assert_finished_once(self, job_id: str) -> dict:
        self.wait_for(lambda: self.job(job_id)["state"] not in ("queued", "running"))
        job = self.job(job_id)
        assert job["state"] == "succeeded", job
        assert self.query("SELECT count(*) FROM finished WHERE job = ?", UUID(job_id).hex) == [(1,)]
        digest = (self.var / "media" / "hashes" / job_id).read_text()
        assert json.loads(job["result"]) == {"digest": digest}
        assert digest == hashlib.sha256(self.source.read_bytes()).hexdigest()
        return job

    def leftovers(self) -> list[Path]:
        return list((self.var / "work").glob("job-*"))

    def stop(self) -> None:
        self.site.send_signal(signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            self.site.wait(8)
        self.site.kill()
        self.site.wait()
        self.driver.communicate()


def words_of(process: psutil.Process) -> list[str]:
    with suppress(psutil.Error):
        return process.cmdline()
    return []


@pytest.fixture(scope="module")
def works(tmp_path_factory):
    works = Works(tmp_path_factory.mktemp("works"))
    try:
        works.wait_until_idle()
        yield works
    finally:
        works.stop()


def test_a_busy_job_is_cancelled_within_two_seconds_and_leaves_no_file(works):
    job_id = works.start(steps=100)
    children = works.children_of(works.wait_until_busy(job_id))
    assert len(children) == 1
    assert works.leftovers()

    began = time.monotonic()
    works.ask("cancel", job_id)
    works.wait_for(lambda: works.job(job_id)["state"] == "cancelled")

    assert time.monotonic() - began < 2
    assert not children[0].is_running()
    assert works.leftovers() == []
    assert not (works.var / "media" / "hashes" / job_id).exists()


def test_a_job_whose_worker_is_killed_finishes_once(works):
    job_id = works.start(steps=10)
    before = works.wait_until_busy(job_id)
    (child,) = works.children_of(before)

    os.kill(int(before["worker"].rpartition(":")[2]), signal.SIGKILL)

    child.wait(2)
    job = works.assert_finished_once(job_id)
    assert job["attempts"] == 2
    works.wait_for(lambda: works.leftovers() == [])


def test_a_job_whose_own_process_is_killed_finishes_once(works):
    job_id = works.start(steps=10)
    (child,) = works.children_of(works.wait_until_busy(job_id))

    child.kill()

    works.wait_for(lambda: "SIGKILL" in works.job(job_id)["trouble"], seconds=3)
    assert works.assert_finished_once(job_id)["attempts"] == 2


def test_a_job_finishes_once_after_an_idle_worker_was_killed(works):
    os.kill(works.wait_until_idle(), signal.SIGKILL)

    job_id = works.start(steps=5)

    works.assert_finished_once(job_id)


def test_a_job_finishes_once_after_the_clusters_main_process_was_killed(works):
    job_id = works.start(steps=10)
    before = works.wait_until_busy(job_id)
    (child,) = works.children_of(before)
    (main,) = [process for process in psutil.Process(works.site.pid).children() if "qcluster" in words_of(process)]
    family = main.children(recursive=True)
    assert child in family

    main.kill()

    _, alive = psutil.wait_procs(family, timeout=5)
    assert [process for process in alive if process.status() != psutil.STATUS_ZOMBIE] == []
    assert works.assert_finished_once(job_id)["attempts"] == 2
    works.wait_for(lambda: works.leftovers() == [])
