import pytest

from mlmodels.checks import check_signing_key

POSTGRES = {"default": {"ENGINE": "django.db.backends.postgresql"}}


def test_the_embedded_site_may_make_its_own_key(settings):
    assert check_signing_key() == []


@pytest.mark.parametrize(("is_given", "ids"), [(False, ["mlmodels.W001"]), (True, [])])
def test_machines_that_share_a_database_are_told_to_share_the_key(monkeypatch, settings, is_given, ids):
    monkeypatch.setattr(settings._wrapped, "DATABASES", POSTGRES)
    settings.MODEL_SIGNING_KEY_IS_GIVEN = is_given

    found = check_signing_key()

    assert [message.id for message in found] == ids
    assert all("IMPASTO_MODEL_SIGNING_KEY" in message.hint for message in found)


@pytest.mark.parametrize("key", [b"short", "text", None])
def test_what_is_no_key_stops_the_start(settings, key):
    settings.MODEL_SIGNING_KEY = key

    assert [message.id for message in check_signing_key()] == ["mlmodels.E001"]
