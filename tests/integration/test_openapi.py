"""The OpenAPI document is whole and true: it names what docs/api.md promises, and nothing it describes falls over."""

import json
import re
from pathlib import Path

import pytest
import schemathesis
from django.core.management import call_command
from django.utils import timezone
from drf_spectacular.generators import SchemaGenerator
from hypothesis import HealthCheck, Phase, given, settings
from rest_framework.throttling import BaseThrottle
from schemathesis.core.result import Ok

CONTRACT = Path(__file__).resolve().parents[2] / "docs" / "api.md"
# `GET / PATCH {title} / DELETE /clips/{id}/` and `PUT / DELETE /posts/{id}/like/`
CALL = re.compile(r"`((?:GET|POST|PUT|PATCH|DELETE|HEAD|OPTIONS)[^`]*?)\s(/[a-z][^\s`?]*)[^`]*`")
VERB = re.compile(r"\b(GET|POST|PUT|PATCH|DELETE)\b")
# tus is spoken by header, which OpenAPI has no words for: uploads may describe less of themselves.
BY_HEADER = "/uploads/"
EXAMPLES = 12

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def document():
    return SchemaGenerator().get_schema(request=None, public=True)


def without_names(path):
    return re.sub(r"\{[^}]*\}", "{}", path)


def promised():
    """Every call in the tables of the contract, without the names of its parameters."""
    for row in CONTRACT.read_text().splitlines():
        if row.startswith("| `"):
            for verbs, path in CALL.findall(row.split("|")[1]):
                yield from ((verb.lower(), without_names(path)) for verb in VERB.findall(verbs))


def test_the_document_is_valid_and_has_no_warnings(tmp_path):
    call_command("spectacular", validate=True, fail_on_warn=True, file=str(tmp_path / "schema.yml"))


def test_every_call_of_the_contract_is_described(document):
    described = {
        (method, without_names(path.removeprefix("/api/v1")))
        for path, operations in document["paths"].items()
        for method in operations
    }
    calls = {call for call in promised() if not call[1].startswith(BY_HEADER)}

    assert len(calls) > 20
    assert calls - described == set()


def test_every_operation_says_what_its_answer_looks_like(document):
    silent = [
        f"{method} {path}"
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
        for status, answer in operation["responses"].items()
        if status.startswith("2") and status != "204" and not answer.get("content")
    ]

    assert [call for call in silent if BY_HEADER not in call] == []


@pytest.mark.parametrize("name", ["Clip", "PostClip"])
def test_whoever_shows_a_clip_is_told_that_it_may_have_no_captions(document, name):
    schema = document["components"]["schemas"][name]

    assert schema["properties"]["captions_url"]["type"] == ["string", "null"]
    assert "captions_url" in schema["required"]


@pytest.fixture
def known(user, other_user, db):
    """Ids of things that are there, so that not every guess ends at a 404."""
    from clips.models import Clip
    from community import services
    from editor import services as editor
    from editor.models import Sound

    sprite = {"columns": 1, "rows": 1, "frame_width": 8, "frame_height": 8, "count": 1}
    facts = {"width": 8, "height": 8, "duration_seconds": 1.0, "frame_rate": 1.0, "frame_count": 1, "has_audio": False}
    now = timezone.now()
    clip = Clip.objects.create(owner=user, title="A", sha256="0" * 64, bytes=1, sprite=sprite, created_at=now, **facts)
    post = services.post_publish(author=user, clip=clip, caption="#sea", show_original=True, at=now)
    services.comment_add(post=post, author=other_user, text="Oh", at=now)
    project = editor.project_create_from_clip(owner=user, clip=clip, title="", at=now)
    sound = Sound.objects.create(kind="library", title="Rain", duration_seconds=1, bytes=1, created_at=now)
    ids = {"post_id": post.pk, "clip_id": clip.pk, "project_id": project.pk, "sound_id": sound.pk}
    return {"username": "anna", **{name: str(pk) for name, pk in ids.items()}}


@pytest.mark.parametrize("who", ["nobody", "somebody"])
def test_no_question_however_odd_breaks_the_server(document, known, who, anonymous_client, api_client):
    client = anonymous_client if who == "nobody" else api_client
    tried = set()
    for found in schemathesis.openapi.from_dict(document).include(method="GET").get_all_operations():
        assert isinstance(found, Ok), found
        operation = found.ok()

        # The same questions each time: a test that fails now and then helps nobody.
        @settings(
            max_examples=EXAMPLES,
            deadline=None,
            derandomize=True,
            database=None,
            phases=[Phase.explicit, Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy())
        def ask(case):
            for parameters in (case.path_parameters or {}, {**(case.path_parameters or {}), **known}):
                address = case.path
                for name, value in parameters.items():
                    address = address.replace(f"{{{name}}}", str(value))
                answer = client.get(address, case.query or {}, headers={"accept": "*/*"})
                answer.close()
                assert answer.status_code < 500, (address, case.query)
                tried.add(case.path)

        ask()
    assert {"/api/v1/posts/", "/api/v1/posts/{post_id}/comments/", "/api/v1/users/{username}/"} <= tried


@pytest.mark.parametrize("who", ["nobody", "somebody"])
def test_no_wish_however_odd_breaks_the_server(document, known, who, anonymous_client, api_client, monkeypatch):
    monkeypatch.setattr(BaseThrottle, "wait", lambda throttle: None)
    client = anonymous_client if who == "nobody" else api_client
    tried = set()
    for found in (
        schemathesis.openapi.from_dict(document)
        .exclude(method="GET")
        .exclude(path_regex=BY_HEADER)
        .get_all_operations()
    ):
        assert isinstance(found, Ok), found
        operation = found.ok()

        @settings(
            max_examples=EXAMPLES,
            deadline=None,
            derandomize=True,
            database=None,
            phases=[Phase.explicit, Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy())
        def ask(case):
            for parameters in (case.path_parameters or {}, {**(case.path_parameters or {}), **known}):
                address = case.path
                for name, value in parameters.items():
                    address = address.replace(f"{{{name}}}", str(value))
                body = json.dumps(case.body, default=str) if isinstance(case.body, dict | list) else ""
                answer = client.generic(case.method, address, body, "application/json")
                assert answer.status_code < 500, (case.method, address, body)
                if answer.status_code >= 400:
                    assert answer["Content-Type"] == "application/problem+json", (case.method, address, body)
                if who == "nobody":
                    assert answer.status_code >= 400, (case.method, address)
                tried.add((case.method, case.path))

        ask()
    assert {("POST", "/api/v1/posts/"), ("PUT", "/api/v1/posts/{post_id}/like/"), ("PATCH", "/api/v1/me/")} <= tried
