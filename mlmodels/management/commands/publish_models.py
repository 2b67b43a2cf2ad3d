"""Make the networks of a release into files, and offer them to apps and pages."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from foundation.errors import ApplicationError
from mlmodels import releasing, services
from mlmodels.export_process import CannotExport
from mlmodels.models import Format
from mlmodels.shipped import SHIPPED


class Command(BaseCommand):
    help = "Export a release and publish it. Safe to run again: what was exported before stays as it is."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--release", type=Path, default=SHIPPED, help="folder of the release; the shipped one")
        parser.add_argument("--format", choices=Format.values, help="onnx, if nothing is said")
        parser.add_argument("--minimum-client", default=services.MINIMUM_CLIENT, help="the oldest app that may use it")
        parser.add_argument("--draft", action="store_true", help="leave the publishing to the staff site")
        parser.add_argument("--withdraw", metavar="NAME", help="offer this release no more (all formats, or --format)")

    def handle(self, **options: Any) -> None:
        try:
            with _ends_tidily():
                self._withdraw(**options) if options["withdraw"] else self._publish(**options)
        except (ApplicationError, CannotExport) as refused:
            raise CommandError(str(refused)) from refused

    def _publish(self, *, release: Path, format: str | None, minimum_client: str, draft: bool, **_: Any) -> None:
        outcome = releasing.release_bring_out(
            folder=release, format=format or Format.ONNX, at=timezone.now(), publish=not draft,
            minimum_client=minimum_client,
        )  # fmt: skip
        if outcome.damaged:
            self.stderr.write(f"Warning: {outcome.damaged}. Nothing is said of what was measured there.")
        row = outcome.release
        done = f"{row.files.count()} files exported now" if outcome.was_made else "nothing to do"
        self.stdout.write(f"{row}: {row.get_state_display().lower()}, {done}.")

    def _withdraw(self, *, withdraw: str, format: str | None, **_: Any) -> None:
        for row in releasing.releases_withdraw(name=withdraw, format=format, at=timezone.now()):
            self.stdout.write(f"{row}: withdrawn.")


@contextmanager
def _ends_tidily() -> Iterator[None]:
    """Let a polite kill clean up as Ctrl-C does."""
    before = signal.signal(signal.SIGTERM, lambda *_: (_ for _ in ()).throw(SystemExit(143)))
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
