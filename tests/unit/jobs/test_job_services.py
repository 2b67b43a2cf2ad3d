from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone
from django_q.models import OrmQ

from foundation import context
from foundation.errors import NotAllowed, NotFound
from jobs import conf, folders, leases, registry, selectors, services
from jobs.models import Job, SocketTicket, WorkerBeat
from jobs.tasks import run_job

pytestmark = pytest.mark.django_db
State = Job.State


def claim(job):
    return leases.job_claim(job_id=job.pk, at=timezone.now())


def end(job, state):
    held = claim(job)
    if state == State.SUCCEEDED:
        leases.attempt_succeed(job=held, result={}, at=timezone.now())
    elif state == State.FAILED:
        leases.attempt_fail(job=held, error=NotFound("The clip is gone."), at=timezone.now())
    else:
        leases.attempt_cancel(job=held, at=timezone.now())
    job.refresh_from_db()


def test_a_started_job_waits_and_a_message_is_in_the_queue_of_its_kind(start):
    context.request_id.set("r-1")
    painting, errand = start(), start(kind="errand")

    assert (painting.state, painting.stage, painting.request_id) == (State.QUEUED, "waiting", "r-1")
    assert {(row.key, row.task["args"][0]) for row in OrmQ.objects.all()} == {
        ("slow", str(painting.pk)),
        ("quick", str(errand.pk)),
    }


def test_the_message_is_sent_exactly_if_the_job_is_written(start):
    with transaction.atomic():
        start()
        transaction.set_rollback(True)

    assert (Job.objects.count(), OrmQ.objects.count()) == (0, 0)


def test_a_kind_nobody_registered_cannot_be_started(start):
    with pytest.raises(registry.UnknownKind):
        start(kind="alchemy")


def test_a_queue_that_does_not_exist_cannot_be_registered(work):
    with pytest.raises(ValueError, match="express"):
        registry.register(kind="x", handler="x:x", label="X", queue="express")


def test_one_person_cannot_fill_the_queue(start, settings, other_user):
    settings.JOBS_ACTIVE_MAX = 2
    done, *_ = start(), start()

    with pytest.raises(services.TooManyJobs):
        start()
    start(owner=other_user)
    end(done, State.SUCCEEDED)
    start()


def test_of_two_claimants_one_gets_the_job(start):
    job = start()

    first, second = claim(job), claim(job)

    assert first.token is not None
    assert (first.attempts, second) == (1, None)


@pytest.mark.parametrize("state", [State.SUCCEEDED, State.FAILED, State.CANCELLED])
def test_a_job_that_is_over_cannot_be_claimed(start, state):
    job = start()
    end(job, state)

    assert claim(job) is None


def test_the_second_of_two_messages_does_nothing(start, monkeypatch):
    runs = []
    monkeypatch.setattr("jobs.runner.run", lambda job, *, cluster: runs.append((job.pk, job.attempts)))
    job = start()

    run_job(str(job.pk))
    run_job(str(job.pk))

    assert runs == [(job.pk, 1)]


def test_a_lease_is_renewed_by_its_holder_only(start):
    held = claim(start())
    later = timezone.now() + timedelta(seconds=10)

    leases.lease_renew(job=held, at=later)
    assert Job.objects.get().lease_expires_at == later + conf.lease()

    leases.attempt_lose(job=held, reason="it was killed", at=later)
    with pytest.raises(leases.LeaseLost):
        leases.lease_renew(job=held, at=later)


def test_only_the_first_end_of_an_attempt_counts(start):
    held = claim(start())
    leases.attempt_succeed(job=held, result={"clip_id": "c"}, at=timezone.now())

    assert not leases.attempt_fail(job=held, error=NotFound(), at=timezone.now())
    assert not leases.attempt_cancel(job=held, at=timezone.now())
    assert not leases.attempt_lose(job=held, reason="late", at=timezone.now())
    assert Job.objects.get().state == State.SUCCEEDED


def test_a_lost_attempt_queues_the_job_behind_the_others_and_wakes_it(start):
    lost, waiting = start(), start()
    held = claim(lost)
    OrmQ.objects.all().delete()

    leases.attempt_lose(job=held, reason="it was killed", at=timezone.now())

    lost.refresh_from_db()
    assert (lost.state, lost.trouble, lost.token) == (State.QUEUED, "it was killed", None)
    assert [row.task["args"][0] for row in OrmQ.objects.all()] == [str(lost.pk)]
    assert (selectors.queue_position(waiting), selectors.queue_position(lost)) == (1, 2)


def test_an_attempt_that_is_lost_after_a_cancel_is_not_tried_again(start, user):
    job = start()
    held = claim(job)
    services.job_cancel(job=job, by=user)

    leases.attempt_lose(job=held, reason="it was killed", at=timezone.now())

    job.refresh_from_db()
    assert job.state == State.CANCELLED


def test_a_waiting_job_is_cancelled_at_once_and_never_runs(start, user):
    job = services.job_cancel(job=start(), by=user)

    assert (job.state, job.cancel_requested) == (State.CANCELLED, True)
    assert claim(job) is None


def test_a_running_job_is_asked_to_stop_and_the_first_wish_stays(start, user):
    job = start()
    claim(job)

    wished = services.job_cancel(job=job, by=user).cancel_requested_at
    again = services.job_cancel(job=job, by=user)

    assert again.state == State.RUNNING
    assert again.cancel_requested_at == wished


