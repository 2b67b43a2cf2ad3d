import base64
import re
from pathlib import Path
from typing import Any

import pytest
from django.test import AsyncClient, Client

from mlmodels import signing

CLIENT_ROUTES = [
    "/",
    "/create",
    "/job/1c6c",
    "/clips",
    "/clip/1c6c",
    "/p/1c6c",
    "/s/hokusai-great-wave",
    "/u/anna",
    "/t/water",
    "/login",
    "/signup",
    "/settings",
    "/search",
    "/administer",
]
INDEX = '<!doctype html><script type="module" src="/static/client/assets/index-AbCdEf12.js"></script>'


@pytest.fixture
def built_client(settings, tmp_path):
    settings.CLIENT_DIST = tmp_path
    (tmp_path / "index.html").write_text(INDEX)


@pytest.mark.parametrize("route", CLIENT_ROUTES)
def test_every_client_route_answers_with_the_client(built_client, route):
    answer = Client().get(route)

    assert answer.status_code == 200
    assert answer.content.decode() == INDEX
    assert answer["Content-Type"] == "text/html; charset=utf-8"
    assert answer.cookies["csrftoken"]["samesite"] == "Lax"


@pytest.mark.parametrize(
    "address", ["/api/v1/nothing/", "/api", "/static/none.js", "/media/none", "/ws/none", "/admin"]
)
def test_the_servers_own_addresses_are_never_the_client(built_client, address):
    answer = Client().get(address)

    assert answer.status_code in (301, 302, 404)
    assert INDEX.encode() not in answer.content


def test_an_address_of_the_api_that_is_not_there_is_a_problem():
    answer = Client().get("/api/v1/nothing/")

    assert answer.status_code == 404
    assert answer["Content-Type"] == "application/problem+json"
    assert answer.json()["code"] == "not_found"


def test_a_client_that_is_not_built_says_how_to_build_it(settings, tmp_path):
    settings.CLIENT_DIST = tmp_path / "missing"

    answer = Client().get("/")

    assert answer.status_code == 503
    assert "make setup" in answer.content.decode()


def test_the_page_comes_with_the_key_that_signs_the_networks(settings, built_client):
    settings.MODEL_SIGNING_KEY = bytes(range(32))
    source = Path(__file__).resolve().parents[3] / "platform/webclient/index.html"
    (settings.CLIENT_DIST / "index.html").write_text(source.read_text())

    page = Client().get("/record").content.decode()

    (key,) = re.findall(r'name="impasto-model-key" content="([^"]*)"', page)
    assert base64.b64decode(key) == signing.public_key(settings.MODEL_SIGNING_KEY)


def test_a_page_can_be_read_only(built_client):
    assert Client().post("/").status_code == 405


def test_a_program_that_wants_no_page_gets_none(built_client):
    answer = Client().get("/data", headers={"accept": "application/json"})

    assert answer.status_code == 404
    assert answer.json()["code"] == "not_found"


def test_an_unknown_host_is_refused_with_a_problem(settings):
    answer = Client(headers={"host": "evil.example"}).get("/api/v1/me/")

    assert answer.status_code == 400
    assert answer["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize("address", ["/", "/api/v1/users/nobody/", "/nothing/at/all", "/healthz"])
@pytest.mark.django_db
def test_every_answer_carries_the_security_headers(built_client, address):
    answer = Client().get(address)

    policy = answer["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "script-src 'self';" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Referrer-Policy"] == "same-origin"
    assert answer["Cross-Origin-Opener-Policy"] == "same-origin"
    assert answer["Cross-Origin-Embedder-Policy"] == "require-corp"
    assert answer["X-Frame-Options"] == "DENY"


@pytest.mark.parametrize("name", ["painter-B_x-1.js", "ort-wasm-simd-threaded-B1.mjs", "ort-wasm-simd.asyncify-B1.mjs"])
def test_the_painters_scripts_may_compile_webassembly(name):
    policy = Client().get(f"/static/client/assets/{name}")["Content-Security-Policy"]

    assert "script-src 'self' 'wasm-unsafe-eval';" in policy
    assert "unsafe-eval" not in policy.replace("wasm-unsafe-eval", "")
    assert "unsafe-inline" not in policy


@pytest.mark.parametrize(
    "address",
    [
        "/record",
        "/static/client/assets/index-B1.js",
        "/static/client/assets/painter-B1.css",
        "/static/client/painter-B1.js",
        "/media/static/client/assets/painter-B1.js",
        "/static/client/assets/painter-B1.js/../index-B1.js",
    ],
)
def test_nothing_else_may_compile_webassembly(built_client, address):
    assert "wasm" not in Client().get(address)["Content-Security-Policy"]


def test_the_service_worker_may_answer_for_pages_and_is_asked_for_anew(settings):
    headers: dict[str, str] = {"Cache-Control": "max-age=3600"}
    settings.WHITENOISE_ADD_HEADERS_FUNCTION(headers, "service-worker.js", "/static/client/service-worker.js")

    assert headers["Service-Worker-Allowed"] == "/"
    assert headers["Cache-Control"] == "no-cache"


def test_no_other_static_file_may_answer_for_pages(settings):
    headers: dict[str, str] = {}
    settings.WHITENOISE_ADD_HEADERS_FUNCTION(headers, "index.js", "/static/client/assets/index.js")

    assert "Service-Worker-Allowed" not in headers


def test_a_request_keeps_the_id_it_came_with():
    assert Client().get("/healthz", headers={"X-Request-ID": "from-the-proxy.7"})["X-Request-ID"] == "from-the-proxy.7"


@pytest.mark.parametrize("given", ["", "two words", "x" * 65, "line\nbreak", "{json}"])
def test_a_request_with_an_id_unfit_for_logs_gets_a_new_one(given):
    made = Client().get("/healthz", headers={"X-Request-ID": given})["X-Request-ID"]

    assert re.fullmatch(r"[0-9a-f]{32}", made)


def test_a_request_is_logged_with_its_id_and_without_its_query(built_client, caplog):
    with caplog.at_level("INFO", logger="website.access"):
        Client().get("/login?ticket=secret", headers={"X-Request-ID": "r-1"})

    (line,) = [record for record in caplog.records if record.name == "website.access"]
    assert line.getMessage().startswith("GET /login 200 in ")
    assert "secret" not in str(vars(line))


async def test_a_file_leaves_the_asgi_site_in_pieces(settings):
    answer: Any = await AsyncClient().get("/static/admin/css/base.css")

    pieces = [piece async for piece in answer.streaming_content]
    assert answer.is_async
    assert b"".join(pieces).startswith(b"/*")


def test_a_hashed_file_of_the_client_may_be_kept_for_ever(settings):
    test = settings.WHITENOISE_IMMUTABLE_FILE_TEST

    assert test("", "/static/client/assets/index-AbCdEf12.js")
    assert not test("", "/static/client/icon.svg")
    assert not test("", "/static/admin/css/base.css")
