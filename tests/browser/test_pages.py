"""Every page at both widths: nothing serious for axe, nothing beside the edge, nothing red in the console."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Error, Page, expect

from .conftest import DESKTOP, PHONE, ROOT
from .steps import ANSWER_MS, Frame, ask, handle_of, sign_up

pytestmark = [pytest.mark.browser, pytest.mark.timeout(1200, method="thread")]

Open = Callable[..., Page]
Shoot = Callable[[Page, str], None]
AXE = ROOT / "platform/webclient/node_modules/axe-core/axe.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
GUEST_PAGES = {
    "guest-feed": "/",
    "login": "/login",
    "signup": "/signup",
    "forgotten": "/login?forgotten=1",
    "lost": "/lost",
}
MEMBER_PAGES = {
    "create": "/create",
    "clips": "/clips",
    "search": "/search",
    "settings": "/settings",
    "style": "/s/hokusai-great-wave",
    "hashtag": "/t/gallery",
}


# What a page still waits for: pictures that have not come (nor failed) yet, and letters.
UNDRAWN = """() => [
    ...[...document.images].filter((image) => image.loading !== "lazy" && !image.complete).map(({ src }) => src),
    ...(document.fonts.status === "loaded" ? [] : ["fonts"]),
]"""
BROKEN = """() => [...document.images].filter(
    (image) => image.complete && image.currentSrc && !image.naturalWidth
).map(({ src }) => src)"""


def wait_until_drawn(page: Page) -> None:
    expect(page.locator("main > *").first).to_be_visible()
    expect(page.locator(".skeleton, main > .state[role=status]")).to_have_count(0)
    try:
        page.wait_for_function(f"() => ({UNDRAWN})().length === 0", timeout=ANSWER_MS)
    except Error as error:
        raise AssertionError(f"{page.url} still waits for {ask(page, UNDRAWN)}") from error
    assert ask(page, BROKEN) == []


def findings_of(page: Page) -> list[str]:
    """Return what axe calls serious or critical, and by how much the page is too wide."""
    # Evaluated by the browser's debugger, which the site's Content-Security-Policy does not bind.
    handle_of(page, f"() => {{ {AXE.read_text()}\nreturn axe; }}")
    report: dict[str, Any] = ask(page, "(tags) => axe.run(document, { runOnly: tags })", RULES)
    serious = [
        f"{page.url}: {found['id']} at {[node['target'] for node in found['nodes']]}"
        for found in report["violations"]
        if found["impact"] in ("serious", "critical")
    ]
    excess = ask(page, "() => document.documentElement.scrollWidth - innerWidth")
    return [*serious, *([f"{page.url}: {excess} px too wide"] if excess > 0 else [])]


@pytest.mark.parametrize("viewport", [PHONE, DESKTOP], ids=["phone", "desktop"])
def test_every_page_is_whole_and_usable_by_everybody(
    open_page: Open, shoot: Shoot, gallery: list[str], viewport: dict[str, int]
) -> None:
    kind = "phone" if viewport is PHONE else "desktop"
    page = open_page(viewport)
    findings: list[str] = []

    def look(pages: dict[str, str]) -> None:
        for name, path in pages.items():
            page.goto(path)
            wait_until_drawn(page)
            shoot(page, f"{kind}-{name}")
            findings.extend(findings_of(page))

    look(GUEST_PAGES)
    person = sign_up(page)
    demo = page.request.get("/api/v1/clips/?demo=true").json()["results"][0]["id"]
    look({**MEMBER_PAGES, "profile": f"/u/{person}", "post": f"/p/{gallery[0]}", "clip": f"/clip/{demo}"})
    page.goto(f"/create?clip={demo}")
    Frame(page)
    findings.extend(findings_of(page))
    assert findings == []


def test_the_light_theme_in_chinese_is_whole_too(open_page: Open, shoot: Shoot) -> None:
    page = open_page(PHONE)
    sign_up(page)
    page.goto("/settings")
    page.get_by_role("button", name="Light").click()
    page.get_by_role("button", name="中文").click()
    expect(page.get_by_role("heading", name="设置")).to_be_visible()
    findings: list[str] = []
    for name, path in MEMBER_PAGES.items():
        page.goto(path)
        wait_until_drawn(page)
        shoot(page, f"phone-light-zh-{name}")
        findings.extend(findings_of(page))
    assert findings == []


def test_text_of_twice_the_size_stays_on_a_phones_page(open_page: Open) -> None:
    page = open_page(PHONE)
    person = sign_up(page)
    excess: dict[str, int] = {}
    for path in [*MEMBER_PAGES.values(), f"/u/{person}", "/"]:
        page.goto(path)
        wait_until_drawn(page)
        excess[path] = ask(
            page,
            """() => {
                document.documentElement.style.fontSize = "200%";
                return document.documentElement.scrollWidth - innerWidth;
            }""",
        )
    assert {path: wide for path, wide in excess.items() if wide > 0} == {}
