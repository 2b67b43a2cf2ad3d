from django.contrib.auth.models import AnonymousUser

from foundation.errors import NotFound

from .models import User

MODERATORS = "Moderators"


def user_is_moderator(user: User | AnonymousUser) -> bool:
    """Whether this person may see and judge what others reported: a superuser, or somebody of the moderators' group."""
    if not user.is_active or not user.is_authenticated:
        return False
    return user.is_superuser or user.groups.filter(name=MODERATORS).exists()


def user_by_username(username: str) -> User:
    """
    :raises NotFound: for nobody, and for somebody who is suspended
    """
    user = User.objects.filter(username__iexact=username, is_active=True).first()
    if user is None:
        raise NotFound(f"There is nobody called {username}.")
    return user


def suspension_reason(user: User) -> str:
    """Return what a moderator told the person; an account can also be switched off without one."""
    suspension = user.suspensions.filter(lifted_at=None).first()
    return suspension.reason if suspension else "It was switched off by the staff of this site."
