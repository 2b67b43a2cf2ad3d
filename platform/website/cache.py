from typing import Any

from django.core.cache.backends.redis import RedisCache
from redis.exceptions import ConnectionError as ServerGone
from redis.exceptions import TimeoutError as ServerSlow


class ForgivingRedisCache(RedisCache):
    """A cache that is empty while its server is away: a restart of the store must not turn log-in into an error."""

    def get(self, *args: Any, **kwargs: Any) -> Any:
        try:
            return super().get(*args, **kwargs)
        except (ServerGone, ServerSlow):
            return kwargs.get("default", args[1] if len(args) > 1 else None)

    def set(self, *args: Any, **kwargs: Any) -> None:
        try:
            super().set(*args, **kwargs)
        except (ServerGone, ServerSlow):
            return