def test_a_cancelled_job_may_be_cancelled_again(start, user):
    job = services.job_cancel(job=start(), by=user)

    assert services.job_cancel(job=job, by=user).state == State.CANCELLED


@pytest.mark.parametrize("state", [State.SUCCEEDED, State.FAILED])
def test_a_job_that_is_over_cannot_be_cancelled(start, user, state):
    job = start()
    end(job, state)

    with pytest.raises(services.JobEnded):
        services.job_cancel(job=job, by=user)


@pytest.mark.parametrize("state", [State.FAILED, State.CANCELLED])
def test_what_failed_or_was_cancelled_begins_anew(start, user, state):
    job = start()
    end(job, state)

    job = services.job_retry(job=job, by=user)

    assert (job.state, job.attempts, job.progress, job.error_code) == (State.QUEUED, 0, 0, "")
    assert not job.cancel_requested
    assert claim(job).attempts == 1


@pytest.mark.parametrize("state", [None, State.RUNNING, State.SUCCEEDED])
def test_what_waits_runs_or_succeeded_is_not_tried_again(start, user, state):
    job = start()
    if state == State.RUNNING:
        claim(job)
    elif state:
        end(job, state)

    with pytest.raises(services.JobNotRetryable):
        services.job_retry(job=job, by=user)


@pytest.mark.parametrize("service", [services.job_cancel, services.job_retry])
def test_somebody_elses_job_is_left_alone_except_by_a_superuser(start, other_user, make_user, service):
    job = start()
    if service is services.job_retry:
        end(job, State.FAILED)

    with pytest.raises(NotAllowed):
        service(job=job, by=other_user)
    service(job=job, by=make_user("root", is_superuser=True))


def test_the_place_in_the_queue_counts_what_waits_for_the_same_workers(start, other_user):
    jobs = [start(), start(owner=other_user), start()]
    errand = start(kind="errand")
    assert [selectors.queue_position(job) for job in [*jobs, errand]] == [1, 2, 3, 1]

    claim(jobs[0])
    jobs[0].refresh_from_db()

    assert [selectors.queue_position(job) for job in jobs] == [None, 1, 2]


def test_a_kind_that_left_the_programme_does_not_break_the_list(start, monkeypatch):
    job = start()
    monkeypatch.delitem(registry._kinds, "chore")

    assert selectors.queue_position(job) == 1


@pytest.mark.parametrize(
    ("changes", "constraint"),
    [
        ({"progress": 1.5}, "job_progress_is_a_fraction"),
        ({"progress": -0.1}, "job_progress_is_a_fraction"),
        ({"state": "running"}, "only_a_running_job_has_token_and_lease"),
        ({"state": "dreaming"}, "job_state_is_known"),
        ({"state": "succeeded"}, "an_ended_job_says_when"),
        ({"state": "failed", "finished_at": "2026-01-01T00:00Z"}, "a_failed_job_says_why"),
        ({"attempts": 4}, "job_attempts_are_bounded"),
    ],
)
def test_the_database_refuses_a_job_that_makes_no_sense(start, changes, constraint):
    job = start()

    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        Job.objects.filter(pk=job.pk).update(**changes)


def test_a_ticket_opens_once(user):
    now = timezone.now()
    word, expires_at = services.ticket_issue(user=user, at=now)

    assert expires_at == now + timedelta(seconds=60)
    assert services.ticket_redeem(ticket=word, at=now) == user
    assert services.ticket_redeem(ticket=word, at=now) is None


def test_a_ticket_is_not_kept_in_clear(user):
    word, _ = services.ticket_issue(user=user, at=timezone.now())

    assert word not in str(SocketTicket.objects.values_list())


def test_a_ticket_expires(user):
    now = timezone.now()
    word, _ = services.ticket_issue(user=user, at=now)

    assert services.ticket_redeem(ticket=word, at=now + timedelta(seconds=61)) is None


def test_a_ticket_of_a_suspended_person_opens_nothing(user):
    word, _ = services.ticket_issue(user=user, at=timezone.now())
    user.is_active = False
    user.save()

    assert services.ticket_redeem(ticket=word, at=timezone.now()) is None


def test_an_invented_ticket_opens_nothing(db):
    assert services.ticket_redeem(ticket="open sesame", at=timezone.now()) is None


def test_the_last_beat_is_told_by_cluster(db):
    now = timezone.now()
    for cluster, worker, seconds in [("slow", "a:1", 50), ("slow", "a:2", 40), ("quick", "a:3", 2)]:
        WorkerBeat.objects.create(cluster=cluster, worker=worker, at=now - timedelta(seconds=seconds))

    assert selectors.last_worker_beat("slow") == now - timedelta(seconds=40)
    assert selectors.last_worker_beat("quick") == now - timedelta(seconds=2)
    assert selectors.last_worker_beat() == now - timedelta(seconds=40)
    assert selectors.last_worker_beat("other") is None


def test_a_cancelled_job_that_was_waiting_for_its_second_attempt_leaves_no_preview(
    start, user, django_capture_on_commit_callbacks
):
    job = start()
    folders.preview_write(job.pk, b"a frame")

    with django_capture_on_commit_callbacks(execute=True):
        services.job_cancel(job=job, by=user)

    assert not folders.preview_path(job.pk).parent.exists()
