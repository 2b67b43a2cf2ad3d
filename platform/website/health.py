"""Can this installation do its work? Each check answers "ok" or says what is wrong."""

from collections.abc import Callable
from datetime import timedelta

import redis
from django.conf import settings
from django.db import DatabaseError, connection
from django.utils import timezone

BEAT_AGE_MAX = timedelta(seconds=30)


def check() -> dict[str, str]:
    checks: dict[str, Callable[[], str]] = {"database": database, "channels": channel_store, "workers": workers}
    return {name: run() for name, run in checks.items()}


def database() -> str:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return "does not answer"
    return "ok"


def channel_store() -> str:
    if "InMemory" in settings.CHANNEL_LAYERS["default"]["BACKEND"]:
        return "ok"
    try:
        with redis.Redis.from_url(settings.VALKEY_URL, socket_timeout=1, socket_connect_timeout=1) as store:
            store.ping()
    except redis.RedisError:
        return "does not answer"
    return "ok"


def workers() -> str:
    from jobs import selectors as jobs

    beat = jobs.last_worker_beat()
    if beat is None:
        return "no worker has beaten yet"
    age = timezone.now() - beat
    return "ok" if age < BEAT_AGE_MAX else f"no worker has beaten for {age.total_seconds():.0f} s"
