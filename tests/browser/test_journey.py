"""From signing up to a liked and commented painting in the feed, with a real clip and the real network."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from .conftest import DESKTOP, PHONE
from .steps import (
    PAINTING_MS,
    SWAN,
    Frame,
    choose_style,
    colour_difference,
    difference,
    drop_file,
    pixels_of,
    sign_up,
    start_painting,
    wait_for_easel,
)

pytestmark = [pytest.mark.browser, pytest.mark.timeout(1200, method="thread")]

Open = Callable[..., Page]
Shoot = Callable[[Page, str], None]
# Two JPEGs of one frame differ by less than a level; a change that a person asked for shows.
SEEN = 1.5


def own_picture(folder: Path) -> Path:
    """A picture nobody else has: broad stripes of red and gold."""
    picture = Image.new("RGB", (320, 320), (200, 30, 20))
    for left in range(0, 320, 40):
        picture.paste((250, 200, 40), (left, 0, left + 16, 320))
    picture.save(folder / "stripes.jpg")
    return folder / "stripes.jpg"


def try_everything_on_the_easel(page: Page, folder: Path) -> None:
    choose_style(page, "The Starry Night")
    frame = Frame(page)
    original = pixels_of(page.get_by_role("img", name="Original frame"))
    full = frame.pixels
    assert difference(full, original) > SEEN

    page.get_by_role("slider", name="Strength").press("Home")
    assert difference(frame.repainted(), original) < difference(full, original)
    page.get_by_role("slider", name="Strength").press("End")
    assert difference(frame.repainted(), full) > SEEN

    before = frame.pixels
    page.get_by_role("switch", name="Keep colours").check()
    assert colour_difference(frame.repainted(), original) < colour_difference(before, original)
    page.get_by_role("switch", name="Keep colours").uncheck()
    alone = frame.repainted()

    page.get_by_role("button", name="Mix").click()
    choose_style(page, "Composition VIII")
    mixed = frame.repainted()
    assert difference(mixed, alone) > SEEN
    page.get_by_role("slider", name="The Starry Night").press("Home")
    assert difference(frame.repainted(), mixed) > SEEN

    mixed = frame.pixels
    page.get_by_label("Your picture").set_input_files(own_picture(folder))
    expect(page.get_by_role("slider", name="stripes")).to_be_visible()
    assert difference(frame.repainted(), mixed) > SEEN


def publish(page: Page, caption: str) -> str:
    """Publish the painting that is shown and return its post's address."""
    page.get_by_label("Caption").fill(caption)
    expect(page.get_by_text("#swan", exact=True)).to_be_visible()
    page.get_by_role("button", name="Publish").click()
    page.get_by_role("link", name="Look at it").click()
    expect(page).to_have_url(re.compile("/p/"))
    return page.url


def like_and_comment(page: Page) -> None:
    page.get_by_role("button", name=re.compile("^Like")).first.click()
    expect(page.get_by_role("button", name=re.compile("^Unlike, 1")).first).to_be_visible()
    page.get_by_role("button", name=re.compile("^Comments")).first.click()
    page.get_by_role("textbox", name="Write a comment").fill("What a night!")
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_role("listitem").filter(has_text="What a night!")).to_be_visible()


@pytest.mark.parametrize("viewport", [PHONE, DESKTOP], ids=["phone", "desktop"])
def test_a_clip_becomes_a_painting_that_others_like(
    open_page: Open, shoot: Shoot, tmp_path: Path, viewport: dict[str, int]
) -> None:
    kind = "phone" if viewport is PHONE else "desktop"
    page = open_page(viewport)
    sign_up(page)
    drop_file(page, SWAN)
    wait_for_easel(page)
    try_everything_on_the_easel(page, tmp_path)
    shoot(page, f"{kind}-easel")

    start_painting(page, "240p")
    expect(page.get_by_role("progressbar")).to_be_visible()
    shoot(page, f"{kind}-job")
    expect(page).to_have_url(re.compile("/clip/"), timeout=PAINTING_MS)
    divider = page.get_by_role("slider", name="Compare original and painting")
    divider.press("ArrowRight")
    expect(divider).to_have_attribute("aria-valuenow", "55")
    for video in page.locator(".player video").all():
        expect(video).to_have_js_property("paused", False)
    shoot(page, f"{kind}-result")
    address = publish(page, f"A swan at night #swan #{kind}")

    other = open_page(viewport)
    sign_up(other)
    other.goto("/")
    newest = other.get_by_role("article").first
    expect(newest).to_contain_text(f"A swan at night #swan #{kind}")
    expect(newest.locator("video.stage-video").first).to_have_js_property("muted", True)
    expect(newest.locator("video.stage-video").first).to_have_js_property("paused", False)
    shoot(other, f"{kind}-feed")
    like_and_comment(other)
    shoot(other, f"{kind}-comments")

    page.goto(address)
    expect(page.get_by_role("button", name="Like, 1")).to_be_visible()
    expect(page.get_by_role("button", name="Comments, 1")).to_be_visible()
