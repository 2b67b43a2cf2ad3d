"""The editor as people use it: cut, words, undo after a reload, two tabs, and a preview that shows what is rendered."""

import base64
import io
import re
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from playwright.sync_api import Locator, Page, expect

from tests.media import frames_of

from .conftest import DESKTOP, PHONE
from .steps import ask, sign_up

pytestmark = [pytest.mark.browser, pytest.mark.timeout(900, method="thread")]

Open = Callable[..., Page]
Shoot = Callable[[Page, str], None]
RENDER_MS = 180_000
SEND = """async ([method, path, body, headers]) => {
    const token = document.cookie.match(/csrftoken=([^;]+)/)[1];
    const more = { "Content-Type": "application/json", "X-CSRFToken": token, ...headers };
    const answer = await fetch(path, { method, headers: more, body: body ? JSON.stringify(body) : undefined });
    if (!answer.ok) throw new Error(await answer.text());
    return answer.json();
}"""


def send(page: Page, method: str, path: str, body: Any = None, **headers: str) -> Any:
    return ask(page, SEND, [method, f"/api/v1/{path}", body, headers])


def demos(page: Page) -> dict[str, str]:
    return {clip["title"]: clip["id"] for clip in send(page, "GET", "clips/?demo=true")["results"]}


def open_edit(page: Page, project: str) -> None:
    page.goto(f"/edit/{project}")
    expect(page.locator('canvas[data-frame="0"]')).to_be_visible()


def go_to(page: Page, frame: int, now: int) -> None:
    for key, step in (("Shift+ArrowRight", 10), ("ArrowRight", 1)):
        while now + step <= frame:
            page.keyboard.press(key)
            now += step
    expect(page.locator(f'canvas[data-frame="{frame}"]')).to_be_visible()


def seen(page: Page) -> NDArray[np.uint8]:
    url = ask(page, "() => document.querySelector('canvas[data-frame]').toDataURL('image/png')")
    with Image.open(io.BytesIO(base64.b64decode(url.split(",")[1]))) as image:
        return np.asarray(image.convert("RGB"))


def similarity(first: NDArray[np.uint8], second: NDArray[np.uint8]) -> float:
    """SSIM of the luminance (Wang et al. 2004, eq. 13), Gaussian windows of 11 pixels."""
    grey = [cv2.cvtColor(image, cv2.COLOR_RGB2GRAY).astype(np.float64) for image in (first, second)]
    a, b, aa, bb, ab = (
        cv2.GaussianBlur(x, (11, 11), 1.5) for x in (*grey, grey[0] ** 2, grey[1] ** 2, grey[0] * grey[1])
    )
    means = (2 * a * b + 6.5025) / (a * a + b * b + 6.5025)
    spreads = (2 * (ab - a * b) + 58.5225) / (aa - a * a + bb - b * b + 58.5225)
    return float((means * spreads).mean())


def sized_as(wanted: NDArray[np.uint8], image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    height, width = wanted.shape[:2]
    assert abs(width / height - image.shape[1] / image.shape[0]) < 0.01
    return np.asarray(cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA), np.uint8)


def rendered(page: Page, folder: Path) -> list[NDArray[np.uint8]]:
    """Press “Make video”, wait, and read the frames of what comes."""
    page.get_by_role("button", name="Make video").click()
    page.get_by_role("dialog").get_by_role("button", name="Make video").click()
    expect(page).to_have_url(re.compile("/clip/"), timeout=RENDER_MS)
    clip = send(page, "GET", f"clips/{page.url.rsplit('/', 1)[1]}/")
    film = folder / "made.mp4"
    film.write_bytes(page.context.request.get(clip["video_url"]).body())
    return [image for _, image in frames_of(film)]


