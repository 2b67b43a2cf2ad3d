"""The real command with the real exporter, killed half way."""

import os
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.unit.mlmodels.releases import write_release

pytestmark = pytest.mark.live
ROOT = Path(__file__).resolve().parents[3]
MANAGE = [sys.executable, str(ROOT / "manage.py")]


@pytest.fixture
def var(tmp_path: Path) -> Path:
    var = tmp_path / "var"
    subprocess.run([*MANAGE, "migrate", "-v0"], env=environment(var), check=True, timeout=120)
    return var


def environment(var: Path) -> dict[str, str]:
    return {**os.environ, "IMPASTO_VAR": str(var)}


def rows(var: Path) -> list[Any]:
    with closing(sqlite3.connect(f"file:{var}/db.sqlite3?mode=ro", uri=True)) as database:
        return database.execute("SELECT state FROM mlmodels_modelrelease").fetchall()


def stored(var: Path) -> int:
    return sum(path.is_file() for path in (var / "media").rglob("*"))


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_a_killed_export_publishes_nothing_and_the_next_run_leaves_no_stray_file(
    var: Path, tmp_path: Path, number: signal.Signals
) -> None:
    release = write_release(tmp_path / "small", "student")
    command = [*MANAGE, "publish_models", "--release", str(release)]
    process = subprocess.Popen(command, env=environment(var), stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while not list(var.glob("work/models-*/*.onnx")):
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.02)
    family = psutil.Process(process.pid).children(recursive=True)
    assert family

    process.send_signal(number)
    process.wait(10)

    assert process.returncode != 0
    assert psutil.wait_procs(family, timeout=5)[1] == []
    assert (rows(var), stored(var)) == ([], 0)
    if number != signal.SIGKILL:
        assert list(var.glob("work/models-*")) == []

    subprocess.run(command, env=environment(var), check=True, timeout=120, capture_output=True)

    assert rows(var) == [("published",)]
    assert stored(var) > 10
    assert list(var.glob("work/models-*")) == []
