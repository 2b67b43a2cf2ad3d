from uuid import uuid4

import pytest
from django.utils import timezone

from jobs import leases, services
from jobs.attempts import JobFailed
from jobs.models import Job

pytestmark = pytest.mark.django_db
State = Job.State


def address(job, verb=""):
    return f"/api/v1/jobs/{job.pk}/{verb}"


def fail(attempt):
    leases.attempt_fail(job=attempt.job, error=JobFailed("Send a shorter clip.", code="too_long"), at=timezone.now())


def succeed(attempt):
    attempt.commit(lambda: {"clip_id": str(uuid4())})


def test_a_waiting_job_shows_its_place_in_the_queue(api_client, start, other_user):
    start(owner=other_user)
    upload = str(uuid4())

    job = api_client.get(address(start(subject={"upload_id": upload}))).json()

    assert (job["state"], job["stage"], job["queue_position"]) == ("queued", "waiting", 2)
    assert (job["progress"], job["attempts"], job["error"], job["has_preview"]) == (0, 0, None, False)
    assert job["subject"] == {"upload_id": upload}


def test_a_running_job_shows_how_far_it_is(api_client, start, run):
    job = start()
    run(job).report(
        stage="painting", progress=0.25, frames_done=5, frames_total=20, frames_per_second=2.5, eta_seconds=6.0
    )

    seen = api_client.get(address(job)).json()

    assert (seen["state"], seen["stage"], seen["progress"], seen["queue_position"]) == (
        "running",
        "painting",
        0.25,
        None,
    )
    assert (seen["frames_done"], seen["frames_total"], seen["frames_per_second"]) == (5, 20, 2.5)
    assert (seen["eta_seconds"], seen["attempts"]) == (6.0, 1)
    assert seen["started_at"] is not None


def test_a_failed_job_says_why_and_nothing_of_our_insides(api_client, start, run):
    job = start()
    fail(run(job))

    seen = api_client.get(address(job)).json()

    assert seen["state"] == "failed"
    assert seen["error"] == {"code": "too_long", "title": "This could not be done", "detail": "Send a shorter clip."}
    assert not {"token", "worker", "trouble", "payload", "owner"} & seen.keys()


def test_the_list_holds_only_ones_own_jobs(api_client, start, other_user):
    mine = [start(), start()]
    start(owner=other_user)

    page = api_client.get("/api/v1/jobs/").json()

    assert [job["id"] for job in page["results"]] == [str(job.pk) for job in reversed(mine)]


def test_the_list_of_active_jobs_leaves_out_what_is_over(api_client, start, run):
    waiting, running, over = start(), start(), start()
    run(running)
    succeed(run(over))

    page = api_client.get("/api/v1/jobs/", {"active": "true"}).json()

    assert {job["id"] for job in page["results"]} == {str(waiting.pk), str(running.pk)}


@pytest.mark.parametrize(
    ("method", "verb"), [("get", ""), ("post", "cancel/"), ("post", "retry/"), ("get", "preview.jpg")]
)
def test_somebody_elses_job_does_not_exist(client_of, other_user, start, run, method, verb):
    job = start()
    run(job).report(stage="painting", progress=0.5, preview=b"\xff\xd8 a frame")

    theirs = getattr(client_of(other_user), method)(address(job, verb))
    nobodys = getattr(client_of(other_user), method)(f"/api/v1/jobs/{uuid4()}/{verb}")

    assert theirs.status_code == nobodys.status_code == 404
    assert theirs["Content-Type"] == "application/problem+json"
    assert theirs.json()["detail"] == nobodys.json()["detail"]
    job.refresh_from_db()
    assert (job.state, job.cancel_requested) == (State.RUNNING, False)


@pytest.mark.parametrize("path", ["/api/v1/jobs/", f"/api/v1/jobs/{uuid4()}/", "/api/v1/socket-tickets/"])
def test_a_stranger_is_asked_to_log_in(anonymous_client, db, path):
    verb = anonymous_client.post if "tickets" in path else anonymous_client.get

    assert verb(path).status_code == 401


def test_a_waiting_job_is_cancelled_at_once(api_client, start):
    answer = api_client.post(address(start(), "cancel/"))

    assert answer.status_code == 200
    assert (answer.json()["state"], answer.json()["cancel_requested"]) == ("cancelled", True)


def test_a_running_job_says_that_it_will_be_cancelled(api_client, start, run):
    job = start()
    run(job)

    answer = api_client.post(address(job, "cancel/")).json()

    assert (answer["state"], answer["cancel_requested"]) == ("running", True)


def test_what_is_over_is_a_conflict_to_cancel(api_client, start, run):
    job = start()
    succeed(run(job))

    answer = api_client.post(address(job, "cancel/"))

    assert (answer.status_code, answer.json()["code"]) == (409, "job_ended")


def test_a_failed_job_is_tried_again(api_client, start, run):
    job = start()
    fail(run(job))

    answer = api_client.post(address(job, "retry/"))

    assert (answer.status_code, answer.json()["state"], answer.json()["error"]) == (200, "queued", None)


def test_a_retry_sent_twice_with_one_key_is_one_retry(api_client, start, run):
    job = start()
    fail(run(job))
    key = {"Idempotency-Key": "one-click"}

    first = api_client.post(address(job, "retry/"), headers=key)
    second = api_client.post(address(job, "retry/"), headers=key)

    assert first.status_code == second.status_code == 200
    assert second["Idempotent-Replayed"] == "true"


@pytest.mark.parametrize("end", [None, succeed])
def test_what_waits_or_succeeded_is_a_conflict_to_retry(api_client, start, run, end):
    job = start()
    if end is not None:
        end(run(job))

    answer = api_client.post(address(job, "retry/"))

    assert (answer.status_code, answer.json()["code"]) == (409, "job_not_retryable")


def test_too_many_jobs_are_a_conflict(start, settings):
    settings.JOBS_ACTIVE_MAX = 1
    start()

    with pytest.raises(services.TooManyJobs) as refusal:
        start()

    assert (refusal.value.status, refusal.value.code) == (409, "too_many_jobs")


def test_the_newest_painted_frame_is_shown_to_the_owner_and_kept_by_no_cache(api_client, start, run):
    job = start()
    run(job).report(stage="painting", progress=0.5, preview=b"\xff\xd8 a frame")

    answer = api_client.get(address(job, "preview.jpg"))

    assert answer["Content-Type"] == "image/jpeg"
    assert answer["Cache-Control"] == "private, no-store"
    assert b"".join(answer.streaming_content) == b"\xff\xd8 a frame"
    assert api_client.get(address(job)).json()["has_preview"] is True


def test_a_job_that_has_painted_nothing_yet_has_no_preview(api_client, start, run):
    job = start()
    run(job)

    assert api_client.get(address(job, "preview.jpg")).status_code == 404


def test_an_app_gets_a_ticket_for_the_socket(api_client, user):
    answer = api_client.post("/api/v1/socket-tickets/")

    assert answer.status_code == 201
    assert services.ticket_redeem(ticket=answer.json()["ticket"], at=timezone.now()) == user
