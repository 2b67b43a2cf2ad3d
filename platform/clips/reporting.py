"""The progress of work that makes pictures, told as often as somebody can use it."""

import time
from typing import Any

from jobs.attempts import Attempt

from .media import Image, jpeg_of, scaled_to_height

REPORT_SECONDS = 0.3
PREVIEW_SECONDS = 1.0
PREVIEW_HEIGHT, PREVIEW_QUALITY = 360, 82


class Reporter:
    """Hands progress on to the job: each new stage at once, within one a few times a second, a picture each second."""

    def __init__(self, attempt: Attempt) -> None:
        self._attempt = attempt
        self._stage = ""
        self._reported_at = self._shown_at = float("-inf")

    def report(self, *, stage: str, image: Image | None, **numbers: Any) -> None:
        """
        :param image: of the newest frame, RGB of any size, where there is one
        :param numbers: as `Attempt.report` takes them
        """
        now = time.monotonic()
        if stage == self._stage and now - self._reported_at < REPORT_SECONDS:
            return
        preview = None
        if image is not None and now - self._shown_at >= PREVIEW_SECONDS:
            preview, self._shown_at = jpeg_of(scaled_to_height(image, PREVIEW_HEIGHT), PREVIEW_QUALITY), now
        self._stage, self._reported_at = stage, now
        self._attempt.report(stage=stage, preview=preview, **numbers)
