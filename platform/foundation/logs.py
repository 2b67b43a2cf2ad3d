"""Log lines for machines (one JSON object each) and for a person at a terminal; both name the request and the job."""

import json
import logging
from datetime import UTC, datetime
from typing import Any

from redis.exceptions import ConnectionError as StoreGone
from redis.exceptions import TimeoutError as StoreSlow

from . import context

_ALWAYS_THERE = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "request_id", "job_id", "taskName"}
_NOT_FOR_LOGS = {"request", "server_time", "status_code", "color_message"}


class ContextFilter(logging.Filter):
    """Give every record the request and the job it was written for."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.request_id = context.request_id.get()
        record.job_id = context.job_id.get()
        return True


class NoUnavailable(logging.Filter):
    """A 503 is an answer given on purpose, and given again at every probe: not an error of ours."""

    def filter(self, record: logging.LogRecord) -> bool:
        return getattr(record, "status_code", None) != 503


class StoreAway(logging.Filter):
    """The channel layer tells of every second without its store in forty lines; one says as much."""

    def filter(self, record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if record.exc_info else None
        if isinstance(error, StoreGone | StoreSlow):
            record.msg, record.args, record.exc_info = "the channel store does not answer: %s", (error,), None
            record.levelno, record.levelname = logging.WARNING, "WARNING"
        return True


class JsonFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            **_identities(record),
            **_extras(record),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str, ensure_ascii=False)


class TextFormatter(logging.Formatter):
    def __init__(self) -> None:
        super().__init__("{asctime} {levelname:<7} {name}: {message}", "%H:%M:%S", style="{")

    def format(self, record: logging.LogRecord) -> str:
        identities = " ".join(f"{name[:-3]}={value[:8]}" for name, value in _identities(record).items())
        first, *rest = super().format(record).split("\n")
        return "\n".join([f"{first}  [{identities}]" if identities else first, *rest])


def _identities(record: logging.LogRecord) -> dict[str, str]:
    names = ("request_id", "job_id")
    return {name: value for name in names if (value := getattr(record, name, ""))}


def _extras(record: logging.LogRecord) -> dict[str, Any]:
    return {
        name: value for name, value in vars(record).items() if name not in _ALWAYS_THERE and name not in _NOT_FOR_LOGS
    }
