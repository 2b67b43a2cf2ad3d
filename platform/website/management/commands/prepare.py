from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand


class Command(BaseCommand):
    help = (
        "Bring the data up to date: migrations, preset styles, music, demo clips, the networks as files. "
        "Safe to repeat; the second time is quick."
    )
    requires_system_checks = []

    def handle(self, **options: Any) -> None:
        for command, arguments in [
            ("migrate", {"interactive": False}), ("load_presets", {}), ("load_music", {}), ("load_demo", {}),
            ("publish_models", {}),
        ]:  # fmt: skip
            call_command(command, verbosity=0, **arguments)
