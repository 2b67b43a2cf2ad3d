"""Every refusal over HTTP in one shape: `application/problem+json` (RFC 9457) with a code a program can act on."""

import logging
from http import HTTPStatus
from typing import Any

from django.core.exceptions import PermissionDenied
from django.core.exceptions import ValidationError as ModelValidationError
from django.db import DatabaseError
from django.http import Http404, JsonResponse
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.settings import api_settings
from rest_framework.views import set_rollback

from .errors import ApplicationError, DiskFull, NotFound
from .files import is_disk_full

log = logging.getLogger(__name__)
CONTENT_TYPE = "application/problem+json"


def problem(
    *, status: int, code: str, detail: str, title: str = "", errors: dict[str, list[str]] | None = None
) -> dict[str, Any]:
    """Return the body of a problem answer."""
    body: dict[str, Any] = {
        "type": "about:blank",
        "title": title or HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "code": code,
    }
    return {**body, "errors": errors} if errors else body


def problem_of(error: ApplicationError) -> dict[str, Any]:
    return problem(status=error.status, code=error.code, title=error.title, detail=error.detail, errors=error.errors)


def problem_response(body: dict[str, Any]) -> JsonResponse:
    """Answer with a problem where DRF is not at work: middleware, plain views, error pages."""
    return JsonResponse(body, status=body["status"], content_type=CONTENT_TYPE)


def exception_handler(error: Exception, context: dict[str, Any]) -> Response | None:
    """DRF's `EXCEPTION_HANDLER`; what nobody expected stays an exception and reaches the log."""
    known = _body(error)
    if known is None:
        return None
    set_rollback()
    headers = _headers(error)
    return Response(known, status=known["status"], headers=headers, content_type=CONTENT_TYPE)


def _body(error: Exception) -> dict[str, Any] | None:
    match error:
        case ApplicationError():
            return problem_of(error)
        case Http404():
            return problem_of(NotFound())
        case PermissionDenied():
            return _from_drf(exceptions.PermissionDenied())
        case ModelValidationError():
            return _validation(exceptions.ValidationError(_messages(error)))
        case exceptions.ValidationError():
            return _validation(error)
        case exceptions.APIException():
            return _from_drf(error)
        case OSError() | DatabaseError() if is_disk_full(error):
            log.error("the disk is full: %s", error)
            return problem_of(DiskFull("Nothing was lost. Try again later."))
    return None


def _from_drf(error: exceptions.APIException) -> dict[str, Any]:
    code = getattr(error.detail, "code", None) or error.default_code
    return problem(status=error.status_code, code=str(code), detail=str(error.detail))


def _validation(error: exceptions.ValidationError) -> dict[str, Any]:
    errors = _flat(error.detail)
    return problem(
        status=400,
        code="invalid",
        title="Some of it cannot be used",
        detail=" ".join(dict.fromkeys(text for texts in errors.values() for text in texts)),
        errors=errors,
    )


def _flat(detail: Any, path: str = "") -> dict[str, list[str]]:
    """Turn DRF's nested details into one level: `{"styles.0.weight": ["…"]}`."""
    if isinstance(detail, dict):
        return _merge(_flat(value, f"{path}.{name}" if path else str(name)) for name, value in detail.items())
    if isinstance(detail, list) and any(isinstance(item, dict | list) for item in detail):
        return _merge(_flat(value, f"{path}.{place}" if path else str(place)) for place, value in enumerate(detail))
    texts = [str(item) for item in detail] if isinstance(detail, list) else [str(detail)]
    return {path or api_settings.NON_FIELD_ERRORS_KEY: texts} if texts else {}


def _merge(parts: Any) -> dict[str, list[str]]:
    return {name: texts for part in parts for name, texts in part.items()}


def _messages(error: ModelValidationError) -> Any:
    if hasattr(error, "error_dict"):
        # Django calls what belongs to no field `__all__`.
        return {
            (api_settings.NON_FIELD_ERRORS_KEY if name == "__all__" else name): texts
            for name, texts in error.message_dict.items()
        }
    return error.messages


def _headers(error: Exception) -> dict[str, str]:
    headers = {}
    if challenge := getattr(error, "auth_header", None):
        headers["WWW-Authenticate"] = challenge
    if wait := getattr(error, "wait", None):
        headers["Retry-After"] = str(int(wait))
    return headers
