"""The TypeScript of docs/mobile.md does what the guide says: node runs it against answers as the server has them."""

import base64
import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mlmodels import signing
from mlmodels.exporting import export
from mlmodels.release import Release
from tests.integration.mobile import guide_typescript
from tests.media import moving
from tests.reference_client import Painter
from tests.unit.mlmodels.networks import LAYOUTS
from tests.unit.mlmodels.releases import write_release

SEED = bytes(range(32))
KEY = list(signing.public_key(SEED))
CONTENT = {"serial": 5, "name": "small-v1", "minimum_client": "1.9.0", "files": []}
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

    def test_one_from_before_is_refused_and_the_kept_one_stays(self, folder: Path, tmp_path: Path) -> None:
        self.read(folder, tmp_path, (200, self.signed(), {"ETag": '"one"'}))
        script = f"said = await fault((async () => {self.READ})());"

        said = self.read(folder, tmp_path, (200, self.signed(serial=4), {"ETag": '"old"'}), script=script)

        assert said["kind"] == "NotTrusted"
        assert self.read(folder, tmp_path, (304, None))["content"] == CONTENT
        assert self.read(folder, tmp_path, (200, self.signed(serial=6), {}))["content"]["serial"] == 6

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

    def row(self, content: bytes = BYTES) -> dict[str, Any]:
        sha256 = sha256_of(content)
        return {"url": f"/models/{sha256}/x.onnx", "sha256": sha256, "bytes": len(content)}

    def fetched(self, folder: Path, place: Path, *answers: Any, content: bytes = BYTES) -> Any:
        decode = "given.answers = given.answers.map(([s, b]) => [s, b && Buffer.from(b, 'base64')]);"
        answers = tuple((status, base64_of(body)) for status, body in answers)
        script = f"{decode} said = {{ path: {self.FETCH}, asked }};"
        return run(folder, script, answers=answers, file=self.row(content), folder=str(place))

    def test_it_comes_in_pieces(self, folder: Path, tmp_path: Path) -> None:
        said = self.fetched(folder, tmp_path, (206, self.BYTES[:262144]), (206, self.BYTES[262144:]))

        assert Path(said["path"]).read_bytes() == self.BYTES
        assert [each["headers"]["Range"] for each in said["asked"]] == ["bytes=0-262143", "bytes=262144-524287"]

    def test_a_server_that_sends_all_is_understood(self, folder: Path, tmp_path: Path) -> None:
        self.begun(tmp_path, b"first")

        said = self.fetched(folder, tmp_path, (200, self.BYTES))

        assert Path(said["path"]).read_bytes() == self.BYTES

    def test_the_rest_is_asked_for_after_a_cut(self, folder: Path, tmp_path: Path) -> None:
        self.begun(tmp_path, self.BYTES[:262144])

        said = self.fetched(folder, tmp_path, (206, self.BYTES[262144:]))

        assert Path(said["path"]).read_bytes() == self.BYTES
        assert said["asked"][0]["headers"]["Range"] == "bytes=262144-524287"

    def test_what_is_here_is_not_fetched_again(self, folder: Path, tmp_path: Path) -> None:
        first = self.fetched(folder, tmp_path, (200, self.BYTES))

        assert self.fetched(folder, tmp_path) == {"path": first["path"], "asked": []}

    def test_what_was_damaged_here_is_fetched_again(self, folder: Path, tmp_path: Path) -> None:
        path = Path(self.fetched(folder, tmp_path, (200, self.BYTES))["path"])
        path.write_bytes(self.BYTES[:-1] + b"x")

        said = self.fetched(folder, tmp_path, (200, self.BYTES))

        assert Path(said["path"]).read_bytes() == self.BYTES

    def test_a_new_release_takes_the_place_of_one_whose_files_have_the_same_names(
        self, folder: Path, tmp_path: Path
    ) -> None:
        old, new = self.BYTES, self.BYTES[::-1]
        before = Path(self.fetched(folder, tmp_path, (200, old))["path"])

        path = Path(self.fetched(folder, tmp_path, (200, new), content=new)["path"])

        assert (before.name, before.read_bytes()) == (path.name, old)
        assert path.read_bytes() == new

    def test_a_download_that_was_cut_off_is_not_gone_on_with_for_another_release(
        self, folder: Path, tmp_path: Path
    ) -> None:
        self.begun(tmp_path, self.BYTES[:262144])
        new = self.BYTES[::-1]

        said = self.fetched(folder, tmp_path, (206, new[:262144]), (206, new[262144:]), content=new)

        assert Path(said["path"]).read_bytes() == new
        assert said["asked"][0]["headers"]["Range"] == "bytes=0-262143"

    def test_what_the_manifest_does_not_name_is_thrown_away(self, folder: Path, tmp_path: Path) -> None:
        new = self.BYTES[::-1]
        self.begun(tmp_path, b"first", of=b"older")
        before = Path(self.fetched(folder, tmp_path, (200, self.BYTES))["path"])
        path = Path(self.fetched(folder, tmp_path, (200, new), content=new)["path"])
        script = "said = await guide.tidy({ files: given.files }, given.folder) ?? null;"

        run(folder, script, answers=[], files=[self.row(new)], folder=str(tmp_path))

        assert path.read_bytes() == new
        assert not before.exists()
        assert list((tmp_path / "networks").iterdir()) == [path.parent]

    def begun(self, place: Path, content: bytes, of: bytes = BYTES) -> None:
        part = place / "networks" / sha256_of(of) / "x.onnx.part"
        part.parent.mkdir(parents=True)
        part.write_bytes(content)


