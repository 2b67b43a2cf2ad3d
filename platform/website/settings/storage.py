from . import environment

MEDIA_ROOT = environment.VAR_DIR / "media"
# Every byte of media goes through a permission check: there is no MEDIA_URL that a web server could open.
MEDIA_URL = "/media/"

STATIC_URL = "/static/"
CLIENT_DIST = environment.ROOT / "platform" / "webclient" / "dist"
# Vite builds for `/static/client/`.
STATICFILES_DIRS = [("client", CLIENT_DIST)] if CLIENT_DIST.is_dir() else []

# Found once at start where the apps keep them: no collectstatic step that could be forgotten, and no STATIC_ROOT.
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = environment.DEBUG
WHITENOISE_ALLOW_ALL_ORIGINS = False
WHITENOISE_MAX_AGE = 0 if environment.DEBUG else 3600


def WHITENOISE_IMMUTABLE_FILE_TEST(path: str, url: str) -> bool:
    """Vite puts a hash of the content into every name under assets/."""
    return url.startswith(f"{STATIC_URL}client/assets/")


def WHITENOISE_ADD_HEADERS_FUNCTION(headers: dict[str, str], path: str, url: str) -> None:
    headers["Cross-Origin-Resource-Policy"] = "same-origin"


STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
