import hashlib
import tempfile
from pathlib import Path
from typing import Any

from . import environment

# The kernel keeps a socket's path in 108 bytes.
SOCKET_PATH_MAX = 100


def _socket() -> Path:
    """Beside the rest of the installation, or, where that path is too long for a socket, under the temporary folder."""
    path = environment.VAR_DIR / "run" / "valkey.sock"
    if len(str(path)) <= SOCKET_PATH_MAX:
        return path
    name = hashlib.sha256(str(environment.VAR_DIR).encode()).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"impasto-{name}" / "valkey.sock"


def _channel_layer() -> dict[str, Any]:
    if environment.CHANNEL_LAYER == "memory":
        return {"BACKEND": "channels.layers.InMemoryChannelLayer"}
    # The pubsub layer: the core layer drops messages of a burst, and loses sockets that are idle for five seconds.
    return {
        "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
        "CONFIG": {"hosts": [VALKEY_URL], "prefix": "impasto"},
    }


def _cache() -> dict[str, Any]:
    if environment.CHANNEL_LAYER == "memory":
        return {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}
    return {"BACKEND": "website.cache.ForgivingRedisCache", "LOCATION": VALKEY_URL, "KEY_PREFIX": "impasto"}


# `manage.py serve` starts a Valkey on this socket when no server is named.
VALKEY_SOCKET = _socket()
VALKEY_URL = environment.VALKEY_URL or f"unix://{VALKEY_SOCKET}"
VALKEY_IS_EMBEDDED = not environment.VALKEY_URL
CHANNEL_LAYERS = {"default": _channel_layer()}
CACHES = {"default": _cache()}
