"""`manage.py serve` for real: processes, signals, ports."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

pytestmark = pytest.mark.live
ROOT = Path(__file__).resolve().parents[3]
MANAGE = [sys.executable, str(ROOT / "manage.py")]
STOP_SECONDS = 5


def environment(var: Path, **changes: str) -> dict[str, str]:
    clean = {name: value for name, value in os.environ.items() if name != "IMPASTO_CHANNEL_LAYER"}
    return {**clean, "IMPASTO_VAR": str(var), "IMPASTO_LOG_FORMAT": "json", **changes}


@pytest.fixture(scope="module")
def migrated(tmp_path_factory) -> Path:
    var = tmp_path_factory.mktemp("var")
    subprocess.run([*MANAGE, "migrate", "-v0"], env=environment(var), check=True, timeout=120)
    return var


class Site:
    """One running `serve`, and everything it started."""

    def __init__(self, var: Path, **changes: str) -> None:
        self.var = var
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.address = f"http://127.0.0.1:{self.port}"
        self.output = var / "output"
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(
                [*MANAGE, "serve"],
                env=environment(var, PORT=str(self.port), **changes),
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    def get(self, path: str) -> tuple[int, bytes]:
        try:
            with urllib.request.urlopen(self.address + path, timeout=5) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as refused:
            return refused.code, refused.read()
        except OSError:
            return 0, b""

    def wait_until(self, condition, seconds: float = 90) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, self.output.read_text()
            assert self.process.poll() is None, self.output.read_text()
            time.sleep(0.1)

    def wait_until_ready(self) -> None:
        self.wait_until(lambda: self.get("/readyz")[0] == 200)
        self.wait_until(lambda: "is ready" in self.output.read_text())

    def family(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children(recursive=True)

    def members(self, words: str) -> list[psutil.Process]:
        return [child for child in self.family() if words in words_of(child)]


@contextmanager
def running(migrated: Path, var: Path, **changes: str):
    shutil.copytree(migrated, var)
    site = Site(var, **changes)
    try:
        site.wait_until_ready()
        yield site
    finally:
        for member in [site.process, *site.family()] if site.process.poll() is None else []:
            member.kill()
        site.process.wait(10)


@pytest.fixture
def site(migrated, tmp_path):
    """A site that the test may stop."""
    with running(migrated, tmp_path / "var") as site:
        yield site


@pytest.fixture(scope="module")
def lasting_site(migrated, tmp_path_factory):
    """A site that outlives the test: it may lose parts, but has to be ready again."""
    with running(migrated, tmp_path_factory.mktemp("site") / "var") as site:
        yield site


def words_of(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.Error:  # it is gone, or about to be
        return ""


def survivors(family: list[psutil.Process]) -> list[psutil.Process]:
    return [member for member in family if member.is_running() and member.status() != psutil.STATUS_ZOMBIE]


def all_gone(family: list[psutil.Process], seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while survivors(family) and time.monotonic() < deadline:
        time.sleep(0.05)
    return not survivors(family)


def test_the_site_becomes_ready_and_stops_within_five_seconds_leaving_nobody(site):
    _status, body = site.get("/readyz")
    assert json.loads(body)["checks"] == {"database": "ok", "channels": "ok", "workers": "ok"}
    assert f"Impasto is ready: {site.address}" in site.output.read_text()
    assert "createsuperuser" in site.output.read_text()
    family = site.family()
    assert len(family) > 5

    began = time.monotonic()
    site.process.send_signal(signal.SIGINT)

    assert site.process.wait(STOP_SECONDS) == 0
    assert all_gone(family, STOP_SECONDS - (time.monotonic() - began))


def test_a_stop_does_not_wait_for_an_open_connection(site):
    family = site.family()
    with socket.create_connection(("127.0.0.1", site.port)) as open_connection:
        open_connection.sendall(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Never-Ending: ")

        site.process.send_signal(signal.SIGTERM)

        assert site.process.wait(STOP_SECONDS) == 0
    assert all_gone(family, 1)


def test_a_killed_site_leaves_nobody(site):
    family = site.family()

    site.process.kill()

    assert all_gone(family, STOP_SECONDS)


@pytest.mark.parametrize("words", ["website.web", "valkey-server", "reap_jobs"])
def test_what_dies_comes_back(lasting_site, words):
    (dead,) = lasting_site.members(words)

    dead.kill()

    lasting_site.wait_until(lambda: dead not in lasting_site.members(words) and lasting_site.members(words))
    lasting_site.wait_until(lambda: lasting_site.get("/readyz")[0] == 200)


def test_a_killed_cluster_is_replaced_with_its_workers(lasting_site):
    main = next(child for child in lasting_site.members("qcluster") if child.ppid() == lasting_site.process.pid)
    workers = main.children(recursive=True)
    before = len(lasting_site.members("qcluster"))
    assert workers

    main.kill()

    assert all_gone([main, *workers], 5)
    lasting_site.wait_until(lambda: len(lasting_site.members("qcluster")) == before)
    lasting_site.wait_until(lambda: lasting_site.get("/readyz")[0] == 200)


def test_a_frozen_cluster_is_noticed_and_started_again(migrated, tmp_path):
    quick = {"IMPASTO_WORKER_SILENCE_SECONDS": "10", "IMPASTO_WORKER_START_SECONDS": "15"}
    with running(migrated, tmp_path / "var", **quick) as site:
        main = next(child for child in site.members("qcluster") if child.ppid() == site.process.pid)
        frozen = [main, *main.children(recursive=True)]
        for member in frozen:
            member.suspend()

        site.wait_until(lambda: not survivors(frozen))

        site.wait_until(lambda: site.get("/readyz")[0] == 200)
        assert "silent for too long" in site.output.read_text()


def test_a_second_start_says_that_one_is_running(lasting_site):
    second = subprocess.run(
        [*MANAGE, "serve"], env=environment(lasting_site.var, PORT="1"), capture_output=True, text=True, timeout=60
    )

    assert second.returncode == 1
    assert f"already running at {lasting_site.address}" in second.stderr
    assert lasting_site.get("/healthz")[0] == 200


def test_a_port_in_use_is_one_clear_line(migrated, tmp_path):
    var = tmp_path / "var"
    shutil.copytree(migrated, var)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

        answer = subprocess.run(
            [*MANAGE, "serve"], env=environment(var, PORT=str(port)), capture_output=True, text=True, timeout=60
        )

    assert answer.returncode == 1
    assert f"Cannot listen at http://127.0.0.1:{port}: Address already in use" in answer.stderr
    assert len(answer.stderr.strip().splitlines()) == 1


def test_a_database_that_is_not_migrated_is_one_clear_line(tmp_path):
    answer = subprocess.run([*MANAGE, "serve"], env=environment(tmp_path), capture_output=True, text=True, timeout=60)

    assert answer.returncode == 1
    assert "python manage.py migrate" in answer.stderr
