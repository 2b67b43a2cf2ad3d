from typing import Any

from . import environment

MEDIA_ROOT = environment.VAR_DIR / "media"
# Every byte of media goes through a permission check: there is no MEDIA_URL that a web server could open.
MEDIA_URL = "/media/"
MEDIA_ACCEL_PREFIX = environment.MEDIA_ACCEL_PREFIX

STATIC_URL = "/static/"
CLIENT_DIST = environment.ROOT / "platform" / "webclient" / "dist"
# Vite builds for `/static/client/`.
STATICFILES_DIRS = [("client", CLIENT_DIST)] if CLIENT_DIST.is_dir() else []

# Found once at start where the apps keep them: no collectstatic step that could be forgotten, and no STATIC_ROOT.
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = environment.DEBUG
WHITENOISE_ALLOW_ALL_ORIGINS = False
WHITENOISE_MAX_AGE = 0 if environment.DEBUG else 3600


SERVICE_WORKER = f"{STATIC_URL}client/service-worker.js"


def WHITENOISE_IMMUTABLE_FILE_TEST(path: str, url: str) -> bool:
    """Vite puts a hash of the content into every name under assets/."""
    return url.startswith(f"{STATIC_URL}client/assets/")


def WHITENOISE_ADD_HEADERS_FUNCTION(headers: dict[str, str], path: str, url: str) -> None:
    headers["Cross-Origin-Resource-Policy"] = "same-origin"
    if url == SERVICE_WORKER:
        # It lies among the static files and answers for pages; a deploy is seen at the next visit.
        headers["Service-Worker-Allowed"] = "/"
        headers["Cache-Control"] = "no-cache"


def _media_origins() -> list[str]:
    """Return where browsers fetch media, if not from us: the object store's signed addresses lead there."""
    if not environment.S3_BUCKET or environment.MEDIA_ORIGINS:
        return environment.MEDIA_ORIGINS if environment.S3_BUCKET else []
    if environment.S3_ENDPOINT:
        return [environment.S3_ENDPOINT.rstrip("/")]
    region = f".{environment.S3_REGION}" if environment.S3_REGION else ""
    return list(dict.fromkeys(f"https://{environment.S3_BUCKET}.s3{part}.amazonaws.com" for part in ("", region)))


def _media() -> dict[str, Any]:
    if not environment.S3_BUCKET:
        return {"BACKEND": "django.core.files.storage.FileSystemStorage"}
    # The keys come from where boto3 looks for them (AWS_ACCESS_KEY_ID …, or the machine's role).
    options = {
        "bucket_name": environment.S3_BUCKET,
        "endpoint_url": environment.S3_ENDPOINT or None,
        "region_name": environment.S3_REGION or None,
        "default_acl": None,
        # Addresses are handed out after a permission check and work for a short while.
        "querystring_auth": True,
        "querystring_expire": 300,
        "signature_version": "s3v4",
        "file_overwrite": True,
    }
    return {"BACKEND": "storages.backends.s3.S3Storage", "OPTIONS": options}


MEDIA_ORIGINS = _media_origins()
STORAGES = {
    "default": _media(),
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
