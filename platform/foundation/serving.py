"""Stored files over HTTP, with ranges and conditions; who may have one is for the view to know."""

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from http import HTTPStatus
from pathlib import Path
from typing import Any

from django.conf import settings
from django.http import (
    HttpResponse,
    HttpResponseBase,
    HttpResponseNotModified,
    HttpResponseRedirect,
    StreamingHttpResponse,
)
from django.utils.http import http_date, parse_http_date_safe, quote_etag
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.request import Request

from . import storage
from .errors import NotFound
from .problems import problem, problem_response

BLOCK = 16 * 1024
PRIVATE = {
    # Briefly: what a moderator hides is gone from the browsers of others soon, too.
    "Cache-Control": "private, max-age=60",
    "Vary": "Cookie, X-Session-Token",
}
RANGE = re.compile(r"^bytes=(\d*)-(\d*)$")


class AnyAccept(BaseContentNegotiation):
    """An `<img>` accepts no JSON, and yet a refusal is all there is to negotiate about."""

    def select_parser(self, request: Request, parsers: Any) -> Any:
        return parsers[0]

    def select_renderer(self, request: Request, renderers: Any, format_suffix: str | None = None) -> Any:
        return renderers[0], renderers[0].media_type


def serve(
    request: Request,
    file: str,
    *,
    content_type: str,
    tag: str,
    made_at: datetime,
    headers: Mapping[str, str] = PRIVATE,
) -> HttpResponseBase:
    """
    Answer with a stored file, ranges and all, once it is known that this person may have it.

    :param headers: who may keep the answer and for how long
    :raises NotFound: when the file is gone
    """
    # A signed address is good for GET alone.
    if request.method != "HEAD" and (url := storage.signed_url(file)):
        redirect = HttpResponseRedirect(url)
        return _with(redirect, {**headers, "Cache-Control": "private, no-store"})
    etag, modified = quote_etag(tag), int(made_at.timestamp())
    response = not_modified(request, etag) or _accelerated(file) or _from_disk(request, file, etag, modified)
    response["ETag"] = etag
    response["Last-Modified"] = http_date(modified)
    response["Accept-Ranges"] = "bytes"
    response["Content-Disposition"] = f'inline; filename="{file.rsplit("/", 1)[-1]}"'
    if response.status_code < 300:
        response["Content-Type"] = content_type
    return _with(response, headers)


def _with(response: HttpResponseBase, headers: Mapping[str, str]) -> HttpResponseBase:
    for name, value in headers.items():
        response[name] = value
    response["X-Content-Type-Options"] = "nosniff"
    return response


def not_modified(request: Request, etag: str) -> HttpResponse | None:
    """Return a 304 if the caller has this very version already (`If-None-Match`), or None."""
    known = [tag.strip().removeprefix("W/") for tag in request.headers.get("If-None-Match", "").split(",")]
    return HttpResponseNotModified(headers={"ETag": etag}) if etag in known or known == ["*"] else None


def _accelerated(file: str) -> HttpResponse | None:
    """Behind nginx the proxy sends the bytes, ranges included, from an `internal` location."""
    prefix = getattr(settings, "MEDIA_ACCEL_PREFIX", "")
    return HttpResponse(headers={"X-Accel-Redirect": f"{prefix.rstrip('/')}/{file}"}) if prefix else None


def _from_disk(request: Request, file: str, etag: str, modified: int) -> HttpResponseBase:
    try:
        size = storage.size(file)
    except FileNotFoundError:
        raise NotFound("The file is gone.") from None
    wanted = request.headers.get("Range", "") if _range_applies(request, etag, modified) else ""
    try:
        part = parse_range(wanted, size)
    except ValueError:
        return _unsatisfiable(size)
    first, last = part or (0, size - 1)
    status = HTTPStatus.PARTIAL_CONTENT if part else HTTPStatus.OK
    is_head = request.method == "HEAD"
    response: Any = HttpResponse(status=status) if is_head else _streamed(file, first, last, status)
    response["Content-Length"] = str(last - first + 1)
    if part:
        response["Content-Range"] = f"bytes {first}-{last}/{size}"
    return response


def _streamed(file: str, first: int, last: int, status: int) -> StreamingHttpResponse:
    return StreamingHttpResponse(_Blocks(storage.local_path(file), first, last), status=status)


def _unsatisfiable(size: int) -> HttpResponseBase:
    body = problem(status=416, code="range_not_satisfiable", detail="The file is not that long.")
    response = problem_response(body)
    response["Content-Range"] = f"bytes */{size}"
    return response


def parse_range(header: str, size: int) -> tuple[int, int] | None:
    """
    Return first and last byte of a single range; None for the whole file: no range, several, or another unit.

    :raises ValueError: for a range that no byte of the file lies in
    """
    match = RANGE.match(header.replace(" ", ""))
    if match is None or match.groups() == ("", ""):
        return None
    first_text, last_text = match.groups()
    if not first_text:
        first, last = max(size - int(last_text), 0), size - 1
        empty = int(last_text) == 0
    else:
        first, last = int(first_text), min(int(last_text or size), size - 1)
        if last_text and int(last_text) < first:
            return None  # not a range at all
        empty = first >= size
    if empty:
        raise ValueError(header)
    return first, last


def _range_applies(request: Request, etag: str, modified: int) -> bool:
    """A range of another version of the file would be glued to the wrong half (If-Range)."""
    condition = request.headers.get("If-Range", "")
    if not condition:
        return True
    return condition == etag or parse_http_date_safe(condition) == modified


class _Blocks:
    """A stretch of a file, block by block. Django closes it when the reader goes away, even before the first one."""

    def __init__(self, path: Path, first: int, last: int) -> None:
        self._file = path.open("rb")
        self._file.seek(first)
        self._left = last - first + 1

    def __iter__(self) -> Iterator[bytes]:
        while self._left > 0:
            block = self._file.read(min(BLOCK, self._left))
            if not block:
                return
            self._left -= len(block)
            yield block

    def close(self) -> None:
        self._file.close()
