"""The WebSocket that tells a person how their work goes on."""

from datetime import timedelta

import pytest
from channels.db import database_sync_to_async
from channels.testing import WebsocketCommunicator
from django.utils import timezone

from jobs import services
from jobs.models import Job
from website.sockets import websocket_application

pytestmark = pytest.mark.django_db(transaction=True)
in_thread = database_sync_to_async


@pytest.fixture
def site():
    return websocket_application()


@pytest.fixture
def page_of(site):
    """A browser page of somebody that is logged in: `page_of(api_client)`."""

    def make(client, origin="http://testserver"):
        cookie = f"sessionid={client.cookies['sessionid'].value}"
        headers = {"host": "testserver", "origin": origin, "cookie": cookie}
        pairs = [(name.encode(), value.encode()) for name, value in headers.items()]
        return WebsocketCommunicator(site, "/ws/jobs/", headers=pairs)

    return make


@pytest.fixture
def app_with(site):
    """An app that shows a ticket, and has neither cookie nor Origin."""
    return lambda ticket: WebsocketCommunicator(site, f"/ws/jobs/?ticket={ticket}", headers=[(b"host", b"testserver")])


async def opened(socket):
    """Connect, and return the jobs of the snapshot that comes first."""
    connected, _ = await socket.connect()
    assert connected
    first = await socket.receive_json_from()
    assert first["type"] == "snapshot"
    return first["jobs"]


async def next_job(socket):
    message = await socket.receive_json_from()
    assert message["type"] == "job"
    return message["job"]


async def closed_with(socket):
    return (await socket.receive_output())["code"]


def ids(jobs):
    return {job["id"] for job in jobs}


async def test_a_page_of_another_origin_is_refused_though_it_has_the_cookie(page_of, api_client):
    assert (await page_of(api_client, origin="http://evil.example").connect())[0] is False


async def test_first_comes_what_goes_on_and_what_ended_a_moment_ago(page_of, api_client, start, run, other_user):
    def prepare():
        waiting, running, ended, long_over = start(), start(), start(), start()
        start(owner=other_user)
        run(running).report(stage="painting", progress=0.4)
        for job in (ended, long_over):
            run(job).commit(dict)
        Job.objects.filter(pk=long_over.pk).update(finished_at=timezone.now() - timedelta(minutes=11))
        return {str(job.pk) for job in (waiting, running, ended)}

    expected = await in_thread(prepare)()
    page = page_of(api_client)

    jobs = await opened(page)

    assert ids(jobs) == expected
    assert {job["progress"] for job in jobs} == {0, 0.4, 1}
    await page.disconnect()


async def test_what_changes_is_pushed_from_the_queue_to_the_end(page_of, api_client, start, run):
    page = page_of(api_client)
    assert await opened(page) == []

    job = await in_thread(start)()
    assert ((seen := await next_job(page))["state"], seen["queue_position"]) == ("queued", 1)
    attempt = await in_thread(run)(job)
    assert (await next_job(page))["state"] == "running"
    await in_thread(attempt.report)(
        stage="painting", progress=0.5, frames_done=5, frames_total=10, frames_per_second=2.0, eta_seconds=2.5
    )
    seen = await next_job(page)
    assert (seen["stage"], seen["progress"], seen["frames_per_second"], seen["eta_seconds"]) == (
        "painting",
        0.5,
        2,
        2.5,
    )
    await in_thread(attempt.commit)(dict)

    seen = await next_job(page)
    assert (seen["state"], seen["progress"], seen["stage"]) == ("succeeded", 1, "done")
    await page.disconnect()


async def test_after_a_reload_the_new_page_knows_the_progress_and_hears_the_rest(page_of, api_client, start, run):
    attempt = await in_thread(lambda: run(start()))()
    before = page_of(api_client)
    await opened(before)
    await before.disconnect()
    await in_thread(attempt.report)(stage="painting", progress=0.6)

    after = page_of(api_client)

    assert [(job["state"], job["progress"]) for job in await opened(after)] == [("running", 0.6)]
    await in_thread(attempt.commit)(dict)
    assert (await next_job(after))["state"] == "succeeded"
    await after.disconnect()


