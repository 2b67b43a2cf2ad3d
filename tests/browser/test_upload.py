"""Uploads that are cut, go on after a reload, or are refused."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, Request, Route, expect

from .conftest import DESKTOP, PHONE
from .films import noisy_film
from .steps import INGEST_MS, choose_file, drop_file, sign_up, wait_for_easel

pytestmark = [pytest.mark.browser, pytest.mark.timeout(900, method="thread")]

Open = Callable[..., Page]
Shoot = Callable[[Page, str], None]
UPLOADS = re.compile("/api/v1/uploads/.")


def offset_of(request: Request) -> int:
    return int(request.headers["upload-offset"])


def test_an_upload_goes_on_after_the_connection_was_cut_and_the_page_reloaded(
    open_page: Open, shoot: Shoot, tmp_path: Path
) -> None:
    page = open_page(PHONE)
    sign_up(page)
    held: list[Route] = []
    is_cut = False

    def meddle(route: Route) -> None:
        """Let one chunk through and hold the second; once the connection is cut nothing arrives at all."""
        if is_cut:
            route.abort("connectionreset")
        elif route.request.method == "PATCH" and offset_of(route.request) > 0:
            held.append(route)
        else:
            route.continue_()

    page.route(UPLOADS, meddle)
    drop_file(page, noisy_film(tmp_path / "noise.mp4", megabytes=6))

    progress = page.get_by_role("progressbar", name="Upload")
    expect(page.get_by_text("Uploading. You may leave this page")).to_be_visible()
    expect(progress).not_to_have_attribute("value", "0")
    shoot(page, "phone-uploading")
    is_cut = True
    for route in held:
        route.abort("connectionreset")
    expect(page.get_by_text("The connection is gone.")).to_be_visible()
    shoot(page, "phone-upload-cut")

    page.unroute(UPLOADS)
    offsets: list[int] = []
    page.on("request", lambda request: offsets.append(offset_of(request)) if request.method == "PATCH" else None)
    page.reload()
    wait_for_easel(page)
    assert offsets
    assert min(offsets) > 0


def test_an_upload_can_be_paused_and_goes_on(open_page: Open, tmp_path: Path) -> None:
    page = open_page(DESKTOP)
    sign_up(page)
    held: list[Route] = []

    def hold(route: Route) -> None:
        if route.request.method == "PATCH" and offset_of(route.request) > 0 and not held:
            held.append(route)
        else:
            route.continue_()

    page.route(UPLOADS, hold)
    with page.expect_request(lambda request: request.method == "PATCH" and offset_of(request) > 0):
        choose_file(page, noisy_film(tmp_path / "noise.mp4", megabytes=6))
    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_text("Paused. What has arrived is safe.")).to_be_visible()

    page.get_by_role("button", name="Go on").click()

    wait_for_easel(page)


def test_what_is_no_video_is_refused_in_words(open_page: Open, shoot: Shoot, tmp_path: Path) -> None:
    page = open_page(PHONE)
    sign_up(page)
    fake = tmp_path / "holiday.mp4"
    fake.write_bytes(b"this is not a video at all\n" * 100)

    choose_file(page, fake)

    expect(page.get_by_role("alert")).to_contain_text(re.compile("not a video", re.IGNORECASE), timeout=INGEST_MS)
    shoot(page, "phone-upload-refused")


def test_a_picture_is_refused_before_it_is_sent(open_page: Open, tmp_path: Path) -> None:
    page = open_page(DESKTOP)
    sign_up(page)
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.url) if "/uploads/" in request.url else None)
    picture = tmp_path / "photo.jpg"
    picture.write_bytes(b"\xff\xd8\xff\xe0 a picture")

    choose_file(page, picture)

    expect(page.get_by_role("alert")).to_contain_text(re.compile("not a video", re.IGNORECASE))
    assert sent == []
