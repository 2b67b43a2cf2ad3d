"""Headers and identities that every answer carries."""

import logging
import re
import time
from collections.abc import AsyncIterator, Callable, Iterator
from itertools import islice
from uuid import uuid4

from asgiref.sync import sync_to_async
from django.conf import settings
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse

from foundation import context
from foundation.errors import ApplicationError
from foundation.problems import problem_of, problem_response

log = logging.getLogger("website.access")
BLOCKS_AT_ONCE = 64
QUIET = ("/static/", "/healthz", "/readyz")
REQUEST_ID = re.compile(r"\A[A-Za-z0-9._-]{1,64}\Z")


class _Middleware:
    """Plain and synchronous, like WhiteNoise further in: Django runs all of it in the one thread of the request."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        self.before(request)
        return self.after(request, self.get_response(request))

    def before(self, request: HttpRequest) -> None: ...

    def after(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        return response


class RequestIdMiddleware(_Middleware):
    """
    Take over a caller's X-Request-ID if it looks like one, make one otherwise, and say it in the answer.

    Writes the access log too: here the request's id is known. Only the path is written, never the query.
    """

    def before(self, request: HttpRequest) -> None:
        given = request.headers.get("X-Request-ID", "")
        request.request_id = given if REQUEST_ID.match(given) else uuid4().hex  # type: ignore[attr-defined]
        request.began_at = time.monotonic()  # type: ignore[attr-defined]
        context.request_id.set(request.request_id)  # type: ignore[attr-defined]

    def after(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        response["X-Request-ID"] = request.request_id  # type: ignore[attr-defined]
        if not request.path.startswith(QUIET):
            _log_access(request, response)
        return response


def _log_access(request: HttpRequest, response: HttpResponseBase) -> None:
    milliseconds = round((time.monotonic() - request.began_at) * 1000)  # type: ignore[attr-defined]
    extra = {"method": request.method, "path": request.path, "status": response.status_code, "ms": milliseconds}
    log.info("%s %s %s in %s ms", request.method, request.path, response.status_code, milliseconds, extra=extra)


class SecurityHeadersMiddleware(_Middleware):
    """What Django 5.2 has no setting for: the content policy and cross-origin isolation."""

    def after(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        policy = _policy_for(request.path)
        response.setdefault("Content-Security-Policy", "; ".join(f"{name} {value}" for name, value in policy.items()))
        response.setdefault("Cross-Origin-Embedder-Policy", settings.CROSS_ORIGIN_EMBEDDER_POLICY)
        response.setdefault("Cross-Origin-Resource-Policy", "same-origin")
        response.setdefault("Permissions-Policy", "geolocation=(), payment=(), usb=()")
        return response


def _policy_for(path: str) -> dict[str, str]:
    if path.startswith("/admin/"):
        return settings.ADMIN_CONTENT_SECURITY_POLICY
    if re.match(settings.WASM_SCRIPTS, path):
        return settings.WASM_CONTENT_SECURITY_POLICY
    return settings.CONTENT_SECURITY_POLICY


class StreamingMiddleware(_Middleware):
    """
    Let a file leave piece by piece.

    Under ASGI Django would read a file response to its end into memory before the first byte goes out.
    """

    def after(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        leaves_async = isinstance(request, ASGIRequest)
        if leaves_async and isinstance(response, StreamingHttpResponse) and not response.is_async:
            response.streaming_content = _in_pieces(iter(response.streaming_content))  # type: ignore[arg-type]
        return response


async def _in_pieces(parts: Iterator[bytes]) -> AsyncIterator[bytes]:
    # Files come in blocks of 4 KB; a change of threads for each would cost more than reading it.
    take = sync_to_async(lambda: b"".join(islice(parts, BLOCKS_AT_ONCE)), thread_sensitive=False)
    while piece := await take():
        yield piece


class ProblemMiddleware(_Middleware):
    """Answer a refusal of a view that is not DRF's (media, log-in) as DRF's views do."""

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        if isinstance(exception, ApplicationError):
            return problem_response(problem_of(exception))
        return None
