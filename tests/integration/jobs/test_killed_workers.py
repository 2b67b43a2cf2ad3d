"""Real processes, really killed: whatever dies, a job ends exactly once."""

import os
import signal
import time

import psutil
import pytest

from tests.integration.jobs.works import Works, survivors, words_of

pytestmark = pytest.mark.live


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
    works.wait_for(
        lambda: not survivors(children) and not works.leftovers()
    )  # a child may note its own end, then leave

    assert time.monotonic() - began < 2
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
    assert survivors(alive) == []
    assert works.assert_finished_once(job_id)["attempts"] == 2
    works.wait_for(lambda: works.leftovers() == [])
