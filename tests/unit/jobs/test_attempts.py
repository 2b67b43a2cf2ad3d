import time
from datetime import timedelta
from pathlib import Path

import av
import numpy as np
import pytest
from django.utils import timezone

from foundation.errors import Conflict
from foundation.files import work_directory
from jobs import folders, leases
from jobs.attempts import Attempt, JobCancelled, JobFailed, LeaseLost, perform
from jobs.models import Job
from jobs.runner import job_run_here
from jobs.services import job_cancel

pytestmark = pytest.mark.django_db
State = Job.State


@pytest.fixture
def attempt(start, claim):
    return Attempt(claim(start()))


def now(job):
    return Job.objects.get(pk=job.pk)


def test_a_job_runs_to_its_result(start, work):
    job = job_run_here(job=start())

    assert (job.state, job.result, job.progress, job.stage) == (State.SUCCEEDED, {"clip_id": "made"}, 1.0, "done")
    assert job.token is None
    assert job.finished_at is not None


def test_a_job_that_failed_says_why_and_is_not_tried_again(start, work):
    def refuse(attempt):
        raise JobFailed("Send a shorter clip.", code="too_long", title="Too long")

    work.does = refuse
    job = job_run_here(job=start())

    assert (job.state, job.attempts) == (State.FAILED, 1)
    assert (job.error_code, job.error_title, job.error_detail) == ("too_long", "Too long", "Send a shorter clip.")


def test_any_refusal_of_a_room_is_the_jobs_answer(start, work):
    def refuse(attempt):
        raise Conflict("The clip is gone.")

    work.does = refuse

    assert job_run_here(job=start()).error_detail == "The clip is gone."


@pytest.mark.parametrize("when", ["while it works", "while it commits"])
def test_a_full_disk_is_named_and_leaves_nothing_half_made(start, work, user, when):
    folders_seen = []

    def fill_the_disk(attempt):
        folders_seen.append(attempt.directory)
        (attempt.directory / "frames").write_bytes(b"half of them")
        if when == "while it works":
            write_too_much()
        attempt.commit(write)

    def write():
        user.display_name = "half done"
        user.save()
        write_too_much()
        return {}

    def write_too_much():
        with Path("/dev/full").open("wb", buffering=0) as file:
            file.write(b"the other half")

    work.does = fill_the_disk
    job = job_run_here(job=start())

    user.refresh_from_db()
    assert (job.state, job.error_code, job.attempts) == (State.FAILED, "disk_full", 1)
    assert job.error_detail == "Nothing was lost; try again later."
    assert (user.display_name, folders_seen[0].exists()) == ("", False)


def test_the_encoders_own_report_of_a_full_disk_is_understood(start, work):
    def encode(attempt):
        with av.open("/dev/full", "w", format="matroska") as file:
            stream = file.add_stream("libx264", rate=10, options={"preset": "ultrafast"})
            stream.width, stream.height, stream.pix_fmt = 96, 64, "yuv420p"
            for noise in np.random.default_rng(1).integers(0, 256, (30, 64, 96, 3), dtype=np.uint8):
                file.mux(stream.encode(av.VideoFrame.from_ndarray(noise)))
            file.mux(stream.encode())

    work.does = encode

    assert job_run_here(job=start()).error_code == "disk_full"


def test_what_nobody_expected_is_tried_three_times_and_told_without_its_insides(start, work):
    def stumble(attempt):
        raise ZeroDivisionError("secret insides")

    work.does = stumble
    job = start()
    for _ in range(5):
        job_run_here(job=job)

    assert (work.runs, job.state, job.attempts) == (3, State.FAILED, 3)
    assert job.error_code == "attempts_exhausted"
    assert "3 times" in job.error_detail
    assert "secret" not in job.error_detail


def test_a_handler_that_forgets_to_commit_has_not_succeeded(start, work):
    work.does = lambda attempt: None

    job = job_run_here(job=start())

    assert job.state == State.QUEUED
    assert "RuntimeError" in job.trouble


@pytest.mark.parametrize("how", ["commits", "fails", "breaks"])
def test_the_private_folder_is_gone_whatever_happens(start, work, how):
    seen = []

    def make_a_mess(attempt):
        seen.append(attempt.directory)
        (attempt.directory / "frame.raw").write_bytes(b"x")
        if how == "fails":
            raise JobFailed("No.")
        if how == "breaks":
            raise ValueError
        attempt.commit(dict)

    work.does = make_a_mess
    job_run_here(job=start())

    assert len(seen) == 1
    assert not seen[0].exists()


def test_a_report_is_seen(attempt):
    attempt.report(stage="painting", progress=0.25, frames_done=5, frames_total=20, frames_per_second=12.5)

    job = now(attempt.job)
    assert (job.stage, job.progress, job.frames_done, job.frames_total) == ("painting", 0.25, 5, 20)
    assert job.frames_per_second == 12.5


def test_reports_are_written_four_times_a_second_at_most(attempt, django_assert_max_num_queries):
    attempt.report(stage="painting", progress=0.1)

    with django_assert_max_num_queries(0):
        for step in range(20):
            attempt.report(stage="painting", progress=0.1 + step / 100)


def test_a_new_stage_is_told_at_once(attempt):
    attempt.report(stage="painting", progress=0.5)
    attempt.report(stage="finishing", progress=0.9)

    assert now(attempt.job).stage == "finishing"


def test_a_stage_nobody_knows_is_refused(attempt):
    with pytest.raises(ValueError, match="daydreaming"):
        attempt.report(stage="daydreaming", progress=0.5)


