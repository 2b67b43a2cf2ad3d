"""
Signatures over JSON that every language can check: Ed25519 over a canonical text.

Canonical: members sorted by name, no white space, UTF-8, no fractions (as The Update Framework has it: languages
write 0.1 differently, so what was measured stands in the text as a decimal string).
"""

import base64
import hashlib
import json
from collections.abc import Mapping
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

ALGORITHM = "Ed25519"
MEMBER = "signature"


class BadSignature(ValueError):
    """The text is not what was signed, or another key signed it."""


class NotCanonical(TypeError):
    """The value holds a fraction, or something JSON has no words for."""


def canonical(value: Any) -> bytes:
    """
    Return the one text that everybody makes of a JSON value.

    :raises NotCanonical: for fractions and what is no JSON
    """
    _refuse_fractions(value)
    try:
        return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    except TypeError as error:
        raise NotCanonical(str(error)) from error


def signed(content: Mapping[str, Any], seed: bytes) -> dict[str, Any]:
    """Return the content with one member more, `signature`, that covers all others."""
    value = base64.b64encode(_private(seed).sign(canonical(content))).decode()
    return {**content, MEMBER: {"algorithm": ALGORITHM, "key_id": key_id(public_key(seed)), "value": value}}


def verify(content: Mapping[str, Any], public: bytes) -> None:
    """
    Check what `signed` returned against the public key, 32 bytes.

    :raises BadSignature: it is missing, or not of this content by this key
    """
    rest = {name: value for name, value in content.items() if name != MEMBER}
    try:
        value = base64.b64decode(content[MEMBER]["value"], validate=True)
        Ed25519PublicKey.from_public_bytes(public).verify(value, canonical(rest))
    except (InvalidSignature, KeyError, TypeError, ValueError) as error:
        raise BadSignature("The signature does not fit.") from error


def public_key(seed: bytes) -> bytes:
    """Return the 32 bytes that belong to a private seed of 32 bytes."""
    return _private(seed).public_key().public_bytes_raw()


def key_id(public: bytes) -> str:
    """Return what a key is called: the first 16 hex digits of its SHA-256."""
    return hashlib.sha256(public).hexdigest()[:16]


def _private(seed: bytes) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(seed)


def _refuse_fractions(value: Any) -> None:
    if isinstance(value, float):
        raise NotCanonical(f"{value!r} is a fraction")
    for part in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        _refuse_fractions(part)