class TestReleases:
    """`begin`, with two releases whose files have the same names."""

    SITE = """
const bytesOf = (text) => Buffer.from(text, "base64");
globalThis.fetch = async (url) => {
  const path = url.slice("http://nowhere".length);
  if (path.startsWith("/models/")) return new Response(bytesOf(given.networks[path]));
  return new Response(path.startsWith("/api/v1/model-releases/") ? given.manifest : '{"styles": []}');
};
const { painter } = await guide.begin(api, Uint8Array.from(given.key), "1.0.0", given.folder);
said = [...await painter.style(new Float32Array(8).fill(1))];
"""

    def test_an_app_that_was_updated_paints_with_the_new_networks(self, folder: Path, tmp_path: Path) -> None:
        releases = [self.release(tmp_path / f"release-{serial}", serial) for serial in (1, 2)]
        app = tmp_path / "app"
        app.mkdir()

        said = [run(folder, self.SITE, key=KEY, folder=str(app), **each) for each in (releases[0], *releases)]

        (first, again, second), (old, new) = said, (each["networks"] for each in releases)
        assert {Path(url).name for url in old} == {Path(url).name for url in new}
        assert first == again != second
        named = {Path(url).parent.name for url in new}
        assert {path.name for path in (app / "networks").iterdir()} <= named

    def release(self, place: Path, serial: int) -> dict[str, Any]:
        """What a site answers with: its manifest, and its files in base64 by their address."""
        written = write_release(place, "student", sizes={**LAYOUTS["student"], "blocks": serial})
        loaded, rows, networks = Release(written), [], {}
        for file in export(written, "onnx", place / "files", shapes=["dynamic"]):
            content = file.path.read_bytes()
            sha256 = sha256_of(content)
            networks[f"/models/{sha256}/{file.path.name}"] = base64_of(content)
            rows.append({
                "role": file.role, "shape": file.shape, "precision": file.precision, "sha256": sha256,
                "url": f"/models/{sha256}/{file.path.name}", "bytes": len(content),
            })  # fmt: skip
        facts = {"norm_widths": loaded.transform.widths, "picture_size": loaded.picture_size, "serial": serial}
        manifest = {**facts, "minimum_client": "0.1.0", "model_sha256": loaded.sha256, "files": rows}
        return {"manifest": json.dumps(signing.signed(manifest, SEED)), "networks": networks}


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], dict[str, Path]]:
    """What an app knows of a small release, and its files by role."""
    release = write_release(tmp_path_factory.mktemp("small"), "student")
    made = export(release, "onnx", tmp_path_factory.mktemp("files"), shapes=["dynamic"])
    loaded = Release(release)
    facts = {"norm_widths": loaded.transform.widths, "picture_size": loaded.picture_size, "model_sha256": "abc"}
    return facts, {file.role: file.path for file in made}


