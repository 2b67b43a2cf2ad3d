from . import environment, secret_key
from .storage import MEDIA_ORIGINS

SECRET_KEY = environment.SECRET_KEY or secret_key.load_or_make(environment.VAR_DIR / "secret_key")
SECRET_KEY_FALLBACKS = environment.SECRET_KEY_FALLBACKS
MODEL_SIGNING_KEY_IS_GIVEN = bool(environment.MODEL_SIGNING_KEY)
MODEL_SIGNING_KEY = environment.seed(
    environment.MODEL_SIGNING_KEY or secret_key.load_or_make(environment.VAR_DIR / "model_key", secret_key.seed),
    source="IMPASTO_MODEL_SIGNING_KEY" if MODEL_SIGNING_KEY_IS_GIVEN else str(environment.VAR_DIR / "model_key"),
)
ALLOWED_HOSTS = environment.ALLOWED_HOSTS
CSRF_TRUSTED_ORIGINS = environment.TRUSTED_ORIGINS
CSRF_FAILURE_VIEW = "website.views.csrf_failure"

SESSION_COOKIE_SECURE = environment.HTTPS
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_AGE = 60 * 60 * 24 * 30
CSRF_COOKIE_SECURE = environment.HTTPS
CSRF_COOKIE_SAMESITE = "Lax"
# The browser client reads the cookie and sends it back as X-CSRFToken.
CSRF_COOKIE_HTTPONLY = False

SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
if environment.HTTPS:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SECURE_SSL_REDIRECT = True
    SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$"]
    SECURE_HSTS_SECONDS = 60 * 60 * 24 * 365

# HSTS for all subdomains and in the browsers' own list: for the owner of the domain to decide, not for one site on it.
SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W021"]

# Bodies are small here: an upload streams through the tus endpoint, which does its own counting.
DATA_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024
FILE_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024 * 1024

# Cross-origin isolation lets WebAssembly threads share memory. An object store's answers do not say that they may be
# embedded, so they are fetched without credentials.
CROSS_ORIGIN_EMBEDDER_POLICY = "credentialless" if MEDIA_ORIGINS else "require-corp"

# Nothing inline, nothing evaluated, nobody else.
CONTENT_SECURITY_POLICY = {
    "default-src": "'self'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": " ".join(["'self' data: blob:", *MEDIA_ORIGINS]),
    "media-src": " ".join(["'self' blob:", *MEDIA_ORIGINS]),
    "font-src": "'self'",
    # The networks that a page runs are fetched by script.
    "connect-src": " ".join(["'self'", *MEDIA_ORIGINS]),
    "worker-src": "'self' blob:",
    "object-src": "'none'",
    "base-uri": "'none'",
    "form-action": "'self'",
    "frame-ancestors": "'none'",
}
# A worker has the policy of its own script's answer. The painter's script and the runtime's glue, of which its threads
# are made, may compile WebAssembly; no page may.
WASM_SCRIPTS = r"^/static/client/assets/(?:painter|ort-wasm)-[\w.-]+\.m?js$"
WASM_CONTENT_SECURITY_POLICY = {**CONTENT_SECURITY_POLICY, "script-src": "'self' 'wasm-unsafe-eval'"}
# The staff site only: django-unfold drives its widgets with Alpine.js, which evaluates expressions, and styles them
# inline. Inline scripts stay forbidden there too.
ADMIN_CONTENT_SECURITY_POLICY = {
    **CONTENT_SECURITY_POLICY,
    "script-src": "'self' 'unsafe-eval'",
    "style-src": "'self' 'unsafe-inline'",
}
