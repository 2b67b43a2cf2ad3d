import pytest

from accounts import profiles

pytestmark = pytest.mark.django_db


def test_me_is_the_contract(api_client, user, settings):
    settings.UPLOAD_BYTES_MAX, settings.CLIP_SECONDS_MAX = 1000, 60

    me = api_client.get("/api/v1/me/").json()

    assert me == {
        "id": str(user.public_id),
        "username": "anna",
        "display_name": "",
        "bio": "",
        "is_staff": False,
        "is_moderator": False,
        "limits": {"upload_bytes": 1000, "clip_seconds": 60},
    }


def test_nobody_is_told_to_log_in(anonymous_client):
    answer = anonymous_client.get("/api/v1/me/")

    assert answer.status_code == 401
    assert answer["Content-Type"] == "application/problem+json"
    assert answer.json()["code"] == "not_authenticated"


def test_a_person_describes_themselves(api_client, user):
    answer = api_client.patch("/api/v1/me/", {"display_name": "  Anna   Maria ", "bio": " paints "})

    assert answer.status_code == 200
    user.refresh_from_db()
    assert (user.display_name, user.bio) == ("Anna Maria", "paints")


def test_what_is_not_mentioned_stays(api_client, user):
    api_client.patch("/api/v1/me/", {"bio": "paints"})
    api_client.patch("/api/v1/me/", {"display_name": "Anna"})

    user.refresh_from_db()
    assert (user.display_name, user.bio) == ("Anna", "paints")


@pytest.mark.parametrize("grab", [{"is_staff": True}, {"username": "root"}, {"is_moderator": True}, {"id": "x"}])
def test_nobody_promotes_themselves(api_client, user, grab):
    before = api_client.get("/api/v1/me/").json()

    api_client.patch("/api/v1/me/", grab)

    assert api_client.get("/api/v1/me/").json() == before


@pytest.mark.parametrize(("field", "length"), [("display_name", 61), ("bio", 281)])
def test_a_text_that_is_too_long_is_refused(api_client, field, length):
    answer = api_client.patch("/api/v1/me/", {field: "x" * length})

    assert answer.status_code == 400
    assert field in answer.json()["errors"]


def test_a_public_page_shows_no_mail_and_is_found_in_any_letter_case(anonymous_client, user):
    page = anonymous_client.get("/api/v1/users/ANNA/").json()

    assert set(page) == {"id", "username", "display_name", "bio", "post_count", "joined_at"}
    assert (page["username"], page["display_name"]) == ("anna", "anna")


def test_a_public_page_counts_what_another_room_counts(anonymous_client, user, monkeypatch):
    monkeypatch.setitem(profiles._counters, "posts", lambda person: 7 if person == user else 0)

    assert anonymous_client.get("/api/v1/users/anna/").json()["post_count"] == 7


def test_nobody_has_no_page(anonymous_client, db):
    answer = anonymous_client.get("/api/v1/users/ghost/")

    assert answer.status_code == 404
    assert answer.json()["code"] == "not_found"


def test_a_suspended_person_has_no_page(anonymous_client, user):
    user.is_active = False
    user.save()

    assert anonymous_client.get("/api/v1/users/anna/").status_code == 404
