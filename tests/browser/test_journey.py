"""From signing up to a liked and commented painting in the feed, with a real clip and the real network."""

import re
import uuid
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, Route, expect

from .conftest import DESKTOP, PHONE
from .films import noisy_film, short_film

pytestmark = [pytest.mark.browser, pytest.mark.timeout(900)]

PAINTING_MS = 300_000
Open = Callable[..., Page]
Shoot = Callable[[Page, str], None]


def sign_up(page: Page) -> str:
    name = f"painter{uuid.uuid4().hex[:8]}"
    page.goto("/signup")
    page.get_by_label("Username").fill(name)
    page.get_by_label("E-mail").fill(f"{name}@example.org")
    page.get_by_label("Password").fill("a long pass phrase 7")
    page.get_by_role("button", name="Sign up").click()
    expect(page).not_to_have_url(re.compile("/signup"))
    return name


def choose_file(page: Page, film: Path) -> None:
    page.goto("/create")
    page.locator("input[type=file]").first.set_input_files(film)


def wait_for_easel(page: Page) -> None:
    expect(page).to_have_url(re.compile(r"/create\?clip="), timeout=120_000)
    expect(
        page.get_by_role("img", name="Painted frame").or_(page.get_by_role("button", name="Paint it"))
    ).to_be_visible()


def painted_frame(page: Page) -> str:
    frame = page.get_by_role("img", name="Painted frame")
    expect(frame).to_be_visible(timeout=60_000)
    return str(frame.get_attribute("src"))


def wait_for_another_frame(page: Page, old: str) -> str:
    frame = page.get_by_role("img", name="Painted frame")
    expect(frame).not_to_have_attribute("src", old, timeout=60_000)
    return str(frame.get_attribute("src"))


def start_painting(page: Page) -> None:
    page.get_by_role("button", name="Paint it").click()
    expect(page).to_have_url(re.compile("/job/"))


@pytest.mark.parametrize("viewport", [PHONE, DESKTOP], ids=["phone", "desktop"])
def test_a_clip_becomes_a_painting_that_others_like(
    open_page: Open, shoot: Shoot, tmp_path: Path, viewport: dict[str, int]
) -> None:
    kind = "phone" if viewport is PHONE else "desktop"
    page = open_page(viewport)
    sign_up(page)
    choose_file(page, short_film(tmp_path / "a walk.mp4"))
    wait_for_easel(page)

    page.get_by_role("group", name="Styles").get_by_role("button", name=re.compile("Starry Night")).click()
    first = painted_frame(page)
    shoot(page, f"{kind}-easel")
    page.get_by_role("slider", name="Strength").press("ArrowRight")
    stronger = wait_for_another_frame(page, first)
    page.get_by_label("Keep colours").check(force=True)
    wait_for_another_frame(page, stronger)

    start_painting(page)
    shoot(page, f"{kind}-job")
    page.reload()
    expect(page.get_by_role("progressbar").or_(page.get_by_role("slider")).first).to_be_visible()
    expect(page).to_have_url(re.compile("/clip/"), timeout=PAINTING_MS)

    expect(page.get_by_role("slider", name="Compare original and painting")).to_be_visible()
    shoot(page, f"{kind}-result")
    page.get_by_label("Caption").fill("A walk at night #starry #walk")
    page.get_by_role("button", name="Publish").click()
    page.get_by_role("link", name="Look at it").click()
    expect(page).to_have_url(re.compile("/p/"))
    address = page.url

    other = open_page(viewport)
    sign_up(other)
    other.goto("/")
    expect(other.get_by_text("A walk at night").first).to_be_visible()
    video = other.locator("video.stage-video").first
    expect(video).to_have_js_property("muted", True)
    expect(video).to_have_js_property("paused", False, timeout=15_000)
    shoot(other, f"{kind}-feed")
    other.goto(address)
    other.get_by_role("button", name="Like").first.click()
    expect(other.get_by_role("button", name="Unlike").first).to_be_visible()
    other.get_by_role("button", name="Comments").first.click()
    other.get_by_placeholder("Write a comment").fill("What a night!")
    other.get_by_role("button", name="Send").click()
    expect(other.get_by_text("What a night!")).to_be_visible()
    shoot(other, f"{kind}-comments")


def test_an_upload_goes_on_after_the_connection_was_cut_and_the_page_reloaded(open_page: Open, tmp_path: Path) -> None:
    page = open_page()
    sign_up(page)
    sent: list[str] = []

    def cut(route: Route) -> None:
        if route.request.method == "PATCH":
            sent.append(route.request.headers["upload-offset"])
            if len(sent) > 1:
                return route.abort("connectionreset")
        return route.continue_()

    page.route("**/api/v1/uploads/**", cut)
    choose_file(page, noisy_film(tmp_path / "noise.mp4", megabytes=9))
    expect(page.get_by_text("The connection is gone.")).to_be_visible(timeout=60_000)
    page.unroute("**/api/v1/uploads/**")
    later: list[str] = []
    page.on(
        "request", lambda request: later.append(request.headers["upload-offset"]) if request.method == "PATCH" else None
    )
    page.reload()

    wait_for_easel(page)

    assert later
    assert int(later[0]) > 0


def test_a_painting_can_be_stopped(open_page: Open, tmp_path: Path) -> None:
    page = open_page(PHONE)
    sign_up(page)
    choose_file(page, short_film(tmp_path / "long.mp4", frames=150))
    wait_for_easel(page)
    page.get_by_role("group", name="Styles").get_by_role("button").nth(2).click()

    start_painting(page)
    page.get_by_role("button", name="Stop painting").click()

    expect(page.get_by_text("You stopped this painting")).to_be_visible(timeout=15_000)


def test_progress_comes_back_after_the_socket_was_cut(open_page: Open, tmp_path: Path) -> None:
    page = open_page()
    sign_up(page)
    choose_file(page, short_film(tmp_path / "cut.mp4"))
    wait_for_easel(page)
    painted_frame(page)

    start_painting(page)
    page.context.set_offline(True)
    page.wait_for_timeout(1500)
    page.context.set_offline(False)

    expect(page).to_have_url(re.compile("/clip/"), timeout=PAINTING_MS)


def test_what_is_no_video_is_refused_in_words(open_page: Open, tmp_path: Path) -> None:
    page = open_page(PHONE)
    sign_up(page)
    fake = tmp_path / "holiday.mp4"
    fake.write_bytes(b"this is not a video at all\n" * 100)

    choose_file(page, fake)

    expect(page.get_by_role("alert")).to_contain_text(re.compile("not a video", re.IGNORECASE), timeout=60_000)
