from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.internal.stagekit import clear_login
from django.contrib.auth.models import AbstractBaseUser
from django.http import HttpRequest, HttpResponse

from foundation.errors import NotAllowed

from . import selectors
from .models import User


class Suspended(NotAllowed):
    """The password is right, but this person is shut out; `detail` says why."""

    code = "suspended"
    title = "This account is suspended"


class AccountAdapter(DefaultAccountAdapter):
    """Where allauth asks us."""

    def pre_login(self, request: HttpRequest, user: AbstractBaseUser, **kwargs: Any) -> HttpResponse | None:
        if isinstance(user, User) and not user.is_active:
            clear_login(request)
            raise Suspended(selectors.suspension_reason(user))
        return super().pre_login(request, user, **kwargs)
