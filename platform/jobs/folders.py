"""Where the files of unfinished work lie: `VAR/work/job-{job}.{token}` for an attempt, `….preview` for its picture."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from django.conf import settings

from foundation.files import remove_tree, work_directory

PREVIEW = "preview"


@dataclass(frozen=True)
class Folder:
    path: Path
    job_id: UUID
    # The token of the attempt whose private folder this is; None for the folder of the preview.
    token: UUID | None


def attempt_directory(job_id: UUID, token: UUID) -> Path:
    return work_directory(f"job-{job_id}.{token}")


def attempt_remove(job_id: UUID, token: UUID) -> None:
    remove_tree(_root() / f"job-{job_id}.{token}")


def preview_path(job_id: UUID) -> Path:
    return _root() / f"job-{job_id}.{PREVIEW}" / "preview.jpg"


def preview_write(job_id: UUID, jpeg: bytes) -> None:
    """Replace the preview in one step: a reader sees the old picture or the new one."""
    directory = work_directory(f"job-{job_id}.{PREVIEW}")
    draft = directory / f"draft-{os.getpid()}"
    draft.write_bytes(jpeg)
    draft.replace(directory / "preview.jpg")


def preview_remove(job_id: UUID) -> None:
    remove_tree(preview_path(job_id).parent)


def all_folders() -> Iterator[Folder]:
    for path in _root().glob("job-*.*"):
        job, _, rest = path.name.removeprefix("job-").partition(".")
        try:
            yield Folder(path, UUID(job), None if rest == PREVIEW else UUID(rest))
        except ValueError:
            continue  # not ours


def _root() -> Path:
    return Path(settings.VAR_DIR) / "work"
