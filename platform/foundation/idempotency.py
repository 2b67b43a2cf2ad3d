"""
`Idempotency-Key`: the same request sent twice starts work once.

A phone that lost the answer cannot know whether the work was started. It sends the request again with the same key and
gets the first answer again.
"""

import hashlib
import json
from collections.abc import Callable
from datetime import timedelta
from functools import wraps
from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.utils import timezone
from rest_framework.exceptions import NotAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.encoders import JSONEncoder

from .errors import ApplicationError, Conflict
from .models import IdempotentAnswer

HEADER = "Idempotency-Key"
KEY_LENGTH_MAX = 200
KEPT_FOR = timedelta(hours=24)


class KeyNotUsable(ApplicationError):
    """A key is 1 to 200 printable ASCII characters."""

    code = "idempotency_key_invalid"
    title = "The Idempotency-Key header cannot be used"


class KeyUsedForAnotherRequest(Conflict):
    """The key already belongs to a request with another body."""

    code = "idempotency_key_reused"
    title = "This Idempotency-Key was used for another request"


Method = Callable[..., Response]


def idempotent(method: Method) -> Method:
    """
    Make a view method answer a repeated key from memory.

    Work and answer are one transaction: a crash in between leaves neither, and the second of two requests that
    arrive together waits for the first. Refusals are not kept: the same key may succeed later.

    :raises KeyNotUsable: for an empty, overlong or unprintable key
    :raises KeyUsedForAnotherRequest: for a known key with another path or body
    """

    @wraps(method)
    def wrapper(view: Any, request: Request, *args: Any, **kwargs: Any) -> Response:
        key = request.headers.get(HEADER)
        if key is None:
            return method(view, request, *args, **kwargs)
        _check(key)
        with transaction.atomic():
            answer, is_new = _claim(request, key)
            if not is_new:
                return _replay(answer, request)
            response = method(view, request, *args, **kwargs)
            return _keep(answer, response)

    return wrapper


def _check(key: str) -> None:
    if not (0 < len(key) <= KEY_LENGTH_MAX and key.isascii() and key.isprintable()):
        raise KeyNotUsable(f"Send 1 to {KEY_LENGTH_MAX} printable ASCII characters.")


def _claim(request: Request, key: str) -> tuple[IdempotentAnswer, bool]:
    if request.user.pk is None:
        raise NotAuthenticated
    now = timezone.now()
    mine = IdempotentAnswer.objects.filter(owner_id=request.user.pk)
    mine.filter(created_at__lt=now - KEPT_FOR).delete()
    return mine.get_or_create(
        key=key,
        defaults={"owner_id": request.user.pk, "fingerprint": _fingerprint(request), "status": 0, "created_at": now},
    )


def _replay(answer: IdempotentAnswer, request: Request) -> Response:
    if answer.fingerprint != _fingerprint(request):
        raise KeyUsedForAnotherRequest("Use a new key for a new request.")
    return Response(answer.body, status=answer.status, headers={"Idempotent-Replayed": "true"})


def _keep(answer: IdempotentAnswer, response: Response) -> Response:
    if response.status_code >= 400:
        transaction.set_rollback(True)
        return response
    answer.status = response.status_code
    answer.body = json.loads(json.dumps(response.data, cls=JSONEncoder))
    answer.save(update_fields=["status", "body"])
    return response


def _fingerprint(request: Request) -> str:
    """Two sends of one form differ in their boundary, so the parsed fields count and not the raw bytes."""
    digest = hashlib.sha256(f"{request.method} {request.get_full_path()}\n".encode())
    data = request.data
    fields = sorted(data.lists()) if hasattr(data, "lists") else [("", [data])]
    for name, values in fields:
        for value in values:
            digest.update(f"{name}=".encode())
            digest.update(_content(value))
    return digest.hexdigest()


def _content(value: Any) -> bytes:
    if isinstance(value, UploadedFile):
        digest = hashlib.sha256()
        for chunk in value.chunks():  # rewinds first
            digest.update(chunk)
        value.seek(0)
        return digest.digest()
    return json.dumps(value, sort_keys=True, cls=JSONEncoder).encode()
