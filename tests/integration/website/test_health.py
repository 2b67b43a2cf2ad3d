from datetime import timedelta

import pytest
from django.db import DatabaseError, connection
from django.test import Client
from django.utils import timezone

from jobs import selectors as jobs
from website import health

pytestmark = pytest.mark.django_db


@pytest.fixture
def beat(monkeypatch):
    """Set when a worker has beaten last."""

    def set_beat(moment):
        moments = {"slow": moment, "quick": timezone.now()}
        monkeypatch.setattr(jobs, "last_worker_beat", moments.get)

    set_beat(timezone.now())
    return set_beat


def test_the_process_is_healthy_whatever_else_is_not(beat):
    beat(None)

    answer = Client().get("/healthz")

    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


def test_a_site_that_can_work_is_ready(beat):
    answer = Client().get("/readyz")

    assert answer.status_code == 200
    assert answer.json()["checks"] == {"database": "ok", "channels": "ok", "workers": "ok"}
    assert "no-store" in answer["Cache-Control"]


@pytest.mark.parametrize(
    ("age", "words"),
    [(None, "no slow worker has beaten yet"), (timedelta(minutes=2), "no slow worker has beaten for 120 s")],
)
def test_a_site_whose_workers_are_silent_is_not_ready(beat, caplog, age, words):
    beat(None if age is None else timezone.now() - age)

    answer = Client().get("/readyz")

    assert answer.status_code == 503
    assert answer.json()["checks"]["workers"] == words
    assert not [record for record in caplog.records if record.levelname == "ERROR"]


def test_a_site_without_its_database_is_not_ready(beat, monkeypatch):
    def refuse():
        raise DatabaseError

    monkeypatch.setattr(connection, "cursor", refuse)

    answer = Client().get("/readyz")

    assert answer.status_code == 503
    assert answer.json()["checks"]["database"] == "does not answer"


def test_a_site_without_its_channel_store_is_not_ready(beat, settings, tmp_path):
    settings.CHANNEL_LAYERS = {"default": {"BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer"}}
    settings.VALKEY_URL = f"unix://{tmp_path}/nobody.sock"

    assert health.channel_store() == "does not answer"
    assert Client().get("/readyz").status_code == 503
