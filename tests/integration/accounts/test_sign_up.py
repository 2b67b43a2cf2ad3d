import pytest
from rest_framework.test import APIClient

from accounts.models import User
from accounts.services import user_house

pytestmark = pytest.mark.django_db
BROWSER = "/_allauth/browser/v1"
APP = "/_allauth/app/v1"


def details(**changes):
    return {"username": "Clara", "email": "clara@example.org", "password": "a long pass phrase 7", **changes}


@pytest.fixture
def browser():
    """A client that checks CSRF, as a browser's requests are."""
    client = APIClient(enforce_csrf_checks=True)
    client.get("/", headers={"accept": "text/html"})
    token = client.cookies["csrftoken"].value
    client.credentials(HTTP_X_CSRFTOKEN=token)
    return client


def renew_csrf(client):
    client.credentials(HTTP_X_CSRFTOKEN=client.cookies["csrftoken"].value)


def test_a_browser_signs_up_and_is_logged_in_at_once(browser):
    answer = browser.post(f"{BROWSER}/auth/signup", details())

    assert answer.status_code == 200
    me = browser.get("/api/v1/me/").json()
    assert me["username"] == "Clara"
    assert User.objects.get().email == "clara@example.org"


def test_a_browser_without_its_csrf_token_is_refused_with_a_problem():
    client = APIClient(enforce_csrf_checks=True)

    answer = client.post(f"{BROWSER}/auth/signup", details())

    assert answer.status_code == 403
    assert answer["Content-Type"] == "application/problem+json"
    assert answer.json()["code"] == "csrf_failed"
    assert not User.objects.exists()


def test_a_logged_in_browser_needs_its_csrf_token_for_changes(browser):
    browser.post(f"{BROWSER}/auth/signup", details())
    browser.credentials()

    answer = browser.patch("/api/v1/me/", {"bio": "x"})

    assert answer.status_code == 403
    assert "CSRF" in answer.json()["detail"]


def test_an_app_signs_up_and_uses_its_session_token(anonymous_client):
    answer = anonymous_client.post(f"{APP}/auth/signup", details())

    assert answer.status_code == 200
    token = answer.json()["meta"]["session_token"]
    app = APIClient()
    assert app.get("/api/v1/me/").status_code == 401
    assert app.get("/api/v1/me/", headers={"X-Session-Token": token}).json()["username"] == "Clara"


def test_a_made_up_session_token_is_nobodys(anonymous_client):
    assert anonymous_client.get("/api/v1/me/", headers={"X-Session-Token": "made-up"}).status_code == 401


@pytest.mark.parametrize("login", [{"username": "anna"}, {"email": "anna@example.org"}])
def test_a_person_logs_in_by_name_or_mail_and_out_again(browser, user, password, login):
    assert browser.post(f"{BROWSER}/auth/login", {**login, "password": password}).status_code == 200
    assert browser.get("/api/v1/me/").json()["username"] == "anna"
    renew_csrf(browser)

    browser.delete(f"{BROWSER}/auth/session")

    assert browser.get("/api/v1/me/").status_code == 401


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"username": "ab"}, "username"),
        ({"username": "a/../b"}, "username"),
        ({"username": "with space"}, "username"),
        ({"username": ".dotted"}, "username"),
        ({"username": "x" * 31}, "username"),
        ({"username": "Impasto"}, "username"),
        ({"email": "no mail"}, "email"),
        ({"email": ""}, "email"),
        ({"password": "short"}, "password"),
        ({"password": "password123"}, "password"),
    ],
)
def test_sign_up_says_which_field_cannot_be_used(browser, change, field):
    answer = browser.post(f"{BROWSER}/auth/signup", details(**change))

    assert answer.status_code == 400
    assert field in {error["param"] for error in answer.json()["errors"]}
    assert not User.objects.exists()


def test_a_name_in_other_letter_case_is_taken(browser, user):
    answer = browser.post(f"{BROWSER}/auth/signup", details(username="ANNA"))

    assert answer.status_code == 400
    assert answer.json()["errors"][0]["param"] == "username"


def test_guessing_a_password_is_slowed_down(browser, user, password):
    for _ in range(5):
        browser.post(f"{BROWSER}/auth/login", {"username": "anna", "password": "wrong guess"})

    answer = browser.post(f"{BROWSER}/auth/login", {"username": "anna", "password": password})

    assert answer.status_code == 400
    assert answer.json()["errors"][0]["code"] == "too_many_login_attempts"


def test_signing_up_in_bulk_is_slowed_down(anonymous_client):
    statuses = {
        anonymous_client.post(f"{APP}/auth/signup", details(username="ab"), format="json").status_code
        for _ in range(21)
    }

    assert 429 in statuses


def test_the_house_goes_by_its_second_name_where_somebody_has_the_first(make_user):
    person = make_user("Impasto")

    house = user_house()

    assert (house.username, house.has_usable_password()) == ("impasto-house", False)
    assert user_house() == house != person
