import pytest
from django.contrib import admin
from django.contrib.auth.models import Group
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from accounts.selectors import MODERATORS
from website.roles import MODERATOR_PERMISSIONS, ensure_moderators

pytestmark = pytest.mark.django_db


def permissions_of(group):
    return {f"{app}.{name}" for app, name in group.permissions.values_list("content_type__app_label", "codename")}


def test_migrating_makes_the_moderators_with_every_permission_named():
    assert permissions_of(Group.objects.get(name=MODERATORS)) == MODERATOR_PERMISSIONS


def test_migrating_again_keeps_what_the_staff_added(make_user):
    group = Group.objects.get(name=MODERATORS)
    extra = group.permissions.model.objects.exclude(pk__in=group.permissions.all())[0]
    group.permissions.add(extra)

    ensure_moderators()

    assert extra in group.permissions.all()


@pytest.mark.parametrize("model", list(admin.site._registry), ids=str)
def test_every_staff_list_opens_for_an_admin(make_user, client_of, model):
    root = make_user("root", is_staff=True, is_superuser=True)
    name = f"{model._meta.app_label}_{model._meta.model_name}"

    answer = client_of(root).get(reverse(f"admin:{name}_changelist"))

    assert answer.status_code == 200


def test_a_moderator_sees_people_but_cannot_change_them(moderator, user, client_of):
    client = client_of(moderator)

    assert client.get(reverse("admin:accounts_user_changelist")).status_code == 200
    assert client.get(reverse("admin:accounts_user_change", args=[user.pk])).status_code == 200
    assert client.post(reverse("admin:accounts_user_change", args=[user.pk]), {}).status_code == 403
    assert client.get(reverse("admin:accounts_user_add")).status_code == 403


def test_a_person_does_not_get_into_the_staff_site(api_client):
    answer = api_client.get("/admin/")

    assert answer.status_code == 302
    assert answer["Location"].startswith("/admin/login/")


def test_the_staff_site_states_a_policy_of_its_own():
    policy = Client().get("/admin/login/")["Content-Security-Policy"]

    assert "default-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "script-src 'self' 'unsafe-eval';" in policy


def test_the_api_document_has_no_warnings(tmp_path):
    call_command("spectacular", validate=True, fail_on_warn=True, file=str(tmp_path / "schema.yml"))

    text = (tmp_path / "schema.yml").read_text()
    assert "/api/v1/me/:" in text
    assert "application/problem+json" in text


def test_the_document_and_its_page_are_served_without_inline_scripts(anonymous_client):
    assert anonymous_client.get("/api/v1/schema/").status_code == 200
    page = anonymous_client.get("/api/v1/docs/").content.decode()

    assert "<script>" not in page
    assert "<style>" not in page
