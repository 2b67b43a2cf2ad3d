"""The whole site with its channel store: what a page hears when things break, and what is left when it stops."""

import json
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from typing import Any

import psutil
import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin

from tests.integration.jobs.works import Works, survivors, words_of

pytestmark = pytest.mark.live
STOP_SECONDS = 5


@pytest.fixture(scope="module")
def works(tmp_path_factory):
    works = Works(tmp_path_factory.mktemp("works"), with_web=True)
    try:
        works.wait_until_idle()
        works.wait_for(lambda: "is ready" in works.output.read_text())
        yield works
    finally:
        works.stop()


class Page:
    """A browser page of somebody who is logged in, without the browser."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket

    def hear(self) -> dict[str, Any]:
        return json.loads(self.socket.recv(timeout=30))

    def snapshot_of(self, job_id: str) -> dict[str, Any]:
        """The job as the first message shows it."""
        first = self.hear()
        assert first["type"] == "snapshot"
        return next(job for job in first["jobs"] if job["id"] == job_id)

    def follow(self, job_id: str) -> Iterator[dict[str, Any]]:
        while True:
            message = self.hear()
            if message["type"] == "job" and message["job"]["id"] == job_id:
                yield message["job"]

    def cut(self) -> None:
        """As a train does that enters a tunnel: nobody says good-bye."""
        self.socket.socket.shutdown(socket.SHUT_RDWR)


@pytest.fixture
def session(works):
    return works.ask("log_in", "anna")


@pytest.fixture
def open_page(works):
    with ExitStack() as pages:

        def make(session: str, origin: str = "") -> Page:
            place = f"127.0.0.1:{works.port}"
            handshake = connect(
                f"ws://{place}/ws/jobs/",
                origin=Origin(origin or f"http://{place}"),
                additional_headers={"Cookie": f"sessionid={session}"},
                proxy=None,
            )
            return Page(pages.enter_context(handshake))

        yield make


def progress_until(page: Page, job_id: str, end: float) -> list[float]:
    heard = []
    for job in page.follow(job_id):
        heard.append(job["progress"])
        if job["progress"] >= end:
            break
    return heard


def test_a_page_whose_socket_was_cut_goes_on_where_the_work_is(works, session, open_page):
    job_id = works.start(steps=24)
    page = open_page(session)
    page.snapshot_of(job_id)
    before = progress_until(page, job_id, 0.2)
    page.cut()
    works.wait_for(lambda: works.job(job_id)["progress"] > before[-1] + 0.1)

    page = open_page(session)

    shown = page.snapshot_of(job_id)
    after = progress_until(page, job_id, 1)
    assert (shown["state"], shown["frames_total"]) == ("running", 24)
    assert before[-1] < shown["progress"] < 1
    assert len(after) > 3
    assert [*before, shown["progress"], *after] == sorted([*before, shown["progress"], *after])
    works.assert_finished_once(job_id)


def test_a_page_of_another_origin_is_refused_though_it_has_the_cookie(works, session, open_page):
    with pytest.raises(InvalidStatus) as refusal:
        open_page(session, origin="http://evil.example")

    assert refusal.value.response.status_code == 403


def test_the_work_of_somebody_else_is_not_in_the_snapshot(works, open_page):
    works.start(steps=1)

    page = open_page(works.ask("log_in", "bela"))

    assert page.hear() == {"type": "snapshot", "jobs": []}


def test_work_goes_on_without_the_channel_store_and_pages_hear_the_rest_when_it_is_back(works, session, open_page):
    job_id = works.start(steps=32)
    works.wait_until_busy(job_id)
    (store,) = [child for child in psutil.Process(works.site.pid).children() if "valkey-server" in str(words_of(child))]

    store.kill()

    def open_again() -> Page | None:
        with suppress(InvalidStatus):
            return open_page(session)
        return None

    page = works.wait_for(open_again)
    assert page.snapshot_of(job_id)["state"] == "running"
    assert progress_until(page, job_id, 1)[-1] == 1
    assert works.assert_finished_once(job_id)["attempts"] == 1
    assert "Traceback" not in works.output.read_text()


def test_a_stop_in_the_middle_of_the_work_leaves_no_process_and_the_next_start_ends_it_once(works):
    job_id = works.start(steps=40)
    (attempt,) = works.children_of(works.wait_until_busy(job_id))
    family = psutil.Process(works.site.pid).children(recursive=True)
    assert attempt in family

    began = time.monotonic()
    works.site.send_signal(signal.SIGINT)

    assert works.site.wait(STOP_SECONDS) == 0
    left = STOP_SECONDS - (time.monotonic() - began)
    assert survivors(psutil.wait_procs(family, timeout=left)[1]) == []

    works.open()

    job = works.assert_finished_once(job_id)
    assert job["attempts"] == 1, "a stop is nobody's fault"
    works.wait_for(lambda: works.leftovers() == [])
