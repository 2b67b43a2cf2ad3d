"""The secret key of an installation that was given none: made once, kept private, the same for every process."""

import contextlib
import os
import secrets
import tempfile
from pathlib import Path


def load_or_make(path: Path) -> str:
    """Return the key in `path`; of several processes that find none, one makes it and all of them read that one."""
    if not path.exists():
        _make(path)
    return path.read_text()


def _make(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=".secret_key.")  # 0600
    with os.fdopen(descriptor, "w") as file:
        file.write(secrets.token_urlsafe(64))
        file.flush()
        os.fsync(file.fileno())
    # A link fails where a rename would replace: whoever comes second uses the first one's key.
    with contextlib.suppress(FileExistsError):
        os.link(name, path)
    Path(name).unlink()
