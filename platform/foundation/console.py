"""What the commands that people type have in common: a refusal is one line, and the exit status tells its kind."""

import sys
from typing import Any, NoReturn

from django.core.management.base import BaseCommand, CommandParser

BAD_INPUT, FAILED, INTERRUPTED = 2, 1, 130


class ConsoleCommand(BaseCommand):
    """A command that refuses in one line on stderr, wrong options too."""

    requires_system_checks = []

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        parser = super().create_parser(prog_name, subcommand, **kwargs)
        parser.error = self.refuse  # type: ignore[method-assign] # one line instead of the usage, which --help has
        return parser

    def refuse(self, message: str, code: int = BAD_INPUT) -> NoReturn:
        """Say the command's name and the message, and end the process with `code`."""
        name = type(self).__module__.rpartition(".")[2]
        sys.stderr.write(f"{name}: {' '.join(str(message).split())}\n")
        raise SystemExit(code)