@pytest.mark.parametrize(("said", "shown"), [(-0.5, 0.0), (1.5, 1.0)])
def test_progress_is_a_fraction(attempt, said, shown):
    attempt.report(stage="painting", progress=said)

    assert now(attempt.job).progress == shown


def test_progress_never_goes_back_not_even_in_the_next_attempt(attempt, claim):
    attempt.report(stage="painting", progress=0.6, frames_done=60)
    leases.attempt_lose(job=attempt.job, reason="it was killed", at=timezone.now())
    assert now(attempt.job).progress == 0.6
    again = Attempt(claim(attempt.job))

    again.report(stage="painting", progress=0.1, frames_done=10)

    assert (now(attempt.job).progress, now(attempt.job).frames_done) == (0.6, 60)


def test_a_stale_token_can_neither_report_nor_commit(attempt, claim):
    leases.attempt_lose(job=attempt.job, reason="it was killed", at=timezone.now())
    claim(attempt.job)
    wrote = []

    def write():
        wrote.append("twice")
        return {}

    with pytest.raises(LeaseLost):
        attempt.report(stage="painting", progress=0.9)
    with pytest.raises(LeaseLost):
        attempt.commit(write)

    assert wrote == []
    assert (now(attempt.job).state, now(attempt.job).progress) == (State.RUNNING, 0)


def test_a_second_commit_changes_nothing(attempt):
    attempt.commit(lambda: {"clip_id": "first"})

    with pytest.raises(LeaseLost):
        attempt.commit(lambda: {"clip_id": "second"})

    assert now(attempt.job).result == {"clip_id": "first"}


def test_a_commit_whose_writing_breaks_leaves_the_job_running(attempt, user):
    def write():
        user.display_name = "half done"
        user.save()
        raise OSError("torn")

    with pytest.raises(OSError, match="torn"):
        attempt.commit(write)

    user.refresh_from_db()
    assert (user.display_name, now(attempt.job).state) == ("", State.RUNNING)


def test_a_commit_after_the_lease_ran_out_counts_while_nobody_took_the_job_back(attempt):
    Job.objects.update(lease_expires_at=timezone.now() - timedelta(seconds=1))

    attempt.commit(lambda: {"clip_id": "late"})

    assert now(attempt.job).state == State.SUCCEEDED


def test_a_cancelled_attempt_can_neither_report_nor_commit(attempt, user):
    job_cancel(job=attempt.job, by=user)

    with pytest.raises(JobCancelled):
        attempt.report(stage="painting", progress=0.5)
    with pytest.raises(JobCancelled):
        attempt.commit(dict)


def test_a_handler_that_notices_the_cancel_ends_as_cancelled(start, work, user):
    def paint(attempt):
        job_cancel(job=Job.objects.get(pk=attempt.job.pk), by=user)
        attempt.report(stage="painting", progress=0.5)

    work.does = paint
    job = job_run_here(job=start())

    assert (job.state, job.error_code) == (State.CANCELLED, "")


def test_a_child_that_starts_after_its_job_was_given_back_does_nothing(start, work, claim):
    job = claim(start())
    leases.attempt_lose(job=job, reason="its worker stopped answering", at=timezone.now())

    perform(job_id=job.pk, token=job.token)

    assert work.runs == 0


def test_a_preview_is_kept_while_the_job_runs_and_goes_with_it(attempt, django_capture_on_commit_callbacks):
    attempt.report(stage="painting", progress=0.5, preview=b"\xff\xd8 a frame")
    path = folders.preview_path(attempt.job.pk)
    assert path.read_bytes() == b"\xff\xd8 a frame"
    assert now(attempt.job).has_preview

    with django_capture_on_commit_callbacks(execute=True):
        attempt.commit(dict)

    assert not path.parent.exists()
    assert not now(attempt.job).has_preview


def test_a_database_that_is_busy_makes_progress_late_and_not_the_job_fail(attempt, monkeypatch):
    from django.db import OperationalError

    def locked(*args, **kwargs):
        raise OperationalError("database is locked")

    monkeypatch.setattr("django.db.models.query.QuerySet.update", locked)

    attempt.report(stage="painting", progress=0.5)


def test_a_dead_channel_store_never_fails_a_job(start, work, monkeypatch, django_capture_on_commit_callbacks):
    class DeadStore:
        async def group_send(self, *args):
            raise ConnectionRefusedError("nobody there")

    monkeypatch.setattr("jobs.hints.get_channel_layer", DeadStore)

    with django_capture_on_commit_callbacks(execute=True):
        job = job_run_here(job=start())

    assert job.state == State.SUCCEEDED


def test_a_channel_store_that_hangs_holds_nobody_up(start, monkeypatch, django_capture_on_commit_callbacks):
    import asyncio

    class FrozenStore:
        async def group_send(self, *args):
            await asyncio.sleep(60)

    monkeypatch.setattr("jobs.hints.get_channel_layer", FrozenStore)
    monkeypatch.setattr("jobs.hints.PATIENCE_SECONDS", 0.05)
    began = time.monotonic()

    with django_capture_on_commit_callbacks(execute=True):
        start()

    assert time.monotonic() - began < 5


def test_the_private_folder_is_private(attempt):
    assert attempt.directory.stat().st_mode & 0o077 == 0
    assert list(attempt.directory.iterdir()) == []
    assert attempt.directory.parent == work_directory("x").parent
