"""Processes that do not outlive the one that started them, and modules of ours in a process of their own."""

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

PR_SET_PDEATHSIG = 1
ROOT = Path(__file__).resolve().parents[2]


class ModuleFailed(RuntimeError):
    """A module ended with an error or took too long; the message is one line, its last one where it said anything."""


def run_module(module: str, arguments: Sequence[str], *, seconds: float) -> str:
    """
    Run a module in a Python of its own and return what it printed. Whatever ends the wait ends the module too.

    :raises ModuleFailed: saying what it said last
    """
    python_path = os.pathsep.join([str(ROOT), str(ROOT / "platform")])
    try:
        ran = subprocess.run(
            [sys.executable, "-m", module, *arguments],
            cwd=ROOT, env={**os.environ, "PYTHONPATH": python_path},
            capture_output=True, text=True, timeout=seconds, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise ModuleFailed(f"{module} did not end within {seconds:g} s") from None
    if ran.returncode != 0:
        raise ModuleFailed((ran.stderr.strip().splitlines() or ["no reason given"])[-1])
    return ran.stdout


def die_with(parent: int) -> None:
    """Have the kernel kill this process when its parent goes; leave at once if the parent has gone already."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)


def end_family(process: subprocess.Popen[bytes], *, grace_seconds: float) -> None:
    """End the leader of a process group and all of its group: asked first, then killed."""
    if process.poll() is None:
        _signal_group(process.pid, signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            process.wait(grace_seconds)
    _signal_group(process.pid, signal.SIGKILL)
    process.wait()


def _signal_group(group: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.killpg(group, number)
