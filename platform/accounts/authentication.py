"""Who is asking: the browser by its session cookie (and CSRF token), an app by its X-Session-Token."""

from typing import Any

from allauth.headless.contrib.rest_framework.authentication import XSessionTokenAuthentication
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework import authentication
from rest_framework.exceptions import NotAuthenticated
from rest_framework.request import Request

from .models import User


class SessionAuthentication(authentication.SessionAuthentication):
    """DRF's own, but nobody answers 401 and not 403: a challenge is what DRF tells the two apart by."""

    def authenticate_header(self, request: Request) -> str:
        return "Session"


class TokenAuthentication(XSessionTokenAuthentication):
    """An app's session: a suspended person's is gone."""

    def authenticate(self, request: Request) -> tuple[Any, Any] | None:
        known = super().authenticate(request)
        return known if known and known[0].is_active else None


def person_of(request: Request) -> User:
    """
    Return who is asking, for views that need somebody.

    :raises NotAuthenticated: for nobody
    """
    if not isinstance(request.user, User):
        raise NotAuthenticated
    return request.user


class SessionScheme(OpenApiAuthenticationExtension):
    target_class = SessionAuthentication
    name = "sessionCookie"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {"type": "apiKey", "in": "cookie", "name": "sessionid"}


class TokenScheme(OpenApiAuthenticationExtension):
    target_class = TokenAuthentication
    name = "sessionToken"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {"type": "apiKey", "in": "header", "name": "X-Session-Token"}
