"""Notices a cluster that lives but works no more, which its own guard cannot see."""

import logging
import time
from datetime import timedelta

from django.conf import settings
from django.db import DatabaseError, close_old_connections
from django.utils import timezone

from jobs import selectors as jobs

from .processes import Service
from .supervisor import Supervisor

log = logging.getLogger(__name__)

LOOK_EVERY_SECONDS = 2


class Canary:
    """
    Restarts a cluster whose workers have not beaten lately.

    The reaper goes with it: it is who sends idle workers the errands that make them beat, and may be what stands still.
    """

    def __init__(self, supervisor: Supervisor, clusters: list[Service], reaper: Service | None) -> None:
        self.supervisor = supervisor
        self.clusters = clusters
        self.reaper = reaper
        self.next_look = 0.0

    def look(self) -> None:
        if time.monotonic() < self.next_look:
            return
        self.next_look = time.monotonic() + LOOK_EVERY_SECONDS
        for cluster in self.clusters:
            if cluster.seconds_up > settings.WORKER_START_SECONDS and _is_silent(cluster):
                log.error("the %s have been silent for too long: starting them again", cluster.name)
                self.supervisor.restart(cluster)
                if self.reaper is not None:
                    self.supervisor.restart(self.reaper)


def _is_silent(cluster: Service) -> bool:
    try:
        close_old_connections()
        beat = jobs.last_worker_beat(cluster.environment["Q_CLUSTER_NAME"])
    except DatabaseError:
        return False  # then the database is the patient, and a restart would not cure it
    return beat is None or timezone.now() - beat > timedelta(seconds=settings.WORKER_SILENCE_SECONDS)
