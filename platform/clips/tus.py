"""The tus 1.0 protocol's headers, read and written. Knows nothing about where the bytes go (https://tus.io)."""

import base64
import binascii
from collections.abc import Mapping
from datetime import datetime

from django.utils.http import http_date

from foundation.errors import ApplicationError

from .upload_files import ALGORITHMS

VERSION = "1.0.0"
EXTENSIONS = "creation,creation-with-upload,termination,checksum,expiration"
CONTENT_TYPE = "application/offset+octet-stream"
METADATA_LENGTH_MAX = 4096
# More digits than any file has bytes: `int` would chew on a megabyte of them.
DIGITS_MAX = 18


class BadHeader(ApplicationError):
    code = "bad_tus_header"
    title = "The upload request cannot be understood"


class UnknownVersion(ApplicationError):
    status = 412
    code = "tus_version"
    title = "This version of tus is not spoken here"


def check_version(headers: Mapping[str, str]) -> None:
    """:raises UnknownVersion: for a client that does not say `Tus-Resumable: 1.0.0`"""
    if headers.get("Tus-Resumable") != VERSION:
        raise UnknownVersion(f"Send the header Tus-Resumable: {VERSION}.")


def number_of(headers: Mapping[str, str], name: str) -> int:
    """
    Return a count of bytes from a header.

    :raises BadHeader: when it is missing or no number
    """
    text = headers.get(name, "")
    if not (text.isascii() and text.isdigit() and len(text) <= DIGITS_MAX):
        raise BadHeader(f"{name} must be a number of bytes.")
    return int(text)


def metadata_of(text: str) -> dict[str, str]:
    """
    Return what `Upload-Metadata` says: names, each with a text in base64 or with none.

    :raises BadHeader: when it is not that
    """
    if len(text) > METADATA_LENGTH_MAX:
        raise BadHeader("Upload-Metadata is too long.")
    pairs = [pair.strip().partition(" ") for pair in text.split(",") if pair.strip()]
    try:
        return {name: base64.b64decode(value, validate=True).decode() for name, _, value in pairs}
    except (binascii.Error, ValueError):
        raise BadHeader("Upload-Metadata must be names and base64 texts, separated by commas.") from None


def checksum_of(text: str) -> str:
    """
    Return `Upload-Checksum` in the form the file is checked by, or an empty text where none was sent.

    :raises BadHeader: for an algorithm that is not offered, or a digest that is not base64
    """
    if not text:
        return ""
    algorithm, _, digest = text.partition(" ")
    if algorithm not in ALGORITHMS:
        raise BadHeader(f"Upload-Checksum can be {' or '.join(ALGORITHMS)}.")
    try:
        base64.b64decode(digest, validate=True)
    except (binascii.Error, ValueError):
        raise BadHeader("Upload-Checksum must hold a digest in base64.") from None
    return text


def capabilities(bytes_max: int) -> dict[str, str]:
    """The headers of an answer to OPTIONS."""
    return {
        "Tus-Version": VERSION,
        "Tus-Extension": EXTENSIONS,
        "Tus-Max-Size": str(bytes_max),
        "Tus-Checksum-Algorithm": ",".join(ALGORITHMS),
    }


def expiry(at: datetime) -> dict[str, str]:
    return {"Upload-Expires": http_date(at.timestamp())}
