from datetime import datetime, timedelta
from uuid import uuid4

import pytest
from django.core.management import call_command
from django.utils import timezone
from django_q.models import OrmQ

from foundation.files import work_directory
from jobs import folders, leases, reaper, registry, services
from jobs.models import Job, SocketTicket, WorkerBeat
from jobs.services import jobs_reap
from jobs.tasks import sing

pytestmark = pytest.mark.django_db
State = Job.State


def later(**time):
    return timezone.now() + timedelta(**time)


def test_a_lease_that_ran_out_is_given_back(start, claim):
    job = start()
    claim(job)

    assert jobs_reap(at=later(minutes=1)).given_back == 1

    job.refresh_from_db()
    assert (job.state, job.token, job.attempts) == (State.QUEUED, None, 1)
    assert "stopped answering" in job.trouble


def test_a_lease_that_is_alive_is_left_alone(start, claim):
    job = start()
    claim(job)

    assert jobs_reap(at=timezone.now()).given_back == 0

    job.refresh_from_db()
    assert job.state == State.RUNNING


def test_a_lease_renewed_in_the_last_moment_is_left_alone(start, claim):
    held = claim(start())
    at = later(minutes=1)
    leases.lease_renew(job=held, at=at)

    assert not leases.attempt_lose(job=held, reason="too late", at=at, if_expired=True)


def test_a_job_is_not_tried_for_ever(start, claim):
    job = start()
    for _ in range(3):
        claim(job)
        jobs_reap(at=later(minutes=1))

    job.refresh_from_db()
    assert (job.state, job.attempts, job.error_code) == (State.FAILED, 3, "attempts_exhausted")
    assert "its worker stopped answering" in job.error_detail
    assert jobs_reap(at=later(minutes=2)).given_back == 0


def test_an_expired_job_whose_owner_cancelled_it_is_cancelled(start, claim, user):
    job = start()
    claim(job)
    services.job_cancel(job=job, by=user)

    jobs_reap(at=later(minutes=1))

    job.refresh_from_db()
    assert job.state == State.CANCELLED


def test_a_job_whose_message_was_lost_is_woken_once(start):
    job = start()
    OrmQ.objects.all().delete()

    assert jobs_reap(at=timezone.now()).woken == 0, "its message may be on the way"
    assert jobs_reap(at=later(seconds=11)).woken == 1
    assert jobs_reap(at=later(seconds=60)).woken == 0, "a message is waiting"
    assert [row.task["args"] for row in OrmQ.objects.all()] == [(str(job.pk),)]


def test_a_message_that_a_dead_cluster_took_along_is_sent_again(start):
    start()
    OrmQ.objects.update(lock=later(days=1))

    assert jobs_reap(at=later(seconds=11)).woken == 1


def test_jobs_are_woken_in_the_order_they_came(start):
    jobs = [start() for _ in range(4)]
    OrmQ.objects.all().delete()

    jobs_reap(at=later(seconds=11))

    assert [row.task["args"][0] for row in OrmQ.objects.order_by("pk")] == [str(job.pk) for job in jobs]


def test_a_kind_that_left_the_programme_holds_nobody_up(start, claim, monkeypatch):
    gone, lost = start(kind="errand"), start()
    claim(gone)
    claim(lost)
    monkeypatch.delitem(registry._kinds, "errand")

    jobs_reap(at=later(minutes=1))

    gone.refresh_from_db()
    lost.refresh_from_db()
    assert (gone.state, gone.error_code) == (State.FAILED, "kind_unknown")
    assert lost.state == State.QUEUED


def test_folders_of_dead_attempts_are_swept_and_those_of_live_ones_stay(start, claim):
    held, dead = claim(start()), uuid4()
    mine = folders.attempt_directory(held.pk, held.token)
    stale = folders.attempt_directory(held.pk, dead)
    orphan = folders.attempt_directory(uuid4(), uuid4())
    foreign = work_directory("style-something")
    (stale / "half.mp4").write_bytes(b"x")

    jobs_reap(at=timezone.now())

    assert (mine.exists(), stale.exists(), orphan.exists(), foreign.exists()) == (True, False, False, True)
    foreign.rmdir()


def test_the_preview_of_a_job_that_is_over_is_swept(start, user):
    running, over = start(), start()
    for job in (running, over):
        folders.preview_write(job.pk, b"a frame")
    Job.objects.filter(pk=over.pk).update(state=State.CANCELLED, finished_at=timezone.now())

    jobs_reap(at=timezone.now())

    assert folders.preview_path(running.pk).exists()
    assert not folders.preview_path(over.pk).parent.exists()


def test_old_tickets_beats_and_taken_messages_are_pruned(start, user):
    start()
    services.ticket_issue(user=user, at=timezone.now())
    WorkerBeat.objects.create(cluster="slow", worker="old:1", at=later(hours=-2))
    OrmQ.objects.update(lock=later(hours=10))

    assert jobs_reap(at=timezone.now()).pruned == 2
    assert jobs_reap(at=later(minutes=2)).pruned == 1
    assert (SocketTicket.objects.count(), WorkerBeat.objects.count()) == (0, 0)


def test_what_a_round_of_the_reaper_sends_outlives_the_round(start, claim):
    given_back, forgotten = start(), start()
    claim(given_back)
    OrmQ.objects.all().delete()
    a_moment_ago = timezone.now()
    Job.objects.filter(pk=given_back.pk).update(lease_expires_at=a_moment_ago)
    Job.objects.filter(pk=forgotten.pk).update(woken_at=a_moment_ago - timedelta(minutes=1))

    harvest = jobs_reap(at=a_moment_ago)

    assert (harvest.given_back, harvest.woken, harvest.pruned) == (1, 1, 0)
    assert {row.task["args"][0] for row in OrmQ.objects.all()} == {str(given_back.pk), str(forgotten.pk)}


def test_a_silent_cluster_is_sent_a_canary_and_a_loud_one_is_not(db):
    assert reaper.send_canary_if_silent("quick", timezone.now())
    assert [(row.key, row.func()) for row in OrmQ.objects.all()] == [("quick", "jobs.tasks.sing")]

    OrmQ.objects.all().delete()
    sing()
    assert not reaper.send_canary_if_silent("slow", timezone.now())
    assert reaper.send_canary_if_silent("slow", later(seconds=6))


def test_canaries_do_not_pile_up_in_a_frozen_queue(db):
    for _ in range(5):
        reaper.send_canary_if_silent("slow", timezone.now())

    assert OrmQ.objects.count() == 1


def test_every_room_is_swept_though_one_breaks(monkeypatch, caplog):
    swept: list[datetime] = []
    monkeypatch.setattr(registry, "_sweeps", {"broken": lambda now: 1 / 0, "tidy": swept.append})
    now = timezone.now()

    reaper.sweep_rooms(now)

    assert swept == [now]
    assert "broken" in caplog.text


def test_the_command_does_one_round(start, claim):
    job = start()
    claim(job)
    Job.objects.update(lease_expires_at=later(minutes=-1))

    call_command("reap_jobs", once=True)

    job.refresh_from_db()
    assert job.state == State.QUEUED


def test_what_a_stopping_machine_interrupts_does_not_count_as_an_attempt(start, claim):
    here, elsewhere = claim(start()), claim(start())
    Job.objects.filter(pk=elsewhere.pk).update(worker="other-machine:1")

    leases.attempts_excuse()

    assert Job.objects.get(pk=here.pk).attempts == 0
    assert Job.objects.get(pk=elsewhere.pk).attempts == 1
