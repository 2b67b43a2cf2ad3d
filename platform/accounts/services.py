"""What can happen to a person's account."""

from datetime import datetime

from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from django.contrib.auth.models import Group
from django.db import transaction
from django.db.models import F

from foundation.errors import ApplicationError, Conflict, NotAllowed

from .models import Suspension, User
from .selectors import MODERATORS, user_is_moderator
from .sockets import group_of
from .usernames import HOUSE


class ReasonMissing(ApplicationError):
    """Whoever is shut out must be told why."""

    code = "reason_missing"
    title = "A reason is needed"


class AlreadySuspended(Conflict):
    code = "already_suspended"
    title = "This person is already suspended"


class NotSuspended(Conflict):
    code = "not_suspended"
    title = "This person is not suspended"


def user_house() -> User:
    """
    Return the account of the house; nobody can log in with it.

    Somebody may have taken its name before names were reserved; then it goes by its second.

    :raises Conflict: when people have both
    """
    for name in HOUSE:
        found = User.objects.filter(username__iexact=name).first()
        if found is None:
            house = User(username=name, display_name="Impasto")
            house.set_unusable_password()
            house.save()
            return house
        if not found.has_usable_password():
            return found
    raise Conflict(f"The names {' and '.join(HOUSE)} belong to people. Rename one of them on the staff site.")


def user_describe(*, user: User, display_name: str | None = None, bio: str | None = None) -> User:
    """Change what a person says about themselves; None leaves it as it was."""
    if display_name is not None:
        user.display_name = " ".join(display_name.split())
    if bio is not None:
        user.bio = bio.strip()
    user.full_clean(exclude=["password"])
    user.save(update_fields=["display_name", "bio"])
    return user


@transaction.atomic
def user_suspend(*, user: User, by: User, reason: str, at: datetime) -> Suspension:
    """
    Shut somebody out, everywhere and at once: sessions and app tokens end, open sockets close.

    :raises NotAllowed: for oneself, and for a fellow moderator unless `by` is a superuser
    :raises ReasonMissing: without words for the person
    :raises AlreadySuspended: while an earlier suspension stands
    """
    _check_may_judge(user=user, by=by)
    if not reason.strip():
        raise ReasonMissing("Say why, in words the person will read.")
    user = User.objects.select_for_update().get(pk=user.pk)
    if user.suspensions.filter(lifted_at=None).exists():
        raise AlreadySuspended
    suspension = Suspension.objects.create(user=user, by=by, reason=reason.strip(), at=at)
    User.objects.filter(pk=user.pk).update(is_active=False)
    user_log_out_everywhere(user=user)
    return suspension


@transaction.atomic
def user_reinstate(*, user: User, by: User, at: datetime) -> Suspension:
    """
    Let a suspended person in again; they have to log in anew.

    :raises NotSuspended: when no suspension stands
    """
    _check_may_judge(user=user, by=by)
    suspension = user.suspensions.select_for_update().filter(lifted_at=None).first()
    if suspension is None:
        raise NotSuspended
    suspension.lifted_at, suspension.lifted_by = at, by
    suspension.save(update_fields=["lifted_at", "lifted_by"])
    User.objects.filter(pk=user.pk).update(is_active=True)
    return suspension


@transaction.atomic
def user_log_out_everywhere(*, user: User) -> None:
    """End every session and app token, and tell open sockets to close."""
    User.objects.filter(pk=user.pk).update(session_generation=F("session_generation") + 1)
    # Robust: whoever is out of reach by socket is still out by every request.
    transaction.on_commit(lambda: _close_sockets(user.pk), robust=True)


@transaction.atomic
def moderator_appoint(*, user: User) -> None:
    """Let a person into the staff site with a moderator's permissions."""
    user.groups.add(Group.objects.get(name=MODERATORS))
    User.objects.filter(pk=user.pk).update(is_staff=True)


@transaction.atomic
def moderator_dismiss(*, user: User) -> None:
    user.groups.remove(Group.objects.get(name=MODERATORS))
    User.objects.filter(pk=user.pk, is_superuser=False).update(is_staff=False)


def _check_may_judge(*, user: User, by: User) -> None:
    if user.pk == by.pk:
        raise NotAllowed("Nobody can suspend or reinstate themselves.")
    if not user_is_moderator(by):
        raise NotAllowed("Only moderators can do this.")
    is_protected = user.is_superuser or user.groups.filter(name=MODERATORS).exists()
    if is_protected and not by.is_superuser:
        raise NotAllowed("Only a superuser can judge a moderator.")


def _close_sockets(user_pk: int) -> None:
    layer = get_channel_layer()
    if layer is not None:
        async_to_sync(layer.group_send)(group_of(user_pk), {"type": "person.logged_out"})