class TestPainting:
    """Beside the reference client, which the tests hold against the release itself."""

    HEIGHT, WIDTH, STRENGTH = 64, 96, 1.2
    # Two builds of one runtime add in another order; then it is rounded to bytes.
    SAME = 1
    PAINT = """
const { height, width, strength } = given;
const bytes = Uint8Array.from(Buffer.from(given.frames, "base64")), size = 4 * height * width;
const seenAt = (at) => guide.planes(bytes.slice(at * size, (at + 1) * size), [height, width], height, width);
const frames = [0, 1, 2].map(seenAt);
const styles = await guide.presets(api, given.manifest);
const painter = await guide.Painter.open(given.manifest, given.files);
const style = await painter.style(styles.get("starry"), Float32Array.from(given.identity), strength);
const live = await painter.paint(frames[0], style, height, width);
const { paintings, affine } = await guide.firstFrames(painter, styles.get("starry"), frames.slice(0, 2), height, width);
const locked = await painter.paintLocked(frames[2], affine, height, width);
const seen = await painter.embed(new Float32Array(3 * given.manifest.picture_size ** 2).fill(0.5));
const said64 = (painting) => Buffer.from(guide.picture(painting)).toString("base64");
said = {
  live: said64(live.painting), first: said64(paintings[1]), locked: said64(locked),
  style: [...style], affine: [...affine], seen: [[...seen.embedding], [...seen.identity]], path: asked[0].path,
};
"""

    def test_a_camera_frame_becomes_the_painting_of_the_reference_client(self, folder: Path, files: Any) -> None:
        manifest, paths = files
        painter, random = Painter(manifest, paths), np.random.default_rng(7)
        frames = list(moving(self.WIDTH, self.HEIGHT, 3))
        preset, identity = (random.normal(size=8).astype(np.float32) for _ in range(2))
        styles = {"styles": [{"slug": "starry", "name": "Starry", "values": preset.tolist()}]}

        said = run(
            folder, self.PAINT, answers=[[200, json.dumps(styles)]], manifest=manifest, identity=identity.tolist(),
            files={role: str(path) for role, path in paths.items()}, frames=base64_of(rgba(frames)),
            height=self.HEIGHT, width=self.WIDTH, strength=self.STRENGTH,
        )  # fmt: skip

        style = painter.style(preset, identity, self.STRENGTH)
        affine = painter.lock(frames[:2], painter.style(preset))
        grey = np.full((manifest["picture_size"],) * 2 + (3,), 0.5, np.float32).transpose(2, 0, 1)[None]
        assert said["path"] == "/api/v1/style-embeddings/?model=abc"
        np.testing.assert_allclose(said["style"], style, atol=1e-5)
        np.testing.assert_allclose(said["affine"], affine, rtol=1e-3, atol=1e-4)
        for seen, wanted in zip(said["seen"], painter._run("predictor", picture=grey), strict=True):
            np.testing.assert_allclose(seen, wanted[0], atol=1e-4)
        self.require_same(said["live"], painter.paint(frames[0], style)[0])
        self.require_same(said["first"], painter.paint(frames[1], painter.style(preset))[0])
        self.require_same(said["locked"], painter.paint_locked(frames[2], affine))

    def require_same(self, answer: str, expected: Any) -> None:
        painted = np.frombuffer(base64.b64decode(answer), np.uint8).reshape(self.HEIGHT, self.WIDTH, 4)
        assert (painted[..., 3] == 255).all()
        assert np.abs(painted[..., :3].astype(int) - expected).max() <= self.SAME

    @pytest.mark.parametrize(("from_", "to"), [((40, 96), (32, 32)), ((96, 40), (32, 32)), ((64, 64), (32, 48))])
    def test_the_middle_of_a_frame_is_cut_to_the_networks_shape(self, folder: Path, from_: Any, to: Any) -> None:
        rows, columns = np.indices(from_)
        frame = np.stack([rows, columns, np.zeros(from_, int)], axis=2).astype(np.uint8)
        script = (
            'said = [...guide.planes(Uint8Array.from(Buffer.from(given.rgba, "base64")), given.from_, ...given.to)];'
        )

        said = run(folder, script, rgba=base64_of(rgba([frame])), from_=from_, to=to, answers=[])

        planes = (np.array(said) * 255).round().reshape(3, *to)
        scale = min(from_[0] / to[0], from_[1] / to[1])
        for plane, side, axis in ((planes[0], 0, 1), (planes[1], 1, 0)):
            shown = plane.mean(axis=axis)
            middle = (from_[side] - 1) / 2
            assert abs((shown[0] + shown[-1]) / 2 - middle) <= 0.5
            assert abs(shown[-1] - shown[0] - (to[side] - 1) * scale) <= 1


