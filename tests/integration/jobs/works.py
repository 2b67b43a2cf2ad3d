"""A running installation with one more kind of work, for tests that kill its processes."""

import hashlib
import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from contextlib import closing, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import psutil

ROOT = Path(__file__).resolve().parents[3]
LIVE = Path(__file__).parent / "live"
MANAGE = [sys.executable, str(ROOT / "manage.py")]


class Works:
    """
    `manage.py serve` on a database of its own, and a hand on the other side that queues jobs.

    Without the web it is the half that works, and hints go nowhere.
    """

    def __init__(self, var: Path, *, with_web: bool = False) -> None:
        self.var = var
        self.output = var / "output"
        self.with_web = with_web
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.source = var / "source"
        self.source.write_bytes(bytes(range(256)) * 400)
        subprocess.run([*MANAGE, "migrate", "-v0"], env=self._environment(), check=True, timeout=120)
        self.driver = self._start("drive", stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.open()

    def _environment(self) -> dict[str, str]:
        path = os.pathsep.join([str(LIVE), str(ROOT), str(ROOT / "platform")])
        changes = {"IMPASTO_VAR": str(self.var), "DJANGO_SETTINGS_MODULE": "live_settings", "PYTHONPATH": path}
        layer = "valkey" if self.with_web else "memory"
        ours = {"IMPASTO_CHANNEL_LAYER": layer, "PORT": str(self.port), "IMPASTO_LOG_FORMAT": "json"}
        return {**os.environ, **changes, **ours}

    def open(self) -> None:
        command = ["serve"] if self.with_web else ["serve", "--only", "workers"]
        with self.output.open("ab") as output:
            self.site = self._start(*command, stdout=output, stderr=subprocess.STDOUT)

    def _start(self, *command: str, **options: Any) -> subprocess.Popen[bytes]:
        return subprocess.Popen([*MANAGE, *command], env=self._environment(), **options)

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
        """Wait until a worker without a job has answered that it works; return its process id."""
        now = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")
        return self.wait_for(lambda: self.idle_worker(since=now))

    def idle_worker(self, *, since: str) -> int | None:
        rows = self.query("SELECT worker FROM jobs_workerbeat WHERE at > ? ORDER BY at DESC LIMIT 1", since)
        pid = int(rows[0][0].rpartition(":")[2]) if rows else 0
        family = {member.pid: member for member in psutil.Process(self.site.pid).children(recursive=True)}
        return pid if pid in family and not survivors(family[pid].children()) and survivors([family[pid]]) else None

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


def survivors(family: list[psutil.Process]) -> list[psutil.Process]:
    return [member for member in family if member.is_running() and member.status() != psutil.STATUS_ZOMBIE]
