from . import environment

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
LOGIN_URL = "/login"
# Only the staff site logs in by a page of its own.
LOGIN_REDIRECT_URL = "/admin/"

HEADLESS_ONLY = True
HEADLESS_CLIENTS = ("browser", "app")
HEADLESS_FRONTEND_URLS = {
    "account_confirm_email": "/settings?confirm={key}",
    "account_reset_password": "/login?forgotten=1",
    "account_reset_password_from_key": "/login?reset={key}",
    "account_signup": "/signup",
}
ACCOUNT_ADAPTER = "accounts.adapter.AccountAdapter"
ACCOUNT_SIGNUP_FIELDS = ["username*", "email*", "password1*"]
ACCOUNT_LOGIN_METHODS = {"username", "email"}
ACCOUNT_EMAIL_VERIFICATION = environment.EMAIL_VERIFICATION
ACCOUNT_PRESERVE_USERNAME_CASING = True
ACCOUNT_USERNAME_MIN_LENGTH = 3
ACCOUNT_USERNAME_VALIDATORS = "accounts.usernames.validators"
ACCOUNT_RATE_LIMITS = {
    "signup": "20/m/ip",
    "login": "30/m/ip",
    "login_failed": "10/m/ip,5/300s/key",
}
# Who is behind an address is only known as far as the proxies in front are ours.
ALLAUTH_TRUSTED_PROXY_COUNT = environment.TRUSTED_PROXIES

DEFAULT_FROM_EMAIL = environment.EMAIL_FROM
if environment.EMAIL_URL:
    vars().update(environment.env.email_url_config(environment.EMAIL_URL))
else:
    # Nothing to install by hand: mails land in a folder until a server is named.
    EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
    EMAIL_FILE_PATH = environment.VAR_DIR / "mail"
