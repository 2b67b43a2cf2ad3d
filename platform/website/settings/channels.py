from typing import Any

from . import environment

# `manage.py serve` starts a Valkey on this socket when no server is named.
VALKEY_SOCKET = environment.VAR_DIR / "run" / "valkey.sock"
VALKEY_URL = environment.VALKEY_URL or f"unix://{VALKEY_SOCKET}"
VALKEY_IS_EMBEDDED = not environment.VALKEY_URL


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


CHANNEL_LAYERS = {"default": _channel_layer()}
CACHES = {"default": _cache()}
