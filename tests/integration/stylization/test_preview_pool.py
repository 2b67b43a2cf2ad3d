"""The pool between the web process and the one that paints: newest wins, nothing hangs, nobody stays behind."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from stylization.preview.pool import PreviewBusy, PreviewFailed, PreviewPool, PreviewRefused, PreviewSuperseded

ROOT = Path(__file__).resolve().parents[3]
DOUBLE = "tests.integration.stylization.preview_double"


@pytest.fixture
def pool() -> Iterator[PreviewPool]:
    pool = PreviewPool(module=DOUBLE, seconds=1.0)
    yield pool
    pool.close()


def test_one_process_serves_one_after_another(pool: PreviewPool) -> None:
    answers = [pool.paint("anna", {"name": name}).decode().split() for name in ("a", "b", "c")]

    assert [name for _, name in answers] == ["a", "b", "c"]
    assert {pid for pid, _ in answers} == {str(pool.pid)}


def test_the_newest_wish_of_a_person_wins(pool: PreviewPool) -> None:
    pool.paint("anna", {"name": "warm"})
    with ThreadPoolExecutor(4) as people:
        painting = people.submit(pool.paint, "anna", {"name": "first", "seconds": 0.6})
        time.sleep(0.2)
        dropped = people.submit(pool.paint, "anna", {"name": "second"})
        time.sleep(0.1)
        newest = people.submit(pool.paint, "anna", {"name": "third"})

        with pytest.raises(PreviewSuperseded):
            dropped.result(timeout=0.3)
        assert painting.result().endswith(b"first")
        assert newest.result().endswith(b"third")


def test_one_person_does_not_drop_another_ones_wish(pool: PreviewPool) -> None:
    pool.paint("anna", {"name": "warm"})
    with ThreadPoolExecutor(4) as people:
        wishes = [people.submit(pool.paint, name, {"name": name, "seconds": 0.1}) for name in ("anna", "bela", "cora")]

        assert [wish.result().split()[1].decode() for wish in wishes] == ["anna", "bela", "cora"]


def test_too_many_people_are_told_so(pool: PreviewPool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stylization.preview.pool.WAITING_PEOPLE", 1)
    pool.paint("anna", {"name": "warm"})
    with ThreadPoolExecutor(4) as people:
        people.submit(pool.paint, "anna", {"name": "a", "seconds": 0.6})
        time.sleep(0.2)
        people.submit(pool.paint, "bela", {"name": "b"})
        time.sleep(0.1)

        with pytest.raises(PreviewBusy):
            pool.paint("cora", {"name": "c"})


def test_what_takes_too_long_is_ended_and_the_next_is_painted(pool: PreviewPool) -> None:
    first = pool.paint("anna", {"name": "warm"}).split()[0]

    with pytest.raises(PreviewFailed, match="too long"):
        pool.paint("anna", {"name": "slow", "seconds": 30})
    second = pool.paint("anna", {"name": "next"}).split()[0]

    assert first != second
    assert not is_running(int(first))


def test_a_process_that_died_is_replaced_unnoticed(pool: PreviewPool, tmp_path: Path) -> None:
    assert pool.paint("anna", {"name": "again", "die_once": str(tmp_path / "died")}).endswith(b"again")


def test_a_request_that_kills_every_process_fails(pool: PreviewPool) -> None:
    with pytest.raises(PreviewFailed, match="stopped"):
        pool.paint("anna", {"name": "poison", "die": True})

    assert pool.paint("anna", {"name": "fine"}).endswith(b"fine")


def test_a_killed_process_is_replaced(pool: PreviewPool) -> None:
    first = int(pool.paint("anna", {"name": "one"}).split()[0])
    os.kill(first, 9)
    time.sleep(0.1)

    second = int(pool.paint("anna", {"name": "two"}).split()[0])

    assert second != first


def test_a_refusal_keeps_its_code_and_its_words(pool: PreviewPool) -> None:
    with pytest.raises(PreviewRefused, match="No such style") as refusal:
        pool.paint("anna", {"name": "x", "refuse": True})

    assert (refusal.value.status, refusal.value.code) == (422, "bad_recipe")


def test_requests_from_threads_that_end_leave_the_process_alive(pool: PreviewPool) -> None:
    """A server makes a thread for each request. The painting process must not die with the one that came first."""
    pids: list[bytes] = []
    for _ in range(3):
        thread = threading.Thread(target=lambda: pids.append(pool.paint("anna", {"name": "x"}).split()[0]))
        thread.start()
        thread.join()

    assert len(set(pids)) == 1


def test_a_closed_pool_leaves_neither_process_nor_thread_and_opens_again(pool: PreviewPool) -> None:
    first = int(pool.paint("anna", {"name": "one"}).split()[0])
    before = {thread for thread in threading.enumerate() if thread.name == "preview"}

    pool.close()

    assert pool.pid is None
    assert not is_running(first)
    assert not any(thread.is_alive() for thread in before)
    assert pool.paint("anna", {"name": "two"}).endswith(b"two")


def test_a_pool_that_closes_while_it_paints_says_so_and_starts_no_other_process(pool: PreviewPool) -> None:
    pool.paint("anna", {"name": "warm"})
    with ThreadPoolExecutor(1) as people:
        painting = people.submit(pool.paint, "anna", {"name": "slow", "seconds": 0.8})
        time.sleep(0.2)

        pool.close()

        with pytest.raises(PreviewFailed, match="stopped"):
            painting.result(timeout=2)
    assert pool.pid is None


def test_the_process_ends_with_a_killed_server() -> None:
    code = (
        "import sys, time\nfrom stylization.preview.pool import PreviewPool\n"
        f"pool = PreviewPool(module={DOUBLE!r})\npool.paint('anna', {{'name': 'x'}})\n"
        "print(pool.pid, flush=True)\ntime.sleep(60)\n"
    )
    server = subprocess.Popen(
        [sys.executable, "-c", code],
        stdout=subprocess.PIPE,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'platform'}"},
    )
    assert server.stdout is not None
    painter = int(server.stdout.readline())
    assert is_running(painter)

    server.kill()
    server.communicate()

    deadline = time.monotonic() + 5
    while is_running(painter) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not is_running(painter)


def is_running(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(") ", 1)[1][0]
    except FileNotFoundError:
        return False
    return state != "Z"
