from . import environment

DEBUG = environment.DEBUG
VAR_DIR = environment.VAR_DIR
# Private clips, e-mail addresses, password hashes: nobody else on this machine reads them.
VAR_DIR.mkdir(parents=True, exist_ok=True, mode=0o700)
ROOT_DIR = environment.ROOT

HOST = environment.HOST
PORT = environment.PORT
ROOT_URLCONF = "website.urls"
ASGI_APPLICATION = "website.asgi.application"

INSTALLED_APPS = [
    # Before django.contrib.admin: unfold replaces its templates.
    "unfold",
    "unfold.contrib.filters",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django_filters",
    "channels",
    "django_q",
    "allauth",
    "allauth.account",
    "allauth.headless",
    "foundation",
    "accounts",
    "jobs",
    "clips",
    "mlmodels",
    "stylization",
    "editor",
    "community",
    "website",
]

MIDDLEWARE = [
    # Outermost, so that every answer and every log line of a request carries its id.
    "website.middleware.RequestIdMiddleware",
    "website.middleware.SecurityHeadersMiddleware",
    "website.middleware.StreamingMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    # Innermost: refusals of plain views become problems before anybody else sees an exception.
    "website.middleware.ProblemMiddleware",
]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        # Before the apps' own: what we replace of theirs.
        "DIRS": [environment.ROOT / "platform" / "website" / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]

USE_TZ = True
TIME_ZONE = "UTC"
LANGUAGE_CODE = "en"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# What one person may bring in; the API shows both in `GET /me/`.
UPLOAD_BYTES_MAX = environment.UPLOAD_BYTES
CLIP_SECONDS_MAX = environment.CLIP_SECONDS
