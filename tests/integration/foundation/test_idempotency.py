import uuid

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import path
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.models import User
from foundation.errors import Conflict
from foundation.idempotency import KEPT_FOR, idempotent
from foundation.models import IdempotentAnswer

pytestmark = [pytest.mark.django_db, pytest.mark.urls(__name__)]


class StartView(APIView):
    """Starts "work": a row, and an answer with a value that no other run gives."""

    @idempotent
    def post(self, request, **kwargs):
        User.objects.create(username=f"work-{uuid.uuid4()}")
        if request.data.get("fail") == "raise":
            raise Conflict("Not now.")
        if request.data.get("fail") == "return":
            return Response({"detail": "no"}, status=400)
        return Response({"id": uuid.uuid4()}, status=202)


urlpatterns = [path("start/", StartView.as_view()), path("other/", StartView.as_view())]


def works():
    return User.objects.filter(username__startswith="work-").count()


def post(client, body, key="key-1", url="/start/", **options):
    headers = {} if key is None else {"Idempotency-Key": key}
    return client.post(url, body, headers=headers, **options)


def test_the_same_request_sent_twice_starts_work_once(api_client):
    first = post(api_client, {"a": 1, "b": [2]})
    second = post(api_client, {"b": [2], "a": 1})

    assert first.status_code == second.status_code == 202
    assert str(first.data["id"]) == second.data["id"]
    assert second["Idempotent-Replayed"] == "true"
    assert works() == 1


def test_without_a_key_every_request_is_new(api_client):
    post(api_client, {}, key=None)
    post(api_client, {}, key=None)

    assert works() == 2


@pytest.mark.parametrize(("body", "url"), [({"a": 2}, "/start/"), ({"a": 1}, "/other/")])
def test_a_key_cannot_be_used_for_another_request(api_client, body, url):
    post(api_client, {"a": 1})

    answer = post(api_client, body, url=url)

    assert answer.status_code == 409
    assert answer.data["code"] == "idempotency_key_reused"
    assert works() == 1


@pytest.mark.parametrize("fail", ["raise", "return"])
def test_a_refused_request_leaves_nothing_and_may_be_tried_again(api_client, fail):
    refused = post(api_client, {"fail": fail})

    assert refused.status_code in (400, 409)
    assert works() == 0
    assert not IdempotentAnswer.objects.exists()
    assert post(api_client, {}).status_code == 202


@pytest.mark.parametrize("key", ["", "k" * 201, "with\ttab", "ümlaut"])
def test_an_unusable_key_is_refused(api_client, key):
    answer = post(api_client, {}, key=key)

    assert answer.status_code == 400
    assert answer.data["code"] == "idempotency_key_invalid"
    assert works() == 0


def test_two_people_may_use_the_same_key(api_client, client_of, other_user):
    post(api_client, {})
    post(client_of(other_user), {})

    assert works() == 2


def test_nobody_cannot_use_a_key(anonymous_client):
    assert post(anonymous_client, {}).status_code == 401


def form(content):
    return {"image": SimpleUploadedFile("p.png", content), "name": "mine"}


def test_a_form_sent_again_with_another_boundary_is_the_same_request(api_client):
    post(api_client, form(b"picture"), format="multipart")
    again = post(api_client, form(b"picture"), format="multipart")

    assert again["Idempotent-Replayed"] == "true"
    assert works() == 1


def test_a_form_with_another_picture_is_another_request(api_client):
    post(api_client, form(b"picture"), format="multipart")

    assert post(api_client, form(b"another"), format="multipart").status_code == 409


def test_answers_are_forgotten_after_a_day(api_client):
    post(api_client, {})
    answer = IdempotentAnswer.objects.get()
    answer.created_at -= KEPT_FOR
    answer.save()

    post(api_client, {})

    assert works() == 2
    assert IdempotentAnswer.objects.count() == 1
