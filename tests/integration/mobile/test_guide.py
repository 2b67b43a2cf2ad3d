"""docs/mobile.md is true: every call in its code is one that the server describes, and the languages say the same."""

import json
import re
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import parse_qsl

import jsonschema
import pytest
from django.urls import Resolver404, resolve
from drf_spectacular.generators import SchemaGenerator

GUIDE = Path(__file__).resolve().parents[3] / "docs" / "mobile.md"
APPS = ["swift", "kotlin", "typescript"]
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)
# api.call("POST", "/api/v1/uploads/", …) in any of the languages; TypeScript has back-ticks too.
CALL = re.compile(r"""call\(\s*"(?P<method>[A-Z]+)",\s*["`](?P<path>/[^\s"`]*)["`]""")
REQUEST = re.compile(r"^(?P<method>[A-Z]+) (?P<path>/\S+)$(?:\n(?P<body>\{.*\})$)?", re.MULTILINE)
# \(id), $id, ${id}, {id}
INSERTION = re.compile(r"\\\([^)]*\)|\$\{[^}]*\}|\$\w+|\{[^}]*\}")
AN_ID = "1c6c1f0e-2f3d-4b6a-9d7e-0a1b2c3d4e5f"
# What tus does by header is not in the OpenAPI document.
BY_HEADER = {("HEAD", "/api/v1/uploads/{}")}
# The whole way of an app, in every language.
WAY = {
    ("POST", "/_allauth/app/v1/auth/login"), ("GET", "/api/v1/model-releases/"), ("GET", "/api/v1/style-embeddings/"),
    ("POST", "/api/v1/uploads/"), ("POST", "/api/v1/socket-tickets/"), ("GET", "/api/v1/jobs/{}/"),
    ("POST", "/api/v1/clips/{}/restyle/"), ("POST", "/api/v1/posts/"),
}  # fmt: skip

pytestmark = pytest.mark.django_db


class Call(NamedTuple):
    language: str
    method: str
    path: str
    query: dict[str, str]
    body: Any


def calls_in(text: str) -> list[Call]:
    found = []
    for language, code in BLOCK.findall(text):
        for match in (REQUEST if language == "http" else CALL).finditer(code):
            path, _, query = INSERTION.sub("{}", match["path"]).partition("?")
            body = match.groupdict().get("body")
            found.append(
                Call(language, match["method"], path, dict(parse_qsl(query)), json.loads(body) if body else None)
            )
    return found


CALLS = calls_in(GUIDE.read_text())


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return SchemaGenerator().get_schema(request=None, public=True)


@pytest.fixture(scope="module")
def described(document: dict[str, Any]) -> dict[tuple[str, str], dict[str, Any]]:
    return {
        (method.upper(), re.sub(r"\{[^}]*\}", "{}", path)): operation
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
    }


def fault_of(call: Call, described: dict[tuple[str, str], dict[str, Any]], document: dict[str, Any]) -> str:
    """What the server does not know of a call; nothing if it is right."""
    operation = described.get((call.method, call.path))
    if operation is None:
        is_served = not call.path.startswith("/api/") or (call.method, call.path) in BY_HEADER
        return "" if is_served and is_answered(call) else "no such call"
    known = {item["name"] for item in operation.get("parameters", []) if item["in"] == "query"}
    if unknown := set(call.query) - known:
        return f"no such query: {', '.join(unknown)}"
    return body_fault(call.body, operation, document) if call.body is not None else ""


def is_answered(call: Call) -> bool:
    try:
        view = resolve(call.path.replace("{}", AN_ID)).func
    except Resolver404:
        return False
    kind = getattr(view, "view_class", None) or getattr(view, "cls", None)
    return kind is not None and hasattr(kind, call.method.lower())


def body_fault(body: Any, operation: dict[str, Any], document: dict[str, Any]) -> str:
    schema = operation["requestBody"]["content"]["application/json"]["schema"]
    name = schema["$ref"].rsplit("/", 1)[1]
    if unknown := set(body) - set(document["components"]["schemas"][name]["properties"]):
        return f"no such fields: {', '.join(unknown)}"
    try:
        jsonschema.validate(body, {**schema, "components": document["components"]})
    except jsonschema.ValidationError as error:
        return error.message
    return ""


@pytest.mark.parametrize("call", CALLS, ids=lambda call: f"{call.language} {call.method} {call.path}")
def test_every_call_of_the_guide_is_one_of_the_servers(call: Call, described: Any, document: Any) -> None:
    assert fault_of(call, described, document) == ""


