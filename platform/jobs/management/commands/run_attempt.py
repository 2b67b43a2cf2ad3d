from argparse import ArgumentParser
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand

from jobs.attempts import perform
from jobs.processes import die_with


class Command(BaseCommand):
    help = "Do one attempt at a claimed job (workers call this; it dies with its worker)."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("job", type=UUID)
        parser.add_argument("token", type=UUID)
        parser.add_argument("--parent", type=int, required=True, help="the worker's process id")

    def handle(self, *, job: UUID, token: UUID, parent: int, **options: Any) -> None:
        die_with(parent)
        perform(job_id=job, token=token)
