"""What people do on the site, step by step, in the words of the interface."""

import base64
import re
import uuid
from pathlib import Path
from typing import Any

import numpy as np
from playwright.sync_api import JSHandle, Locator, Page, expect

ROOT = Path(__file__).resolve().parents[2]
SWAN = ROOT / "platform/clips/demo/davis-blackswan.mp4"
PASSWORD = "a long pass phrase 7"
# Two busy cores paint a frame in a second; a page that waits longer than this hangs.
FRAME_MS = 60_000
INGEST_MS = 120_000
PAINTING_MS = 300_000
ANSWER_MS = 60_000


def ask(page: Page, function: str, argument: Any = None) -> Any:
    """Call a function in the page and return its answer. It has a bound, which `page.evaluate` has not."""
    packed = handle_of(page, f"async (argument) => ({{ answer: await ({function})(argument) }})", argument)
    return packed.json_value()["answer"]


def handle_of(page: Page, function: str, argument: Any = None) -> JSHandle:
    """Call a function in the page and return a handle of the object it answers with."""
    return page.wait_for_function(function, arg=argument, timeout=ANSWER_MS)


def sign_up(page: Page) -> str:
    page.goto("/signup")
    return fill_in_sign_up(page)


def fill_in_sign_up(page: Page) -> str:
    """Sign up on the page that is open, without loading it anew."""
    name = f"painter{uuid.uuid4().hex[:8]}"
    page.get_by_label("Username").fill(name)
    page.get_by_label("E-mail").fill(f"{name}@example.org")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign up").click()
    expect(page).not_to_have_url(re.compile("/signup"))
    return name


def drop_file(page: Page, film: Path) -> None:
    """Drag a file from the desktop over the page and let it go there."""
    page.goto("/create")
    expect(page.get_by_role("heading", name="Start a painting")).to_be_visible()
    transfer = handle_of(
        page,
        """([text, name]) => {
            const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
            const transfer = new DataTransfer();
            transfer.items.add(new File([bytes], name, { type: "video/mp4" }));
            return transfer;
        }""",
        [base64.b64encode(film.read_bytes()).decode(), film.name],
    )
    for kind in ("dragenter", "dragover", "drop"):
        page.locator(".create").dispatch_event(kind, {"dataTransfer": transfer})


def choose_file(page: Page, film: Path) -> None:
    page.goto("/create")
    page.locator("label.door input[type=file]").set_input_files(film)


def wait_for_easel(page: Page) -> None:
    expect(page).to_have_url(re.compile(r"/create\?clip="), timeout=INGEST_MS)
    expect(page.get_by_role("button", name="Paint it")).to_be_enabled()


def choose_style(page: Page, name: str) -> None:
    page.get_by_role("group", name="Styles").get_by_role("button", name=name).click()


def start_painting(page: Page, height: str) -> None:
    page.get_by_role("button", name=height, exact=True).click()
    page.get_by_role("button", name="Paint it").click()
    expect(page).to_have_url(re.compile("/job/"))


class Frame:
    """The painted frame on the easel: its address changes with every preview, its pixels with what was asked for."""

    def __init__(self, page: Page) -> None:
        self.image = page.get_by_role("img", name="Painted frame")
        expect(self.image).to_be_visible(timeout=FRAME_MS)
        self.address = self._address()
        self.pixels = pixels_of(self.image)

    def repainted(self) -> np.ndarray:
        """Wait for the next preview and return its pixels."""
        expect(self.image).not_to_have_attribute("src", self.address, timeout=FRAME_MS)
        self.address = self._address()
        self.pixels = pixels_of(self.image)
        return self.pixels

    def _address(self) -> str:
        return self.image.get_attribute("src") or ""


def pixels_of(image: Locator) -> np.ndarray:
    """Return a small copy of a picture, (18, 32, 3) levels 0..255."""
    levels = ask(
        image.page,
        """async (image) => {
            await image.decode();
            const canvas = new OffscreenCanvas(32, 18);
            const ink = canvas.getContext("2d");
            ink.drawImage(image, 0, 0, 32, 18);
            return Array.from(ink.getImageData(0, 0, 32, 18).data);
        }""",
        image.element_handle(),
    )
    return np.array(levels, dtype=float).reshape(18, 32, 4)[..., :3]


def difference(one: np.ndarray, other: np.ndarray) -> float:
    """Return the mean distance in levels 0..255."""
    return float(np.abs(one - other).mean())


def colour_difference(one: np.ndarray, other: np.ndarray) -> float:
    """Return the mean distance in levels 0..255 of what is left when brightness is taken away."""

    def chroma(pixels: np.ndarray) -> np.ndarray:
        return pixels - pixels.mean(axis=-1, keepdims=True)

    return difference(chroma(one), chroma(other))