@pytest.mark.parametrize(
    "code",
    [
        '```swift\napi.call("GET", "/api/v1/jobs/\\(id)/progress/")\n```\n',
        '```kotlin\napi.call("PUT", "/api/v1/jobs/$id/")\n```\n',
        '```typescript\napi.call("GET", `/api/v1/style-embeddings/?modell=${sha}`)\n```\n',
        "```http\nPOST /_allauth/app/v2/auth/login\n```\n",
        "```http\nPATCH /_allauth/app/v1/auth/login\n```\n",
        "```http\nHEAD /api/v1/uploaded/{id}\n```\n",
        '```http\nPOST /api/v1/posts/\n{"clip": "x"}\n```\n',
        '```http\nPOST /api/v1/posts/\n{"caption": 7, "clip_id": "1c6c1f0e-2f3d-4b6a-9d7e-0a1b2c3d4e5f"}\n```\n',
    ],
    ids=["path", "method", "query", "log-in", "log-in by PATCH", "upload", "field", "value"],
)
def test_a_call_that_is_wrong_would_be_noticed(code: str, described: Any, document: Any) -> None:
    (call,) = calls_in(code)

    assert fault_of(call, described, document)


@pytest.mark.parametrize("language", APPS)
def test_each_language_goes_the_whole_way(language: str) -> None:
    calls = {(call.method, call.path) for call in CALLS if call.language == language}

    assert calls == WAY


def test_all_calls_are_shown_as_requests_too() -> None:
    shown = {(call.method, call.path) for call in CALLS if call.language == "http"}

    assert shown >= WAY


def test_every_header_of_the_guide_is_one_the_server_knows() -> None:
    names = r"\b(?:Upload|Tus|Idempotency|Impasto|Idempotent|X-Session)-[A-Z][A-Za-z-]+"
    named = set(re.findall(names, GUIDE.read_text()))
    sources = source_of("platform/clips", "platform/foundation", "platform/accounts")

    assert {"Upload-Offset", "Idempotency-Key", "Impasto-Job"} <= named
    assert [name for name in sorted(named) if name not in sources] == []


def test_every_code_of_the_guide_is_one_the_server_sends() -> None:
    codes = set(re.findall(r"\d{3} `(\w+)`", GUIDE.read_text()))
    sources = source_of("platform/clips", "platform/foundation", "mlmodels", "stylization")

    assert len(codes) > 5
    assert [code for code in sorted(codes) if f'"{code}"' not in sources] == []


def source_of(*folders: str) -> str:
    return "".join(path.read_text() for folder in folders for path in (GUIDE.parents[1] / folder).rglob("*.py"))


@pytest.mark.parametrize("language", APPS)
@pytest.mark.parametrize("word", ["If-None-Match", "304", "serial", "minimum_client", "TooOld", "Retry-After"])
def test_each_language_reads_the_manifest_as_the_page_says(language: str, word: str) -> None:
    assert word in code_in(language)


@pytest.mark.parametrize("language", APPS)
@pytest.mark.parametrize("role", ["predictor", "readout", "transform", "transform-locked"])
def test_each_language_runs_every_role(language: str, role: str) -> None:
    assert re.search(rf'run\("{role}",', code_in(language))


@pytest.mark.parametrize("language", APPS)
def test_each_language_knows_what_goes_in_and_comes_out(language: str) -> None:
    code = code_in(language)

    names = ["picture", "embedding", "style", "frame", "affine", "painting", "statistics"]
    assert [name for name in names if not re.search(rf"\b{name}\b", code)] == []


@pytest.mark.parametrize(
    ("language", "steps"),
    [
        ("swift", ["startWriting()", "startSession(", "markAsFinished()", "finishWriting()", "sound.append("]),
        (
            "kotlin",
            ["queueInputBuffer(", "dequeueOutputBuffer(", "muxer.start()", "microphone.read(", "muxer.stop()"],
        ),
        ("typescript", ["startRecording(", "stopRecording()"]),
    ],
)  # fmt: skip
def test_a_recording_is_begun_fed_and_ended(language: str, steps: list[str]) -> None:
    code = code_in(language)

    assert [step for step in steps if step not in code] == []


def test_no_answer_stays_open_in_kotlin() -> None:
    code = code_in("kotlin")

    assert code.count(".execute()") == code.count(".execute().use {") == 1


def code_in(language: str) -> str:
    return "".join(code for name, code in BLOCK.findall(GUIDE.read_text()) if name == language)
