import pytest
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.utils import timezone

from jobs import leases
from jobs.attempts import JobFailed
from jobs.models import Job

pytestmark = pytest.mark.django_db
LIST = "/admin/jobs/job/"
State = Job.State


@pytest.fixture
def admin(make_user, client_of):
    return client_of(make_user("root", is_staff=True, is_superuser=True))


def act(client, action, *jobs):
    """Choose these jobs and this action; return the page that says what came of it."""
    form = {"action": action, ACTION_CHECKBOX_NAME: [str(job.pk) for job in jobs]}
    return client.post(LIST, form, follow=True, format="multipart").content.decode()


def test_an_admin_cancels_anybodys_job(admin, start):
    job = start()

    assert f"{job}: cancelled." in act(admin, "cancel", job)

    job.refresh_from_db()
    assert job.state == State.CANCELLED


def test_an_admin_tries_a_failed_job_again_and_hears_what_cannot_be(admin, start, run):
    failed, waiting = start(), start()
    leases.attempt_fail(job=run(failed).job, error=JobFailed("No."), at=timezone.now())

    page = act(admin, "retry", failed, waiting)

    assert f"{failed}: queued again." in page
    assert f"{waiting}: Only what failed or was cancelled can be tried again." in page
    failed.refresh_from_db()
    assert failed.state == State.QUEUED


def test_the_staff_read_a_job_with_its_trouble_but_neither_its_token_nor_a_field_to_change(admin, start, run):
    job = start()
    attempt = run(job)
    leases.attempt_lose(job=attempt.job, reason="its process was ended by SIGKILL", at=timezone.now())
    again = run(job)

    page = admin.get(f"{LIST}{job.pk}/change/").content.decode()

    assert "its process was ended by SIGKILL" in page
    assert str(again.job.token) not in page
    assert 'name="state"' not in page


@pytest.mark.parametrize("path", [LIST, f"{LIST}add/"])
def test_a_moderator_has_no_business_with_jobs(moderator, client_of, path):
    assert client_of(moderator).get(path).status_code == 403


@pytest.mark.parametrize("verb", ["add/", "{job}/delete/"])
def test_not_even_an_admin_makes_or_deletes_a_job_by_hand(admin, start, verb):
    assert admin.get(LIST + verb.format(job=start().pk)).status_code == 403
