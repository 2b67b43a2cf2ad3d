"""Can this installation do its work? Each check answers "ok" or says what is wrong."""

from collections.abc import Callable
from datetime import timedelta

import redis
from django.conf import settings
from django.db import DatabaseError, connection
from django.utils import timezone

from jobs import selectors as jobs


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
    """Every kind of worker must beat: uploads stand still without the quick ones, paintings without the slow ones."""
    return "; ".join(trouble for name in settings.WORK_CLUSTERS if (trouble := _silence(name))) or "ok"


def _silence(cluster: str) -> str:
    beat = jobs.last_worker_beat(cluster)
    if beat is None:
        return f"no {cluster} worker has beaten yet"
    age, limit = timezone.now() - beat, timedelta(seconds=settings.WORKER_SILENCE_SECONDS)
    return f"no {cluster} worker has beaten for {age.total_seconds():.0f} s" if age > limit else ""
