from typing import Any

import pytest
from django.urls import reverse

from foundation import storage
from mlmodels.models import ModelRelease

pytestmark = pytest.mark.django_db
LIST = "admin:mlmodels_modelrelease_changelist"


@pytest.fixture
def root(make_user: Any, client_of: Any) -> Any:
    return client_of(make_user("root", is_superuser=True, is_staff=True))


def act(client: Any, action: str, *releases: ModelRelease) -> str:
    fields = {"action": action, "_selected_action": [str(release.pk) for release in releases]}
    answer = client.post(reverse(LIST), fields, format="multipart", follow=True)
    assert answer.status_code == 200
    return str(answer.content.decode())


def test_the_staff_publishes_and_withdraws(root: Any, make_release: Any) -> None:
    draft = make_release(publish=False)

    assert "published." in act(root, "publish", draft)
    draft.refresh_from_db()
    assert draft.state == "published"
    assert "withdrawn." in act(root, "withdraw", draft)
    draft.refresh_from_db()
    assert draft.state == "withdrawn"


def test_a_file_that_differs_is_named_and_stops_only_its_own_release(root: Any, make_release: Any) -> None:
    spoilt, sound = make_release(publish=False), make_release(publish=False, version="2.0.0")
    file = spoilt.files.all()[0]
    storage.local_path(file.file).write_bytes(b"another file")

    page = act(root, "publish", spoilt, sound)

    assert f"Not what was exported: {file.filename}" in page
    assert set(ModelRelease.objects.values_list("version", "state")) == {("1.0.0", "draft"), ("2.0.0", "published")}


def test_what_is_out_already_says_so(root: Any, make_release: Any) -> None:
    assert "published already" in act(root, "publish", make_release())


def test_for_whom_it_is_can_be_changed_and_nothing_else(root: Any, make_release: Any) -> None:
    release = make_release()
    address = reverse("admin:mlmodels_modelrelease_change", args=[release.pk])
    page = root.get(address).content.decode()
    assert release.files.all()[0].url in page

    fields = {
        "platforms": ["ios"], "minimum_client": "1.2.0", "version": "9.9.9", "state": "withdrawn",
        "files-TOTAL_FORMS": 0, "files-INITIAL_FORMS": 0,
    }  # fmt: skip
    assert root.post(address, fields, format="multipart").status_code == 302

    release.refresh_from_db()
    assert (release.platforms, release.minimum_client) == (["ios"], "1.2.0")
    assert (release.version, release.state) == ("1.0.0", "published")


@pytest.mark.parametrize("fields", [{"platforms": ["fridge"]}, {"minimum_client": "new"}, {"platforms": []}])
def test_nonsense_is_shown_beside_its_field(root: Any, make_release: Any, fields: dict[str, Any]) -> None:
    release = make_release()
    whole = {
        "platforms": ["ios"], "minimum_client": "1.2.0", "files-TOTAL_FORMS": 0, "files-INITIAL_FORMS": 0, **fields,
    }  # fmt: skip

    answer = root.post(reverse("admin:mlmodels_modelrelease_change", args=[release.pk]), whole, format="multipart")

    assert answer.status_code == 200
    assert "errors" in answer.content.decode()
    release.refresh_from_db()
    assert release.minimum_client == "0.1.0"


def test_releases_come_from_exports_alone(root: Any, make_release: Any) -> None:
    release = make_release()

    assert root.get(reverse("admin:mlmodels_modelrelease_add")).status_code == 403
    assert (
        root.post(reverse("admin:mlmodels_modelrelease_delete", args=[release.pk]), {"post": "yes"}).status_code == 403
    )


def test_a_moderator_has_nothing_to_do_with_it(moderator: Any, client_of: Any, make_release: Any) -> None:
    client = client_of(moderator)
    draft = make_release(publish=False)

    assert client.get(reverse(LIST)).status_code == 403
    assert client.post(reverse(LIST), {"action": "publish", "_selected_action": [str(draft.pk)]}).status_code == 403
    draft.refresh_from_db()
    assert draft.state == "draft"
