"""
Take the README's picture from the real product: `.venv/bin/python -m tests.browser.take_pictures`.

It starts a site of its own, paints a clip of the house with the shipped network and photographs the result. Run it
after new weights or a new look.
"""

import re
import tempfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, expect, sync_playwright

from .conftest import FLAGS, ROOT, Site, chromium_path
from .steps import PAINTING_MS, choose_style, sign_up, start_painting

PICTURES = ROOT / "docs/pictures"
VIEWPORT = {"width": 1280, "height": 640}
BYTES_MAX = 600_000
STYLE = "The Great Wave off Kanagawa"
AT_SECONDS = "1"


def main() -> None:
    PICTURES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        site = Site(Path(folder))
        site.manage("prepare")
        process = site.start()
        try:
            browser = playwright.chromium.launch(executable_path=chromium_path(), args=FLAGS)
            page = browser.new_page(base_url=site.address, viewport=VIEWPORT)  # type: ignore[arg-type]
            paint_the_swan(page)
            shoot(page, PICTURES / "result-desktop.png")
            browser.close()
        finally:
            site.stop(process)


def paint_the_swan(page: Page) -> None:
    sign_up(page)
    page.goto("/create")
    page.get_by_role("link", name="A black swan").click()
    choose_style(page, STYLE)
    start_painting(page, "360p")
    expect(page).to_have_url(re.compile("/clip/"), timeout=PAINTING_MS)
    page.get_by_role("button", name="Pause").click()
    page.get_by_role("slider", name="Position").fill(AT_SECONDS)
    for video in page.locator(".player video").all():
        expect(video).to_have_js_property("paused", True)
        expect(video).to_have_js_property("seeking", False)
    page.get_by_label("Caption").fill("A swan at dusk #hokusai #water")


def shoot(page: Page, path: Path) -> None:
    page.screenshot(path=path)
    with Image.open(path) as picture:
        picture.convert("RGB").save(path, optimize=True)
    size = path.stat().st_size
    assert size <= BYTES_MAX, f"{path} has {size} bytes"


if __name__ == "__main__":
    main()
