import logging
import signal
import threading
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand
from django.db import DatabaseError
from django.utils import timezone

from jobs import leases
from jobs.reaper import Reaper

log = logging.getLogger(__name__)
ROUND_SECONDS = 2.0


class Command(BaseCommand):
    help = "Give back work of workers that died, wake forgotten jobs, remove leftovers: for ever, or once."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--once", action="store_true", help="one round, then stop")

    def handle(self, *, once: bool, **options: Any) -> None:
        reaper, stop = Reaper(), threading.Event()
        if not once:
            for number in (signal.SIGINT, signal.SIGTERM):
                signal.signal(number, lambda *_: stop.set())
        while True:
            self._work_once(reaper)
            if once:
                return
            if stop.wait(ROUND_SECONDS):
                break
        self._excuse_attempts()

    def _work_once(self, reaper: Reaper) -> None:
        try:
            harvest = reaper.work_once(timezone.now())
        except DatabaseError as error:
            log.warning("the reaper will try again: %s", error)
            return
        if harvest.given_back or harvest.woken:
            log.info("gave back %s jobs, woke %s", harvest.given_back, harvest.woken)

    def _excuse_attempts(self) -> None:
        """The workers are being stopped together with us."""
        try:
            leases.attempts_excuse()
        except DatabaseError as error:
            log.warning("what is interrupted now counts as an attempt: %s", error)
