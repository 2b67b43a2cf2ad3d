"""Notices a cluster that lives but works no more, which its own guard cannot see."""

import logging
import time
from datetime import timedelta

from django.db import DatabaseError, close_old_connections
from django.utils import timezone

from jobs import selectors as jobs

from .processes import Service
from .supervisor import Supervisor

log = logging.getLogger(__name__)

LOOK_EVERY_SECONDS = 5
SILENCE_MAX = timedelta(seconds=30)
# A cluster needs this long to start on a busy machine before its silence means anything.
START_SECONDS = 60


class Canary:
    """Restarts clusters whose workers have not beaten lately."""

    def __init__(self, supervisor: Supervisor, clusters: list[Service]) -> None:
        self.supervisor = supervisor
        self.clusters = clusters
        self.next_look = 0.0

    def look(self) -> None:
        if time.monotonic() < self.next_look:
            return
        self.next_look = time.monotonic() + LOOK_EVERY_SECONDS
        for cluster in self.clusters:
            if cluster.seconds_up > START_SECONDS and _is_silent(cluster):
                log.error("no worker of %s has beaten for %s: restarting them", cluster.name, SILENCE_MAX)
                self.supervisor.restart(cluster)


def _is_silent(cluster: Service) -> bool:
    try:
        close_old_connections()
        beat = jobs.last_worker_beat(cluster.environment["Q_CLUSTER_NAME"])
    except DatabaseError:
        return False  # then the database is the patient, and a restart would not cure it
    return beat is None or timezone.now() - beat > SILENCE_MAX
