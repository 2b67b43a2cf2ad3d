"""How much one person may bring in; a setting of the same name overrides each."""

from datetime import timedelta
from pathlib import Path

from django.conf import settings

from .ingest.bounds import Bounds


def bounds() -> Bounds:
    return Bounds(seconds_max=float(settings.CLIP_SECONDS_MAX), bytes_max=int(settings.UPLOAD_BYTES_MAX))


def upload_bytes_max() -> int:
    return int(settings.UPLOAD_BYTES_MAX)


def uploads_open_max() -> int:
    """How many unfinished uploads one person may have: together they bound the disk one person can fill."""
    return int(getattr(settings, "UPLOADS_OPEN_MAX", 10))


def upload_life() -> timedelta:
    """How long an upload waits for its next piece."""
    return timedelta(hours=getattr(settings, "UPLOAD_HOURS", 24))


def disk_reserve() -> int:
    """Bytes of the disk that uploads leave to the database and to paintings."""
    return int(getattr(settings, "DISK_RESERVE_BYTES", 256 * 1024 * 1024))


def uploads_root() -> Path:
    return Path(settings.VAR_DIR) / "uploads"
