"""The site's own few pages: health, the client's entry, and what is said when nothing fits."""

import base64
from pathlib import Path

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.decorators.http import require_safe

from foundation.problems import problem, problem_response
from mlmodels import signing

from . import health

KEY_TAG = '<meta name="impasto-model-key" content="{}" />'
NOT_BUILT = "The browser client is not built yet. Run `make setup`, then start again.\n"


def healthz(request: HttpRequest) -> JsonResponse:
    """The process answers."""
    return JsonResponse({"status": "ok"})


@never_cache
def readyz(request: HttpRequest) -> JsonResponse:
    """The process can do its work: 503 names what is missing."""
    checks = health.check()
    ready = all(check == "ok" for check in checks.values())
    return JsonResponse({"status": "ok" if ready else "not ready", "checks": checks}, status=200 if ready else 503)


@require_safe
@never_cache
@ensure_csrf_cookie
def client(request: HttpRequest) -> HttpResponse:
    """The browser client, for every address that is its own; it routes by itself."""
    if not request.accepts("text/html"):
        return not_found(request)
    index = Path(settings.CLIENT_DIST) / "index.html"
    try:
        page = _with_model_key(index.read_text(encoding="utf-8"))
        return HttpResponse(page, content_type="text/html; charset=utf-8")
    except FileNotFoundError:
        return HttpResponse(NOT_BUILT, status=503, content_type="text/plain; charset=utf-8")


def _with_model_key(page: str) -> str:
    """Tell the page who signs its networks: those may come from a cache or an object store, the page does not."""
    public = base64.b64encode(signing.public_key(settings.MODEL_SIGNING_KEY)).decode()
    return page.replace(KEY_TAG.format(""), KEY_TAG.format(public))


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """One of the server's own addresses; for all others the client says so in its own way."""
    return problem_response(
        problem(status=404, code="not_found", detail="There is nothing at this address.", title="Not found")
    )


def server_error(request: HttpRequest) -> HttpResponse:
    return problem_response(
        problem(status=500, code="server_error", detail="Something broke on our side; it has been written down.")
    )


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return problem_response(problem(status=400, code="bad_request", detail="The request cannot be understood."))


def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return problem_response(problem(status=403, code="not_allowed", detail="That is not allowed."))


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    detail = "The page is too old or came from elsewhere; reload it and try again."
    return problem_response(problem(status=403, code="csrf_failed", detail=detail))
