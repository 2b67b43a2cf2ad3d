"""The feed: swiping, keys, sound, less motion, and reporting."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect

from .conftest import DESKTOP, PHONE
from .steps import ask, sign_up

pytestmark = [pytest.mark.browser, pytest.mark.timeout(900, method="thread")]

Open = Callable[..., Page]
Shoot = Callable[[Page, str], None]
# From inside the page: a busy machine would give the wall time to arrive between two keys.
PRESS = """(keys) => {
    for (const key of keys) document.body.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
}"""


def video_of(page: Page, index: int) -> Locator:
    return page.get_by_role("article").nth(index).locator("video.stage-video").first


def expect_only_playing(page: Page, index: int) -> None:
    expect(video_of(page, index)).to_have_js_property("paused", False)
    expect(video_of(page, 1 - index)).to_have_js_property("paused", True)


def swipe_up(page: Page) -> None:
    """Draw a finger over the screen from below."""
    finger = page.context.new_cdp_session(page)

    def touch(kind: str, *points: dict[str, int]) -> None:
        finger.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": list(points)})

    touch("touchStart", {"x": 190, "y": 600})
    for height in range(580, 100, -40):
        touch("touchMove", {"x": 190, "y": height})
    touch("touchEnd")


def test_swiping_plays_the_next_painting_muted(open_page: Open, gallery: list[str]) -> None:
    page = open_page(PHONE)
    page.goto("/")
    expect_only_playing(page, 0)

    swipe_up(page)

    expect_only_playing(page, 1)
    expect(video_of(page, 1)).to_have_js_property("muted", True)


def test_keys_walk_pause_and_show_the_comments(open_page: Open, gallery: list[str]) -> None:
    page = open_page(DESKTOP)
    page.goto("/")
    expect_only_playing(page, 0)

    page.keyboard.press("j")
    expect_only_playing(page, 1)
    page.keyboard.press("k")
    expect_only_playing(page, 0)
    page.keyboard.press("Space")
    expect(video_of(page, 0)).to_have_js_property("paused", True)
    page.keyboard.press("m")
    expect(video_of(page, 0)).to_have_js_property("muted", False)
    page.keyboard.press("c")
    expect(page.get_by_role("region", name="Comments")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("region", name="Comments")).to_be_hidden()


def test_turning_round_on_the_way_leads_back(open_page: Open, gallery: list[str]) -> None:
    page = open_page(DESKTOP)
    page.goto("/")
    expect_only_playing(page, 0)

    ask(page, PRESS, "jk")
    page.wait_for_timeout(2000)  # what is wrong shows when the wall has come to rest

    expect_only_playing(page, 0)
    expect(page.get_by_role("article").first).to_be_in_viewport(ratio=0.9)


def test_nothing_moves_by_itself_for_those_who_want_less_motion(open_page: Open, gallery: list[str]) -> None:
    page = open_page(PHONE, reduced_motion="reduce")
    page.goto("/")
    expect(video_of(page, 0)).to_be_visible()
    expect(video_of(page, 0)).to_have_js_property("paused", True)

    page.keyboard.press("Space")

    expect(video_of(page, 0)).to_have_js_property("paused", False)


def test_a_guest_who_likes_is_asked_in_and_comes_back(open_page: Open, gallery: list[str]) -> None:
    page = open_page(PHONE)
    page.goto(f"/p/{gallery[0]}")

    page.get_by_role("button", name=re.compile("^Like")).click()

    expect(page).to_have_url(re.compile(f"/login\\?next=.*{gallery[0]}"))


def test_a_post_can_be_reported(open_page: Open, shoot: Shoot, gallery: list[str]) -> None:
    page = open_page(PHONE)
    sign_up(page)
    page.goto(f"/p/{gallery[0]}")

    page.get_by_role("button", name="Report").click()
    dialog = page.get_by_role("dialog", name="Report this post")
    dialog.get_by_role("radio", name="Spam or advertising").check()
    dialog.get_by_label("Anything else").fill("It sells brushes.")
    shoot(page, "phone-report")
    dialog.get_by_role("button", name="Send report").click()

    expect(page.get_by_text("A moderator will look at it.")).to_be_visible()
