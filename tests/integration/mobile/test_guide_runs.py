"""The TypeScript of docs/mobile.md does what the guide says: node runs it against answers as the server has them."""

import base64
import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from mlmodels import signing
from tests.integration.mobile import guide_typescript

SEED = bytes(range(32))
KEY = list(signing.public_key(SEED))
CONTENT = {"name": "small-v1", "minimum_client": "1.9.0", "files": []}
# Answers in the order in which they are asked for; what was asked is in `asked`.
SERVER = """
const asked = [];
globalThis.fetch = async (url, { method, headers }) => {
  asked.push({ method, path: url.slice("http://nowhere".length), headers });
  const [status, body, extra = {}] = given.answers.shift();
  return new Response(body, { status, headers: extra });
};
const api = new guide.Api("http://nowhere");
const fault = async (work) => {
  try { await work; } catch (error) { return { kind: error.constructor.name, ...error }; }
};
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("guide")
    guide_typescript.build(folder)
    return folder


def run(folder: Path, script: str, /, **given: Any) -> Any:
    return guide_typescript.run(folder, SERVER + script, **given)


class TestRefusals:
    def refused(self, folder: Path, *answer: Any, method: str = "GET") -> Any:
        script = 'said = await fault(api.call(given.method, "/api/v1/me/"));'
        return run(folder, script, answers=[answer], method=method)

    def test_a_problem_is_read_with_its_fields(self, folder: Path) -> None:
        body = {"status": 400, "code": "invalid", "detail": "No.", "errors": {"caption": ["Too long."]}}

        said = self.refused(folder, 400, json.dumps(body))

        assert (said["kind"], said["status"], said["code"], said["detail"]) == ("Problem", 400, "invalid", "No.")
        assert said["said"]["errors"] == {"caption": ["Too long."]}

    def test_allauths_refusal_has_its_code_and_words(self, folder: Path) -> None:
        errors = [{"message": "The password is wrong.", "code": "username_password_mismatch", "param": "password"}]

        said = self.refused(folder, 400, json.dumps({"status": 400, "errors": errors}))

        assert (said["code"], said["detail"]) == ("username_password_mismatch", "The password is wrong.")

    @pytest.mark.parametrize(
        ("answer", "method"),
        [
            ((502, "<html>Bad Gateway</html>"), "GET"),
            ((404, None), "HEAD"),
            ((401, '{"status": 401, "data": {}}'), "GET"),
        ],
        ids=["a proxy's page", "a refused HEAD", "allauth's 401"],
    )
    def test_whatever_the_body_is_the_status_stays(self, folder: Path, answer: Any, method: str) -> None:
        said = self.refused(folder, *answer, method=method)

        assert (said["kind"], said["status"], said["code"]) == ("Problem", answer[0], "unknown")
        assert said["detail"] == ""

    def test_how_long_to_wait_is_known(self, folder: Path) -> None:
        assert self.refused(folder, 429, "", {"Retry-After": "7"})["retryAfter"] == 7
        assert self.refused(folder, 503, "")["retryAfter"] is None


class TestManifest:
    READ = "await guide.manifest(api, Uint8Array.from(given.key), given.version, given.folder)"

    def read(self, folder: Path, kept: Path, *answers: Any, script: str = "", version: str = "1.10.0") -> Any:
        script = script or f"said = {{ content: {self.READ}, asked }};"
        return run(folder, script, answers=answers, key=KEY, version=version, folder=str(kept))

    def signed(self, **changes: Any) -> str:
        return json.dumps(signing.signed({**CONTENT, **changes}, SEED))

    def test_what_is_still_right_is_not_sent_again(self, folder: Path, tmp_path: Path) -> None:
        whole, unchanged = (200, self.signed(), {"ETag": '"one"'}), (304, None)

        said = self.read(folder, tmp_path, whole, unchanged, script=f"{self.READ}; said = [{self.READ}, asked];")

        content, (first, second) = said
        assert content == CONTENT
        assert "If-None-Match" not in first["headers"]
        assert second["headers"]["If-None-Match"] == '"one"'

    def test_a_new_one_takes_the_place_of_the_one_before(self, folder: Path, tmp_path: Path) -> None:
        self.read(folder, tmp_path, (200, self.signed(), {"ETag": '"one"'}))
        self.read(folder, tmp_path, (200, self.signed(name="small-v2"), {"ETag": '"two"'}))

        said = self.read(folder, tmp_path, (304, None))

        assert said["content"]["name"] == "small-v2"
        assert said["asked"][0]["headers"]["If-None-Match"] == '"two"'

    @pytest.mark.parametrize("damage", ["small-v1", '"signature"'])
    def test_a_kept_one_that_was_changed_is_refused_and_thrown_away(
        self, folder: Path, tmp_path: Path, damage: str
    ) -> None:
        self.read(folder, tmp_path, (200, self.signed(), {"ETag": '"one"'}))
        kept = tmp_path / "manifest.kept"
        kept.write_text(kept.read_text().replace(damage, "x"))

        said = self.read(folder, tmp_path, (304, None), script=f"said = await fault((async () => {self.READ})());")

        assert said["kind"] == "NotTrusted"
        assert not kept.exists()

    def test_another_key_is_refused_and_not_kept(self, folder: Path, tmp_path: Path) -> None:
        other = json.dumps(signing.signed(CONTENT, bytes(32)))

        said = self.read(
            folder, tmp_path, (200, other, {"ETag": '"x"'}), script=f"said = await fault((async () => {self.READ})());"
        )

        assert said["kind"] == "NotTrusted"
        assert not list(tmp_path.iterdir())

    @pytest.mark.parametrize("version", ["1.8.9", "0.10.0", "1.0.99"])
    def test_an_app_that_is_too_old_goes_no_further(self, folder: Path, tmp_path: Path, version: str) -> None:
        script = f"said = await fault((async () => {self.READ})());"

        said = self.read(folder, tmp_path, (200, self.signed(), {}), script=script, version=version)

        assert said["kind"] == "TooOld"

    @pytest.mark.parametrize("version", ["1.9.0", "1.9.1", "1.10.0", "2.0.0"])
    def test_the_oldest_app_that_may_and_newer_ones_go_on(self, folder: Path, tmp_path: Path, version: str) -> None:
        assert self.read(folder, tmp_path, (200, self.signed(), {}), version=version)["content"] == CONTENT


class TestDownload:
    BYTES = bytes(range(256)) * 1200  # more than one piece
    FETCH = "await guide.fetchFile(api, given.file, given.folder)"

    def fetched(self, folder: Path, place: Path, *answers: Any, script: str = "") -> Any:
        file = {"url": "/models/x/x.onnx", "sha256": sha256_of(self.BYTES), "bytes": len(self.BYTES)}
        decode = "given.answers = given.answers.map(([s, b]) => [s, b && Buffer.from(b, 'base64')]);"
        script = script or f"{decode} said = {{ path: {self.FETCH}, asked }};"
        answers = tuple((status, base64_of(body)) for status, body in answers)
        return run(folder, script, answers=answers, file=file, folder=str(place))

    def test_it_comes_in_pieces(self, folder: Path, tmp_path: Path) -> None:
        said = self.fetched(folder, tmp_path, (206, self.BYTES[:262144]), (206, self.BYTES[262144:]))

        assert Path(said["path"]).read_bytes() == self.BYTES
        assert [each["headers"]["Range"] for each in said["asked"]] == ["bytes=0-262143", "bytes=262144-524287"]

    def test_a_server_that_sends_all_is_understood(self, folder: Path, tmp_path: Path) -> None:
        (tmp_path / "x.onnx.part").write_bytes(b"first")

        said = self.fetched(folder, tmp_path, (200, self.BYTES))

        assert Path(said["path"]).read_bytes() == self.BYTES


def sha256_of(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def base64_of(content: bytes) -> str:
    return base64.b64encode(content).decode()
