import sys
from typing import Any

from . import environment


def _formatter() -> str:
    if environment.LOG_FORMAT != "auto":
        return environment.LOG_FORMAT
    return "text" if sys.stderr.isatty() else "json"


LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "json": {"()": "foundation.logs.JsonFormatter"},
        "text": {"()": "foundation.logs.TextFormatter"},
    },
    "filters": {
        "context": {"()": "foundation.logs.ContextFilter"},
        "no-unavailable": {"()": "foundation.logs.NoUnavailable"},
        "store-away": {"()": "foundation.logs.StoreAway"},
    },
    "handlers": {
        "stderr": {
            "class": "logging.StreamHandler",
            "formatter": _formatter(),
            "filters": ["context"],
        }
    },
    "root": {"handlers": ["stderr"], "level": environment.LOG_LEVEL},
    "loggers": {
        "django.server": {"handlers": ["stderr"], "propagate": False},
        # Every 404 a scanner provokes would be a warning.
        "django.request": {"level": "ERROR", "filters": ["no-unavailable"]},
        # Every scanner that knocks at our address by its number would be an error with a traceback.
        "django.security.DisallowedHost": {"level": "CRITICAL"},
        # It tells of every process it starts.
        "django-q": {"level": "WARNING"},
        "uvicorn": {"level": "WARNING"},
        "django.channels.server": {"level": "WARNING"},
        "channels_redis.pubsub": {"filters": ["store-away"]},
    },
}
