import pytest
from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from django.utils import timezone
from rest_framework.test import APIClient

from accounts import services
from accounts.models import Suspension
from accounts.selectors import user_is_moderator
from accounts.sockets import group_of
from foundation.errors import NotAllowed

pytestmark = pytest.mark.django_db
APP = "/_allauth/app/v1"


def suspend(user, by, reason="You posted spam."):
    return services.user_suspend(user=user, by=by, reason=reason, at=timezone.now())


def log_in(username, password, client="app"):
    return APIClient().post(f"/_allauth/{client}/v1/auth/login", {"username": username, "password": password})


def test_a_suspended_person_is_out_of_the_browser_and_of_the_app(user, moderator, client_of, password):
    browser = client_of(user)
    token = log_in("anna", password).json()["meta"]["session_token"]
    app = APIClient(headers={"X-Session-Token": token})
    assert browser.get("/api/v1/me/").status_code == app.get("/api/v1/me/").status_code == 200

    suspend(user, moderator)

    assert browser.get("/api/v1/me/").status_code == 401
    assert app.get("/api/v1/me/").status_code == 401


@pytest.mark.parametrize("client", ["app", "browser"])
def test_a_suspended_person_is_told_why_when_logging_in(user, moderator, password, client):
    suspend(user, moderator)

    answer = log_in("anna", password, client)

    assert answer.status_code == 403
    assert answer["Content-Type"] == "application/problem+json"
    assert answer.json()["code"] == "suspended"
    assert answer.json()["detail"] == "You posted spam."


def test_the_reason_is_not_told_without_the_password(user, moderator):
    suspend(user, moderator)

    answer = log_in("anna", "wrong guess")

    assert answer.status_code == 400
    assert "spam" not in answer.content.decode()


def test_a_reinstated_person_logs_in_anew_and_old_sessions_stay_ended(user, moderator, client_of, password):
    browser = client_of(user)
    suspend(user, moderator)

    services.user_reinstate(user=user, by=moderator, at=timezone.now())

    assert browser.get("/api/v1/me/").status_code == 401
    assert log_in("anna", password).status_code == 200
    assert Suspension.objects.get().lifted_by == moderator


@pytest.mark.django_db(transaction=True)
def test_open_sockets_are_told_to_close(user, moderator):
    layer = get_channel_layer()
    async_to_sync(layer.group_add)(group_of(user.pk), "a-socket")

    suspend(user, moderator)

    assert async_to_sync(layer.receive)("a-socket") == {"type": "person.logged_out"}


def test_a_suspension_needs_a_reason(user, moderator):
    with pytest.raises(services.ReasonMissing):
        suspend(user, moderator, reason="  ")


def test_nobody_is_suspended_twice_at_a_time(user, moderator):
    suspend(user, moderator)

    with pytest.raises(services.AlreadySuspended):
        suspend(user, moderator)


def test_nobody_is_reinstated_who_is_not_suspended(user, moderator):
    with pytest.raises(services.NotSuspended):
        services.user_reinstate(user=user, by=moderator, at=timezone.now())


def test_only_moderators_suspend(user, other_user):
    with pytest.raises(NotAllowed, match="moderators"):
        suspend(user, other_user)


def test_moderators_do_not_suspend_each_other_or_themselves(moderator, make_user):
    colleague, root = make_user("cora"), make_user("root", is_superuser=True)
    services.moderator_appoint(user=colleague)

    for target, by in [(colleague, moderator), (root, moderator), (moderator, moderator)]:
        with pytest.raises(NotAllowed):
            suspend(target, by)
    suspend(colleague, root)


def test_an_appointed_moderator_is_staff_until_dismissed(user):
    services.moderator_appoint(user=user)
    user.refresh_from_db()
    assert user.is_staff
    assert user_is_moderator(user)

    services.moderator_dismiss(user=user)

    user.refresh_from_db()
    assert not user.is_staff
    assert not user_is_moderator(user)


def test_a_superuser_is_a_moderator_and_a_suspended_one_is_not(make_user):
    root = make_user("root", is_superuser=True)
    assert user_is_moderator(root)

    root.is_active = False

    assert not user_is_moderator(root)


def test_logging_out_everywhere_ends_sessions_opened_by_any_door(user, client_of):
    elsewhere = client_of(user)

    services.user_log_out_everywhere(user=user)

    assert elsewhere.get("/api/v1/me/").status_code == 401


def test_a_session_survives_a_rotated_secret_key(user, client_of, settings):
    browser = client_of(user)

    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "a new secret"

    assert browser.get("/api/v1/me/").status_code == 200
