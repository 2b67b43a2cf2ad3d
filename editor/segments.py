"""
Rendered segments that may be used again: one folder a person under `VAR/cache/segments`, bounded together.

Losing any of it costs time and nothing else.
"""

import os
from datetime import datetime, timedelta
from pathlib import Path

from django.conf import settings

from accounts.models import User

BYTES_MAX = 2 * 1024**3
# A render that is running may be about to read what it has just found.
IN_USE_FOR = timedelta(minutes=15)
# What nobody came back to is not worth its room, and may be of clips that are gone.
KEPT_FOR = timedelta(days=7)


def segments_folder(owner: User) -> Path:
    """Where one person's rendered segments lie; made if needed."""
    folder = _root() / str(owner.pk)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return folder


def segments_sweep(at: datetime) -> int:
    """
    Remove what was not used for a week, and of the rest what was used longest ago until it fits.

    Returns how many files went.
    """
    files = sorted(_files(), key=lambda file: file[1])
    too_much = sum(size for _, _, size in files) - bytes_max()
    young, old, removed = (at - IN_USE_FOR).timestamp(), (at - KEPT_FOR).timestamp(), 0
    for path, used_at, size in files:
        if used_at > young or (too_much <= 0 and used_at > old):
            break
        path.unlink(missing_ok=True)
        too_much, removed = too_much - size, removed + 1
    return removed


def bytes_max() -> int:
    return int(getattr(settings, "EDITOR_SEGMENT_BYTES_MAX", BYTES_MAX))


def _root() -> Path:
    return Path(settings.VAR_DIR) / "cache" / "segments"


def _files() -> list[tuple[Path, float, int]]:
    """Path, when it was last used, and size. Access times may be off where the disk does not keep them."""
    found = []
    for folder, _, names in os.walk(_root()):
        for name in names:
            path = Path(folder) / name
            try:
                facts = path.stat()
            except FileNotFoundError:
                continue
            found.append((path, max(facts.st_atime, facts.st_mtime), facts.st_size))
    return found
