from datetime import timedelta

import pytest
from django.db import DatabaseError
from django.utils import timezone

from jobs import selectors as jobs
from website.supervisor.canary import Canary
from website.supervisor.processes import Service
from website.supervisor.supervisor import Supervisor

pytestmark = pytest.mark.django_db


class Restarts(Supervisor):
    """Notes what would be restarted."""

    def __init__(self):
        super().__init__([])
        self.names = []

    def restart(self, service):
        self.names.append(service.name)


class Up(Service):
    """A service that has been running for a while."""

    seconds_up = 100.0


@pytest.fixture
def look(monkeypatch, settings):
    """Let a canary look once at a cluster whose last beat was this long ago; return what it restarts."""
    settings.WORKER_SILENCE_SECONDS, settings.WORKER_START_SECONDS = 30, 60
    monkeypatch.setattr("website.supervisor.canary.close_old_connections", lambda: None)

    def look_once(ago, seconds_up=100.0):
        def beat(cluster):
            if isinstance(ago, Exception):
                raise ago
            return None if ago is None else timezone.now() - ago

        monkeypatch.setattr(jobs, "last_worker_beat", beat)
        supervisor = Restarts()
        monkeypatch.setattr(Up, "seconds_up", seconds_up)
        cluster = Up("slow workers", [], {"Q_CLUSTER_NAME": "slow"})
        Canary(supervisor, [cluster], Up("reaper", [])).look()
        return supervisor.names

    return look_once


def test_workers_that_beat_are_left_alone(look):
    assert look(timedelta(seconds=5)) == []


@pytest.mark.parametrize("ago", [timedelta(seconds=40), None])
def test_silent_workers_are_started_again_with_the_reaper(look, ago):
    assert look(ago) == ["slow workers", "reaper"]


def test_workers_that_have_just_started_may_be_silent(look):
    assert look(None, seconds_up=20.0) == []


def test_a_sick_database_is_not_cured_by_restarting_workers(look):
    assert look(DatabaseError()) == []
