"""
How fast a visitor's device is, with this machine as the device: `make bench`. Prints; nothing passes or fails by time.

Wanted are 20 frames a second at 256×256 in WebAssembly, and a painted camera three seconds after a warm page is opened.
"""

import os
import statistics
import sys

import pytest
from playwright.sync_api import Page, expect

from .conftest import DESKTOP
from .test_live import RESTYLE_MS, OpenCamera, camera_browser, open_camera, open_record

__all__ = ["camera_browser", "open_camera"]  # fixtures

pytestmark = [pytest.mark.performance, pytest.mark.timeout(1800, method="thread")]

RUNS = int(os.environ.get("BENCH_RUNS", "5"))


def test_the_first_painted_frame_of_the_camera(open_camera: OpenCamera) -> None:
    page = open_camera(DESKTOP)

    cold = until_painted(page)
    warm = [until_painted(page) for _ in range(RUNS)]

    report(f"first painted frame: cold {cold:.1f} s, warm {statistics.median(warm):.1f} s ({listed(warm)})")


def test_frames_a_second_by_way_of_painting(open_camera: OpenCamera) -> None:
    page = open_camera(DESKTOP)
    for _ in range(RUNS):
        page.goto("/lab/speed")
        page.get_by_role("button", name="Measure").click()
        expect(page.get_by_role("button", name="Copy the result")).to_be_visible(timeout=RESTYLE_MS)
        report(page.locator(".speed-text").inner_text())


def until_painted(page: Page) -> float:
    """Return how many seconds pass from asking for the page to the first frame that is painted."""
    open_record(page)
    return float(page.evaluate("performance.now()")) / 1000  # since the page was asked for, and up to 0.1 s too long


def listed(seconds: list[float]) -> str:
    return ", ".join(f"{one:.1f}" for one in sorted(seconds))


def report(line: str) -> None:
    sys.stdout.write(f"\n{line}\n")
