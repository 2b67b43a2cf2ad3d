"""Bodies with edit lists: bounded before they are read, and refused in words whatever they hold."""

import io
from collections.abc import Mapping
from typing import IO, Any

from rest_framework.exceptions import ParseError
from rest_framework.parsers import JSONParser, MultiPartParser

from foundation.errors import ApplicationError

from .audio.bounds import BYTES_MAX

EDIT_BYTES_MAX = 512 * 1024
# Beside the sound: the boundaries and the other fields.
FORM_BYTES = 64 * 1024


class BodyTooLarge(ApplicationError):
    status = 413
    code = "too_large"
    title = "That is too large"


class EditParser(JSONParser):
    """JSON of at most 512 KB. NaN and infinities are no JSON; nestings too deep for Python are refused like them."""

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        body = stream.read(EDIT_BYTES_MAX + 1)
        if len(body) > EDIT_BYTES_MAX:
            raise BodyTooLarge(f"An edit of at most {EDIT_BYTES_MAX // 1024} KB can be kept.")
        try:
            return super().parse(io.BytesIO(body), media_type, parser_context)
        except RecursionError:
            raise ParseError("It is nested too deeply.") from None


class SoundParser(MultiPartParser):
    """A form with a sound: what says itself to be too large is not even unpacked."""

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        headers = (parser_context or {})["request"].headers
        if int(headers.get("Content-Length") or 0) > BYTES_MAX + FORM_BYTES:
            raise BodyTooLarge(f"At most {BYTES_MAX // 1024**2} MB are accepted. Save it as MP3 or M4A.")
        return super().parse(stream, media_type, parser_context)
