import json
import os
import re
import stat
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from website.settings import environment, secret_key

ROOT = Path(__file__).resolve().parents[3]
VARIABLE = re.compile(r"\b(?:IMPASTO_[A-Z0-9_]+|PORT|[A-Z]+_URL)\b")


def read_settings(var: Path, expression: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Evaluate an expression over the settings of a fresh process with these environment variables alone."""
    code = f"import json; from website import settings as s; print(json.dumps([{expression}]))"
    clean = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT / "platform"), "IMPASTO_VAR": str(var), **variables}
    return subprocess.run([sys.executable, "-c", code], env=clean, cwd=ROOT, capture_output=True, text=True)


def test_the_secret_key_is_made_once_and_is_private(tmp_path):
    path = tmp_path / "var" / "secret_key"

    first = secret_key.load_or_make(path)

    assert len(first) > 60
    assert secret_key.load_or_make(path) == first
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [file.name for file in path.parent.iterdir()] == ["secret_key"]


def test_many_that_start_at_once_use_one_secret_key(tmp_path):
    with ThreadPoolExecutor(16) as pool:
        keys = set(pool.map(secret_key.load_or_make, [tmp_path / "secret_key"] * 64))

    assert len(keys) == 1


def test_the_key_that_signs_networks_is_made_once_and_is_private(tmp_path):
    facts = "s.MODEL_SIGNING_KEY.hex(), s.MODEL_SIGNING_KEY_IS_GIVEN"

    first, second = (json.loads(read_settings(tmp_path, facts).stdout) for _ in range(2))

    assert first == second
    assert (len(first[0]), first[1]) == (64, False)
    assert stat.S_IMODE((tmp_path / "model_key").stat().st_mode) == 0o600


def test_the_key_that_signs_networks_can_be_given(tmp_path):
    facts = "s.MODEL_SIGNING_KEY.hex(), s.MODEL_SIGNING_KEY_IS_GIVEN"

    answer = read_settings(tmp_path, facts, IMPASTO_MODEL_SIGNING_KEY="AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=")

    assert json.loads(answer.stdout) == [bytes(range(32)).hex(), True]
    assert not (tmp_path / "model_key").exists()


def test_a_damaged_key_in_the_data_folder_stops_the_start(tmp_path):
    (tmp_path / "model_key").write_text("half a k")

    answer = read_settings(tmp_path, "1")

    assert answer.returncode != 0
    assert f"{tmp_path}/model_key must hold 32 bytes" in answer.stderr


def test_the_embedded_default_needs_nothing_but_a_folder(tmp_path):
    facts = (
        "s.DATABASES['default']['OPTIONS']['transaction_mode'], s.VALKEY_URL, s.DEBUG, s.Q_CLUSTER['orm'],"
        "s.STORAGES['default']['BACKEND'], s.CROSS_ORIGIN_EMBEDDER_POLICY"
    )

    answer = read_settings(tmp_path, facts)

    assert json.loads(answer.stdout) == [
        "IMMEDIATE",
        f"unix://{tmp_path}/run/valkey.sock",
        False,
        "default",
        "django.core.files.storage.FileSystemStorage",
        "require-corp",
    ]


def test_the_data_folder_is_made_private(tmp_path):
    var = tmp_path / "new" / "var"

    answer = read_settings(var, "1", IMPASTO_SECRET_KEY="given")

    assert answer.returncode == 0, answer.stderr
    assert stat.S_IMODE(var.stat().st_mode) == 0o700


def test_a_socket_path_that_the_kernel_would_refuse_moves_to_the_temporary_folder(tmp_path):
    deep = tmp_path / ("deep" * 30)

    answer = read_settings(deep, "str(s.VALKEY_SOCKET)")

    (path,) = json.loads(answer.stdout)
    assert Path(path).parent.parent == Path(tempfile.gettempdir())
    assert len(path) < 108


def test_production_is_a_matter_of_variables(tmp_path):
    facts = (
        "s.DATABASES['default']['ENGINE'], s.DATABASES['default']['HOST'],"
        "s.CHANNEL_LAYERS['default']['CONFIG']['hosts'],"
        "s.CACHES['default']['LOCATION'], s.VALKEY_IS_EMBEDDED, s.SESSION_COOKIE_SECURE, s.SECURE_HSTS_SECONDS > 0"
    )

    answer = read_settings(
        tmp_path,
        facts,
        DATABASE_URL="postgres://u:p@db.example/impasto",
        VALKEY_URL="redis://store.example/0",
        IMPASTO_HTTPS="1",
    )

    store = "redis://store.example/0"
    assert json.loads(answer.stdout) == [
        "django.db.backends.postgresql",
        "db.example",
        [store],
        store,
        False,
        True,
        True,
    ]


def test_an_object_store_is_a_matter_of_variables_too(tmp_path):
    facts = (
        "s.STORAGES['default']['BACKEND'], s.STORAGES['default']['OPTIONS']['bucket_name'],"
        "s.CONTENT_SECURITY_POLICY['media-src'], s.CROSS_ORIGIN_EMBEDDER_POLICY"
    )

    answer = read_settings(tmp_path, facts, IMPASTO_S3_BUCKET="paintings", IMPASTO_S3_ENDPOINT="https://store.example")

    policy = "'self' blob: https://store.example"
    assert json.loads(answer.stdout) == ["storages.backends.s3.S3Storage", "paintings", policy, "credentialless"]


@pytest.mark.parametrize(
    ("variables", "origins"),
    [
        ({}, []),
        ({"IMPASTO_S3_ENDPOINT": "https://store.example"}, []),
        ({"IMPASTO_S3_BUCKET": "b"}, ["https://b.s3.amazonaws.com"]),
        (
            {"IMPASTO_S3_BUCKET": "b", "IMPASTO_S3_REGION": "eu-north-1"},
            ["https://b.s3.amazonaws.com", "https://b.s3.eu-north-1.amazonaws.com"],
        ),
        ({"IMPASTO_S3_BUCKET": "b", "IMPASTO_S3_ENDPOINT": "https://s.example/"}, ["https://s.example"]),
        (
            {
                "IMPASTO_S3_BUCKET": "b",
                "IMPASTO_S3_ENDPOINT": "http://s:9000",
                "IMPASTO_MEDIA_ORIGINS": "https://cdn.example",
            },
            ["https://cdn.example"],
        ),
    ],
)
def test_pages_may_show_media_from_the_object_store_and_from_nowhere_else(tmp_path, variables, origins):
    policies = ("img-src", "connect-src", "script-src")
    facts = ", ".join(["s.MEDIA_ORIGINS", *(f"s.CONTENT_SECURITY_POLICY['{name}']" for name in policies)])

    answer = read_settings(tmp_path, facts, **variables)

    assert json.loads(answer.stdout) == [
        origins,
        " ".join(["'self' data: blob:", *origins]),
        " ".join(["'self'", *origins]),
        "'self'",
    ]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("IMPASTO_LOG_FORMAT", "xml"),
        ("PORT", "http"),
        ("IMPASTO_SLOW_WORKERS", "0"),
        ("IMPASTO_CHANNEL_LAYER", "nats"),
        ("IMPASTO_MODEL_SIGNING_KEY", "c2hvcnQ="),
    ],
)
def test_a_value_nobody_understands_stops_the_start(tmp_path, name, value):
    answer = read_settings(tmp_path, "1", **{name: value})

    assert answer.returncode != 0
    assert name in answer.stderr


def test_a_number_below_its_least_is_refused(monkeypatch):
    monkeypatch.setenv("IMPASTO_CLIP_SECONDS", "0")

    with pytest.raises(ImproperlyConfigured, match="at least 1"):
        environment.number("IMPASTO_CLIP_SECONDS", default=60)


def test_every_variable_is_explained_and_nothing_else_is():
    quoted = re.findall(r'"(\w+)"', Path(environment.__file__).read_text())
    read = {name for name in quoted if VARIABLE.fullmatch(name)}
    explained = set(VARIABLE.findall((ROOT / "docs" / "operations.md").read_text()))

    assert len(read) > 25
    assert explained == read


def test_no_content_policy_for_strangers_has_an_unsafe_source(settings):
    assert "unsafe" not in str(settings.CONTENT_SECURITY_POLICY)
