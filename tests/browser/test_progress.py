"""A long painting: news of it live, after a reload, after the socket was cut; the queue; and cancelling."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, WebSocketRoute, expect

from .conftest import DESKTOP
from .films import short_film
from .steps import FRAME_MS, choose_file, sign_up, start_painting, wait_for_easel

pytestmark = [pytest.mark.browser, pytest.mark.timeout(900, method="thread")]

Open = Callable[..., Page]
Shoot = Callable[[Page, str], None]


def percent_done(page: Page) -> float:
    return float(page.get_by_role("progressbar", name="Painting").get_attribute("value") or 0)


def wait_for_more(page: Page, than: float) -> float:
    """Wait until the bar stands further right."""
    expect(page.get_by_role("progressbar", name="Painting")).to_have_attribute(
        "value", re.compile("|".join(f"^{percent}$" for percent in range(int(than) + 1, 101))), timeout=FRAME_MS
    )
    return percent_done(page)


def test_progress_survives_a_reload_and_a_cut_socket_and_a_painting_can_be_stopped(
    open_page: Open, shoot: Shoot, tmp_path: Path
) -> None:
    page = open_page(DESKTOP)
    sockets: list[WebSocketRoute] = []

    def pass_on(socket: WebSocketRoute) -> None:
        socket.connect_to_server()
        sockets.append(socket)

    page.route_web_socket("**/ws/jobs/", pass_on)
    sign_up(page)
    choose_file(page, short_film(tmp_path / "long.mp4", frames=500, width=640, height=360))
    wait_for_easel(page)
    easel = page.url
    start_painting(page, "360p")

    expect(page.get_by_role("heading", name="Painting")).to_be_visible(timeout=FRAME_MS)
    done = wait_for_more(page, 0)
    for name in ("Frames", "Speed", "Left"):
        expect(page.get_by_role("term").filter(has_text=name)).to_be_visible()
    expect(page.get_by_role("img", name="The newest painted frame")).to_be_visible(timeout=FRAME_MS)
    shoot(page, "desktop-painting")

    page.reload()
    expect(page.get_by_role("progressbar", name="Painting")).to_be_visible()
    assert percent_done(page) >= done
    done = wait_for_more(page, done)

    before = len(sockets)
    sockets[-1].close(code=1012, reason="cut")
    # What was on its way when the line was cut may show before there is another.
    while len(sockets) == before:
        page.wait_for_timeout(100)
    wait_for_more(page, percent_done(page))

    second = open_second(page, easel)
    expect(second.get_by_text("Next in the queue")).to_be_visible()
    shoot(second, "desktop-queue")
    second.get_by_role("button", name="Stop painting").click()
    expect(second.get_by_text("You stopped this painting")).to_be_visible()

    page.get_by_role("button", name="Stop painting").click()
    expect(page.get_by_text("You stopped this painting")).to_be_visible(timeout=15_000)
    shoot(page, "desktop-stopped")


def open_second(page: Page, easel: str) -> Page:
    """Order another painting in another tab: it waits behind the first."""
    tab = page.context.new_page()
    tab.goto(easel)
    expect(tab.get_by_role("button", name="Paint it")).to_be_enabled()
    start_painting(tab, "240p")
    return tab
