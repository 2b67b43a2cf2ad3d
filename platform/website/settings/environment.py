"""The one place that reads the environment: real types out, and a value nobody understands stops the start."""

import base64
import binascii
from pathlib import Path

import environ
from django.core.exceptions import ImproperlyConfigured

ROOT = Path(__file__).resolve().parents[3]
env = environ.Env()


def choice(name: str, *, default: str, allowed: tuple[str, ...]) -> str:
    value = env.str(name, default=default)
    if value not in allowed:
        raise ImproperlyConfigured(f"{name}={value!r}: expected one of {', '.join(allowed)}")
    return value


def number(name: str, *, default: int, least: int = 1) -> int:
    try:
        value = int(env.str(name, default=str(default)))
    except ValueError as error:
        raise ImproperlyConfigured(f"{name} must be a whole number") from error
    if value < least:
        raise ImproperlyConfigured(f"{name}={value}: expected at least {least}")
    return value


def seed(text: str, *, source: str) -> bytes:
    """Return the 32 bytes of an Ed25519 seed."""
    try:
        value = base64.b64decode(text.strip(), validate=True)
    except (binascii.Error, ValueError):
        value = b""
    if len(value) != 32:
        raise ImproperlyConfigured(f"{source} must hold 32 bytes in base64: openssl rand -base64 32")
    return value


# Where everything lives that is not code: database, media, work folders, sockets, the secret key.
VAR_DIR = Path(env.str("IMPASTO_VAR", default=str(ROOT / "var"))).resolve()
DEBUG = env.bool("IMPASTO_DEBUG", default=False)

SECRET_KEY = env.str("IMPASTO_SECRET_KEY", default="")
SECRET_KEY_FALLBACKS = env.list("IMPASTO_SECRET_KEY_FALLBACKS", default=[])
# Signs what phones download (Ed25519 seed, base64); the same on all machines, and for ever: apps know its public half.
MODEL_SIGNING_KEY = env.str("IMPASTO_MODEL_SIGNING_KEY", default="")
ALLOWED_HOSTS = env.list("IMPASTO_ALLOWED_HOSTS", default=["127.0.0.1", "localhost", "[::1]"])
TRUSTED_ORIGINS = env.list("IMPASTO_TRUSTED_ORIGINS", default=[])
# True behind a proxy that speaks TLS: secure cookies, HSTS, and X-Forwarded-Proto is believed.
HTTPS = env.bool("IMPASTO_HTTPS", default=False)
TRUSTED_PROXIES = number("IMPASTO_TRUSTED_PROXIES", default=0, least=0)

DATABASE_URL = env.str("DATABASE_URL", default="")
VALKEY_URL = env.str("VALKEY_URL", default=env.str("REDIS_URL", default=""))
CHANNEL_LAYER = choice("IMPASTO_CHANNEL_LAYER", default="valkey", allowed=("valkey", "memory"))

HOST = env.str("IMPASTO_HOST", default="127.0.0.1")
PORT = number("PORT", default=8000)

SLOW_WORKERS = number("IMPASTO_SLOW_WORKERS", default=1)
QUICK_WORKERS = number("IMPASTO_QUICK_WORKERS", default=1)
WORKER_SILENCE_SECONDS = number("IMPASTO_WORKER_SILENCE_SECONDS", default=30)
WORKER_START_SECONDS = number("IMPASTO_WORKER_START_SECONDS", default=60)

S3_BUCKET = env.str("IMPASTO_S3_BUCKET", default="")
S3_ENDPOINT = env.str("IMPASTO_S3_ENDPOINT", default="")
S3_REGION = env.str("IMPASTO_S3_REGION", default="")
# Where browsers fetch what lies in the object store, if neither at its endpoint nor at Amazon's address of the bucket.
MEDIA_ORIGINS = env.list("IMPASTO_MEDIA_ORIGINS", default=[])
# Behind nginx: the `internal` location that serves the media folder, so that the proxy sends the bytes.
MEDIA_ACCEL_PREFIX = env.str("IMPASTO_MEDIA_ACCEL_PREFIX", default="")

UPLOAD_BYTES = number("IMPASTO_UPLOAD_BYTES", default=300 * 1024 * 1024)
CLIP_SECONDS = number("IMPASTO_CLIP_SECONDS", default=60)

EMAIL_URL = env.str("IMPASTO_EMAIL_URL", default="")
EMAIL_FROM = env.str("IMPASTO_EMAIL_FROM", default="impasto@localhost")
EMAIL_VERIFICATION = choice("IMPASTO_EMAIL_VERIFICATION", default="none", allowed=("none", "optional", "mandatory"))

LOG_FORMAT = choice("IMPASTO_LOG_FORMAT", default="auto", allowed=("auto", "json", "text"))
LOG_LEVEL = choice("IMPASTO_LOG_LEVEL", default="INFO", allowed=("DEBUG", "INFO", "WARNING", "ERROR"))
