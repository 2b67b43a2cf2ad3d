"""Secrets of an installation that was given none: made once, kept private, the same for every process."""

import base64
import contextlib
import os
import secrets
import tempfile
from collections.abc import Callable
from pathlib import Path


def passphrase() -> str:
    """What Django's SECRET_KEY may be."""
    return secrets.token_urlsafe(64)


def seed() -> str:
    """The private half of an Ed25519 key: 32 bytes in base64."""
    return base64.b64encode(secrets.token_bytes(32)).decode()


def load_or_make(path: Path, make: Callable[[], str] = passphrase) -> str:
    """Return the key in `path`; of several processes that find none, one makes it and all of them read that one."""
    if not path.exists():
        _write(path, make())
    return path.read_text()


def _write(path: Path, secret: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # 0600
    with os.fdopen(descriptor, "w") as file:
        file.write(secret)
        file.flush()
        os.fsync(file.fileno())
    # A link fails where a rename would replace: whoever comes second uses the first one's key.
    with contextlib.suppress(FileExistsError):
        os.link(name, path)
    Path(name).unlink()