async def test_who_waits_hears_that_the_queue_moves(page_of, client_of, start, run, user, other_user):
    def prepare():
        return start(), start(owner=other_user), client_of(other_user)

    first, second, client = await in_thread(prepare)()
    page = page_of(client)
    assert [job["queue_position"] for job in await opened(page)] == [2]

    await in_thread(run)(first)
    moved = await next_job(page)

    assert (moved["id"], moved["queue_position"]) == (str(second.pk), 1)
    await page.disconnect()


async def test_who_waits_hears_that_somebody_gave_up(page_of, client_of, start, user, other_user):
    def prepare():
        return start(), start(owner=other_user), client_of(other_user)

    first, _, client = await in_thread(prepare)()
    page = page_of(client)
    await opened(page)

    await in_thread(services.job_cancel)(job=first, by=user)

    assert (await next_job(page))["queue_position"] == 1
    await page.disconnect()


async def test_somebody_elses_work_is_not_told(page_of, api_client, start, run, other_user):
    page = page_of(api_client)
    await opened(page)

    attempt = await in_thread(lambda: run(start(owner=other_user)))()
    await in_thread(attempt.report)(stage="painting", progress=0.5)

    assert await page.receive_nothing()
    await page.disconnect()


async def test_a_page_can_ask_for_the_snapshot_and_whether_we_are_there(page_of, api_client):
    page = page_of(api_client)
    await opened(page)

    await page.send_json_to({"type": "ping"})
    assert await page.receive_json_from() == {"type": "pong"}
    await page.send_json_to({"type": "snapshot"})
    assert await page.receive_json_from() == {"type": "snapshot", "jobs": []}
    await page.disconnect()


@pytest.mark.parametrize("text", [" ", "nonsense", "[]", '{"type": "shutdown"}', '"ping"', "[" * 20_000])
async def test_what_is_not_understood_closes_the_socket(page_of, api_client, text):
    page = page_of(api_client)
    await opened(page)

    await page.send_to(text_data=text)

    assert await closed_with(page) == 4400


async def test_bytes_close_the_socket_too(page_of, api_client):
    page = page_of(api_client)
    await opened(page)

    await page.send_to(bytes_data=b"\x00\xff")

    assert await closed_with(page) == 4400


async def test_nobody_is_told_so(site, db):
    socket = WebsocketCommunicator(site, "/ws/jobs/", headers=[(b"host", b"testserver")])
    assert (await socket.connect())[0] is True

    assert await closed_with(socket) == 4401


async def test_a_ticket_opens_one_socket_once(app_with, user, start):
    def prepare():
        return start(), services.ticket_issue(user=user, at=timezone.now())[0]

    job, word = await in_thread(prepare)()

    app = app_with(word)
    assert ids(await opened(app)) == {str(job.pk)}
    await app.disconnect()
    again = app_with(word)
    await again.connect()

    assert await closed_with(again) == 4401


async def test_a_person_who_is_suspended_hears_nothing_more(page_of, api_client, start, user):
    page = page_of(api_client)
    await opened(page)

    def suspend_and_start():
        type(user).objects.filter(pk=user.pk).update(is_active=False)
        start()

    await in_thread(suspend_and_start)()

    assert await closed_with(page) == 4401


async def test_a_page_left_open_hears_nothing_after_the_log_out_on_another(page_of, api_client, start):
    page = page_of(api_client)
    await opened(page)

    answer = await in_thread(api_client.delete)("/_allauth/browser/v1/auth/session")
    await in_thread(start)()

    assert answer.status_code == 401  # that is how allauth says "you are logged out"
    assert await closed_with(page) == 4401
