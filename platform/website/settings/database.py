from typing import Any

from . import environment


def _sqlite() -> dict[str, Any]:
    """
    The embedded database.

    WAL lets readers go on while somebody writes. IMMEDIATE takes the write lock at BEGIN, where SQLite waits for it
    up to the timeout; in the default mode a transaction that reads first and then writes fails at once instead
    (a third of the writes did, under web and queue load).
    """
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": environment.VAR_DIR / "db.sqlite3",
        "OPTIONS": {
            "transaction_mode": "IMMEDIATE",
            "timeout": 20,
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
        },
    }


def _from_url() -> dict[str, Any]:
    return {**environment.env.db_url_config(environment.DATABASE_URL), "CONN_MAX_AGE": 60, "CONN_HEALTH_CHECKS": True}


DATABASES = {"default": _from_url() if environment.DATABASE_URL else _sqlite()}