def everything(clips: dict[str, str]) -> dict[str, Any]:
    """An edit list that uses nearly all there is, at a size that hides no pixel behind the encoder."""
    swan, glider = clips["A black swan"], clips["Taking off"]
    fade, dip = {"kind": "crossfade", "seconds": 0.5}, {"kind": "dip", "seconds": 0.4}
    return {
        "version": 1,
        "canvas": {"aspect": "16:9", "short_side": 720, "frame_rate": 24},
        "segments": [
            {"id": "a", "clip": glider, "start": 0.2, "end": 1.7, "fit": "fill", "view": {"zoom": 1.2, "x": 0.1}},
            {
                "id": "b", "clip": swan, "start": 0, "end": 1.8, "fit": "blur", "transition": fade,
                "view": {"zoom": 0.8, "rotation": 12}, "filters": {"warmth": 0.4, "saturation": 0.3, "contrast": -0.2},
            },
            {
                "id": "c", "clip": glider, "start": 0.3, "end": 0.9, "speed": 0.5, "reverse": True, "transition": dip,
                "view": {"rotation": 90, "crop": {"left": 0.2}},
            },
        ],
        "texts": [
            {"id": "t", "text": "Hello swan 你好", "start": 0.3, "end": 1.4, "y": 0.8, "size": 0.1},
            {
                "id": "u", "text": "Two lines of a\nlong caption here", "start": 2, "end": 3.5, "kind": "caption",
                "font": "serif", "background": "#203040", "outline": False, "colour": "#ffe08a",
            },
        ],
        "stickers": [
            {"id": "s", "name": "circle", "start": 0.5, "end": 3, "x": 0.8, "y": 0.3, "size": 0.25, "rotation": -15}
        ],
    }  # fmt: skip


@pytest.mark.parametrize(("viewport", "width"), [(DESKTOP, "desktop"), (PHONE, "phone")])
def test_a_clip_is_cut_titled_and_made_into_a_video(open_page: Open, shoot: Shoot, tmp_path: Path, viewport, width):
    page = open_page(viewport)
    sign_up(page)
    page.goto(f"/clip/{demos(page)['A black swan']}")
    page.get_by_role("button", name="Edit", exact=True).click()
    expect(page.locator('canvas[data-frame="0"]')).to_be_visible()

    go_to(page, 20, 0)
    page.keyboard.press("s")
    video = page.get_by_role("group", name="Video")
    expect(video.get_by_role("button", name=re.compile("^Segment"))).to_have_count(2)
    video.get_by_role("button", name=re.compile("^Segment 2")).click()
    page.keyboard.press("Delete")
    expect(video.get_by_role("button", name=re.compile("^Segment"))).to_have_count(1)
    page.keyboard.press("Home")
    page.get_by_role("button", name="Words").first.click()
    page.get_by_role("textbox", name="Words").fill("A swan")
    expect(page.locator(".saving.saved")).to_be_attached()
    shoot(page, f"edit-{width}")

    assert len(rendered(page, tmp_path)) == 20
    shoot(page, f"edit-made-{width}")


def test_steps_can_be_taken_back_after_a_reload(open_page: Open):
    page = open_page()
    sign_up(page)
    project = send(page, "POST", "projects/", {"clip_id": demos(page)["A black swan"]})["id"]
    open_edit(page, project)
    go_to(page, 10, 0)
    page.keyboard.press("s")
    segments = page.get_by_role("group", name="Video").get_by_role("button", name=re.compile("^Segment"))
    expect(segments).to_have_count(2)
    expect(page.locator(".saving.saved")).to_be_attached()

    open_edit(page, project)
    expect(segments).to_have_count(2)
    page.keyboard.press("Control+z")
    expect(segments).to_have_count(1)
    page.keyboard.press("Control+Shift+z")
    expect(segments).to_have_count(2)