class TestRecording:
    CAMERA = """
const begun = [];
const camera = {
  startRecording: (options) => begun.push(options),
  stopRecording: async () => begun[0].onRecordingFinished({ path: given.film, duration: 1 }),
};
"""
    PAINTED = """
globalThis.WebSocket = class { close() {} };
const film = Uint8Array.from([1, 2, 3]);
said = await fault(guide.paintedByServer(api, film, "Film", "starry", "key").then((id) => { done = id; }));
said = { ...said, done, asked };
"""

    def test_the_cameras_film_is_read_when_the_person_ends_it(self, folder: Path, tmp_path: Path) -> None:
        (tmp_path / "film.mp4").write_bytes(b"a film")
        script = self.CAMERA + "said = [...await guide.record(camera, Promise.resolve())];"

        said = run(folder, script, answers=[], film=str(tmp_path / "film.mp4"))

        assert bytes(said) == b"a film"

    def test_a_recording_that_fails_by_itself_is_an_error(self, folder: Path) -> None:
        script = """
const startRecording = ({ onRecordingError }) => onRecordingError(new Error("full"));
const camera = { startRecording, stopRecording: async () => {} };
said = await fault(guide.record(camera, new Promise(() => {})));
"""

        assert run(folder, script, answers=[])["kind"] == "Error"

    def painted(self, folder: Path, *jobs: dict[str, Any]) -> Any:
        made = [201, "", {"Location": "/api/v1/uploads/u/"}], [200, None, {"Impasto-Job": "ingest"}]
        ticket, restyled = [201, '{"ticket": "t"}'], [202, '{"id": "restyle"}']
        first, *second = ([ticket, [200, json.dumps(job)]] for job in jobs)
        answers = [*made, *first, restyled, *(answer for part in second for answer in part)]
        return run(folder, f"let done;{self.PAINTED}", answers=answers)

    def test_the_server_paints_what_was_filmed(self, folder: Path) -> None:
        said = self.painted(
            folder,
            {"state": "succeeded", "result": {"clip_id": "raw"}},
            {"state": "succeeded", "result": {"clip_id": "painted"}},
        )

        assert said["done"] == "painted"
        (restyle,) = (each for each in said["asked"] if "/clips/" in each["path"])
        assert (restyle["path"], restyle["headers"]["Idempotency-Key"]) == ("/api/v1/clips/raw/restyle/", "key")

    def test_a_job_that_failed_says_why(self, folder: Path) -> None:
        said = self.painted(
            folder, {"state": "failed", "result": None, "error": {"detail": "There is no picture in it."}}
        )

        assert (said["kind"], said.get("done")) == ("Error", None)
        assert not [each for each in said["asked"] if "/clips/" in each["path"]]


@pytest.mark.parametrize(
    ("role", "shape", "url"), [("transform", "dynamic", "b"), ("transform", "64x64", "c"), ("readout", "dynamic", "a")]
)
def test_the_file_of_a_role_and_a_shape_is_chosen(folder: Path, role: str, shape: str, url: str) -> None:
    files = [
        {"role": "readout", "shape": "-", "url": "a"}, {"role": "transform", "shape": "dynamic", "url": "b"},
        {"role": "transform", "shape": "64x64", "url": "c"},
    ]  # fmt: skip

    said = run(folder, "said = guide.choose({ files: given.files }, given.role, given.shape);", files=files, role=role,
               shape=shape, answers=[])  # fmt: skip

    assert said["url"] == url


def rgba(frames: list[Any]) -> bytes:
    return b"".join(np.pad(frame, ((0, 0), (0, 0), (0, 1)), constant_values=255).tobytes() for frame in frames)


def sha256_of(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def base64_of(content: bytes) -> str:
    return base64.b64encode(content).decode()
