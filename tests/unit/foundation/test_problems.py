from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.core.exceptions import ValidationError as ModelValidationError
from django.db import OperationalError, connection, transaction
from django.http import Http404
from rest_framework import exceptions

from foundation.errors import Conflict
from foundation.problems import exception_handler


def handle(error):
    return exception_handler(error, {})


def test_an_application_error_says_what_went_wrong():
    answer = handle(Conflict("It is running."))

    assert answer.status_code == 409
    assert answer.content_type == "application/problem+json"
    assert answer.data == {
        "type": "about:blank",
        "title": "Not in this state",
        "status": 409,
        "detail": "It is running.",
        "code": "conflict",
    }


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (Http404(), 404, "not_found"),
        (PermissionDenied(), 403, "permission_denied"),
        (exceptions.NotAuthenticated(), 401, "not_authenticated"),
        (exceptions.ParseError(), 400, "parse_error"),
        (exceptions.UnsupportedMediaType("text/x"), 415, "unsupported_media_type"),
    ],
)
def test_every_known_refusal_has_a_status_and_a_code(error, status, code):
    answer = handle(error)

    assert (answer.status_code, answer.data["status"], answer.data["code"]) == (status, status, code)


def test_nested_validation_names_the_place_of_each_error():
    detail: Any = {"styles": [{}, {"weight": ["Too heavy."]}], "height": ["Not a choice."]}

    answer = handle(exceptions.ValidationError(detail))

    assert answer.data["errors"] == {"styles.1.weight": ["Too heavy."], "height": ["Not a choice."]}
    assert answer.data["detail"] == "Too heavy. Not a choice."


def test_a_models_own_validation_reads_like_a_serializers():
    answer = handle(ModelValidationError({"bio": ["Too long."], "__all__": ["Not both."]}))

    assert answer.data["errors"] == {"bio": ["Too long."], "non_field_errors": ["Not both."]}


def test_a_throttled_caller_hears_when_to_come_back():
    answer = handle(exceptions.Throttled(wait=12))

    assert answer.status_code == 429
    assert answer["Retry-After"] == "12"


def test_what_nobody_expected_reaches_the_log():
    assert handle(ZeroDivisionError()) is None


def test_a_full_disk_is_an_answer_and_stands_in_the_log(caplog):
    with pytest.raises(OSError, match="No space left") as full, Path("/dev/full").open("wb", buffering=0) as file:
        file.write(b"a frame")

    answer = handle(full.value)

    assert (answer.status_code, answer.data["code"]) == (507, "disk_full")
    assert "the disk is full" in caplog.text


@pytest.fixture
def full_database(db):
    """SQLite's own bound stands in for the disk's."""
    with connection.cursor() as cursor:
        (pages,) = cursor.execute("PRAGMA page_count").fetchone()
        (bound,) = cursor.execute("PRAGMA max_page_count").fetchone()
        cursor.execute(f"PRAGMA max_page_count = {pages}")
        yield cursor
        cursor.execute(f"PRAGMA max_page_count = {bound}")


def test_a_database_without_room_is_the_same_answer(full_database):
    with pytest.raises(OperationalError) as full, transaction.atomic():
        full_database.execute("CREATE TABLE heap AS SELECT zeroblob(10000000)")

    assert handle(full.value).data["code"] == "disk_full"


@pytest.mark.parametrize("error", [PermissionError(13, "Permission denied"), OperationalError("database is locked")])
def test_another_trouble_of_disk_or_database_is_not_taken_for_a_full_one(error):
    assert handle(error) is None
