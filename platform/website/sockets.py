"""The WebSocket side of the site: who may open one, and which room answers."""

import logging
from contextlib import suppress
from importlib import import_module
from importlib.util import find_spec
from typing import Any
from urllib.parse import urlsplit

from channels.auth import AuthMiddlewareStack
from channels.routing import URLRouter
from channels.security.websocket import WebsocketDenier
from django.apps import apps
from django.conf import settings
from django.http.request import validate_host
from django.urls import re_path
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from .urls import ROOMS

log = logging.getLogger(__name__)
TRY_AGAIN_LATER = 1013


class SameOrigin:
    """
    Refuse a page of another site, and believe a cookie only together with our own Origin.

    A browser sends its cookies along wherever the page came from, but always says where that was. An app sends no
    Origin: it is let through as nobody, and shows a one-time ticket to the consumer.
    """

    def __init__(self, inner: Any) -> None:
        self.inner = inner

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> Any:
        headers = dict(scope["headers"])
        origin = headers.get(b"origin")
        if origin is None:
            scope = {**scope, "headers": [header for header in scope["headers"] if header[0] != b"cookie"]}
        elif not _is_ours(origin.decode("latin1"), headers.get(b"host", b"").decode("latin1")):
            return await WebsocketDenier()(scope, receive, send)
        return await self.inner(scope, receive, send)


class StoreAway:
    """Close a socket while the channel store does not answer. The page tries again, and polls meanwhile."""

    def __init__(self, inner: Any) -> None:
        self.inner = inner

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> Any:
        try:
            return await self.inner(scope, receive, send)
        except (RedisConnectionError, RedisTimeoutError) as error:
            log.warning("a socket was closed, the channel store does not answer: %s", error)
        with suppress(OSError, RuntimeError):  # the page may have gone as well
            await send({"type": "websocket.close", "code": TRY_AGAIN_LATER})


def _is_ours(origin: str, host: str) -> bool:
    if origin in settings.CSRF_TRUSTED_ORIGINS:
        return True
    # Ports count: another program on this machine is another site, though it shares our cookies.
    place = urlsplit(origin)
    return place.netloc == host and validate_host(place.hostname or "", settings.ALLOWED_HOSTS)


def websocket_application() -> Any:
    routes = [route for room in ROOMS for route in _offered(room)]
    nowhere = re_path("", WebsocketDenier.as_asgi())  # a wrong address is a refusal and no error of ours
    return StoreAway(SameOrigin(AuthMiddlewareStack(URLRouter([*routes, nowhere]))))


def _offered(room: str) -> list[Any]:
    name = f"{room}.routing"
    return import_module(name).websocket_urlpatterns if apps.is_installed(room) and find_spec(name) else []
