"""Work that is slow enough to be killed in the middle, and that shows how often it was brought to its end."""

import hashlib
import time
from pathlib import Path
from typing import Any

from django.db import connection

from foundation.files import media_path, publish_file
from jobs.attempts import Attempt


def hash_a_file(attempt: Attempt) -> None:
    source, steps = Path(attempt.job.payload["path"]), attempt.job.payload["steps"]
    draft = attempt.directory / "digest"
    digest = hashlib.sha256()
    content = source.read_bytes()
    size = -(-len(content) // steps)
    for step in range(steps):
        digest.update(content[step * size : (step + 1) * size])
        draft.write_text(digest.hexdigest())
        time.sleep(0.25)
        attempt.report(stage="painting", progress=(step + 1) / (steps + 1), frames_done=step + 1, frames_total=steps)
    attempt.commit(lambda: _publish(attempt, draft))


def _publish(attempt: Attempt, draft: Path) -> dict[str, Any]:
    publish_file(draft, media_path("hashes", str(attempt.job.pk)))
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO finished (job) VALUES (%s)", [attempt.job.pk.hex])
    return {"digest": media_path("hashes", str(attempt.job.pk)).read_text()}