def test_two_tabs_lose_nothing(open_page: Open, shoot: Shoot):
    page = open_page()
    sign_up(page)
    project = send(page, "POST", "projects/", {"clip_id": demos(page)["A black swan"]})
    open_edit(page, project["id"])
    other = {"title": "From the other tab", "edit": project["edit"]}
    send(page, "PUT", f"projects/{project['id']}/", other, **{"If-Match": '"1"'})

    go_to(page, 10, 0)
    page.keyboard.press("s")
    expect(page.get_by_role("alert")).to_contain_text("changed elsewhere")
    shoot(page, "edit-conflict")
    page.get_by_role("button", name="Keep mine as a copy").click()

    expect(page).not_to_have_url(re.compile(project["id"]))
    mine = send(page, "GET", f"projects/{page.url.rsplit('/', 1)[1]}/")
    theirs = send(page, "GET", f"projects/{project['id']}/")
    assert len(mine["edit"]["segments"]) == 2
    assert (theirs["title"], len(theirs["edit"]["segments"])) == ("From the other tab", 1)


def test_what_is_seen_is_what_is_rendered(open_page: Open, tmp_path: Path):
    page = open_page()
    sign_up(page)
    project = send(page, "POST", "projects/", {"title": "Everything", "edit": everything(demos(page))})["id"]
    open_edit(page, project)
    numbers = [0, 9, 20, 27, 32, 40, 55, 64, 69, 71, 74, 80, 90]
    previewed = [seen(page)]
    for before, number in pairwise(numbers):
        go_to(page, number, before)
        previewed.append(seen(page))

    frames = rendered(page, tmp_path)

    alike = {
        number: round(similarity(image, sized_as(image, frames[number])), 3)
        for number, image in zip(numbers, previewed, strict=True)
    }
    assert min(alike.values()) >= 0.95, alike


def segments_of(page: Page) -> Locator:
    return page.get_by_role("group", name="Video").get_by_role("button", name=re.compile("^Segment"))


def new_edit(page: Page) -> str:
    sign_up(page)
    project = send(page, "POST", "projects/", {"clip_id": demos(page)["A black swan"]})["id"]
    open_edit(page, project)
    return project


def test_what_is_deleted_under_a_finger_can_be_taken_back(open_page: Open):
    page = open_page()
    new_edit(page)
    box = page.locator("canvas[data-frame]").bounding_box()
    assert box is not None
    middle = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(*middle)
    page.mouse.down()
    page.mouse.move(middle[0] + 40, middle[1], steps=3)
    page.keyboard.press("Delete")
    expect(segments_of(page)).to_have_count(0)
    page.mouse.up()

    page.keyboard.press("Control+z")

    expect(segments_of(page)).to_have_count(1)


def test_a_key_that_is_held_down_does_its_work_once(open_page: Open):
    page = open_page()
    new_edit(page)
    segments_of(page).click()
    for _ in range(5):
        page.keyboard.down("d")
    page.keyboard.up("d")
    page.keyboard.press("Home")
    for _ in range(3):
        page.keyboard.down("ArrowRight")
    page.keyboard.up("ArrowRight")

    expect(page.locator('canvas[data-frame="3"]')).to_be_visible()
    expect(segments_of(page)).to_have_count(2)


def test_a_name_that_was_typed_is_kept(open_page: Open):
    page = open_page()
    project = new_edit(page)
    page.get_by_role("textbox", name="Title of the edit").press_sequentially("My film ")

    page.go_back()

    expect(page).not_to_have_url(re.compile("/edit/"))
    page.goto(f"/edit/{project}")
    expect(page.get_by_role("textbox", name="Title of the edit")).to_have_value("My film A black swan")


def test_letters_that_no_font_has_are_named(open_page: Open, shoot: Shoot):
    page = open_page()
    new_edit(page)
    page.get_by_role("button", name="Words").first.click()
    page.get_by_role("textbox", name="Words").fill("Swan 🦢")
    expect(page.get_by_role("status").filter(has_text="This font has no 🦢")).to_be_visible()
    shoot(page, "edit-letters")
    page.get_by_role("textbox", name="Words").fill("Swan")
    expect(page.get_by_text("This font has no")).to_have_count(0)
