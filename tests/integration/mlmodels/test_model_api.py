"""What apps and pages get over HTTP: a signed manifest, and files that can be resumed and kept."""

import base64
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from django.core.files.storage import storages
from django.utils import timezone

from foundation import storage
from mlmodels import selectors, services, signing
from mlmodels.models import ModelRelease
from stylization import services as styles

pytestmark = pytest.mark.django_db
MANIFEST = "/api/v1/model-releases/?format=onnx&platform=web"
NOON = datetime(2036, 1, 31, 12, tzinfo=UTC)
PAGE = {"origin": "https://app.example"}


@pytest.fixture
def release(make_release: Any) -> ModelRelease:
    return make_release()


@pytest.fixture
def url(release: ModelRelease) -> str:
    return release.files.get(role="transform").url


@pytest.fixture
def content(release: ModelRelease) -> bytes:
    return storage.local_path(release.files.get(role="transform").file).read_bytes()


def followed_by(read: Callable[..., Any], meanwhile: list[Callable[[], Any]]) -> Callable[..., Any]:
    """The same read; right after the first of several something else happens."""

    def reads(*args: Any, **kwargs: Any) -> Any:
        answer = read(*args, **kwargs)
        while meanwhile:
            meanwhile.pop()()
        return answer

    return reads


def body(answer: Any) -> bytes:
    return b"".join(answer.streaming_content)


class TestManifest:
    def test_it_has_the_agreed_shape(self, anonymous_client: Any, release: ModelRelease) -> None:
        manifest = anonymous_client.get(MANIFEST).json()

        assert {name: value for name, value in manifest.items() if name not in ("files", "signature")} == {
            "serial": selectors.serial_of("onnx"),
            "name": "small-v1", "version": "1.0.0", "model_sha256": release.model_sha256, "format": "onnx",
            "platform": "web", "minimum_client": "0.1.0", "embedding_size": 128, "norm_widths": [32, 64],
            "picture_size": 192,
        }  # fmt: skip
        file = release.files.get(role="transform")
        assert manifest["files"][2] == {
            "role": "transform", "shape": "dynamic", "layout": "NCHW", "precision": "int8",
            "url": f"/models/{file.sha256}/{file.filename}", "sha256": file.sha256, "bytes": file.bytes,
            "metrics": {"psnr_db": "42.875"},
        }  # fmt: skip
        assert set(manifest["signature"]) == {"algorithm", "key_id", "value"}

    def test_its_signature_fits_the_key_at_its_address(self, anonymous_client: Any, release: ModelRelease) -> None:
        manifest = anonymous_client.get(MANIFEST).json()
        key = anonymous_client.get("/api/v1/model-releases/key/").json()

        signing.verify(manifest, base64.b64decode(key["public_key"]))
        assert manifest["signature"]["key_id"] == key["key_id"]
        with pytest.raises(signing.BadSignature):
            signing.verify({**manifest, "version": "9.9.9"}, base64.b64decode(key["public_key"]))

    def test_without_a_platform_it_is_for_all(self, anonymous_client: Any, release: ModelRelease) -> None:
        assert anonymous_client.get("/api/v1/model-releases/?format=onnx").json()["platform"] is None

    def test_who_has_it_is_told_so(self, anonymous_client: Any, release: ModelRelease) -> None:
        first = anonymous_client.get(MANIFEST)

        again = anonymous_client.get(MANIFEST, headers={"if-none-match": f'"other", {first["ETag"]}'})

        assert (again.status_code, again.content) == (304, b"")
        assert again["ETag"] == first["ETag"]
        assert again["Cache-Control"] == first["Cache-Control"] == "public, no-cache"

    def test_its_serial_grows_whatever_is_offered_next_and_stays_while_nothing_changes(
        self, anonymous_client: Any, release: ModelRelease, make_release: Any
    ) -> None:
        def offered() -> tuple[str, int]:
            manifest = anonymous_client.get(MANIFEST).json()
            return manifest["version"], manifest["serial"]

        hour = timedelta(hours=1)
        newer = make_release(version="1.1.0", publish=False)
        _, first = offered()
        services.model_release_publish(release=newer, at=NOON)
        out = offered()
        services.model_release_withdraw(release=newer, at=NOON + hour)
        withdrawn = offered()
        make_release(version="1.2.0", publish=False)
        make_release(format="litert")

        assert first < out[1]
        assert out == ("1.1.0", int(NOON.timestamp()) * 1000)
        assert withdrawn == ("1.0.0", out[1] + 3_600_000)
        assert offered() == withdrawn

    def test_its_serial_grows_with_whom_it_is_for_and_what_was_measured(
        self, anonymous_client: Any, release: ModelRelease
    ) -> None:
        def serial() -> int:
            return int(anonymous_client.get(MANIFEST).json()["serial"])

        def measured(decibels: float, at: datetime) -> None:
            known = {release.files.get(role="transform").sha256: {"psnr_db": decibels}}
            services.model_release_measured(release=release, metrics=known, at=at)

        published, hour = serial(), timedelta(hours=1)
        services.model_release_describe(release=release, platforms=["web"], minimum_client="0.2.0", at=NOON)
        described = serial()
        measured(50.5, NOON + hour)
        known = serial()
        measured(50.5, NOON + 2 * hour)
        services.model_release_describe(release=release, platforms=["web"], minimum_client="0.2.0", at=NOON + 2 * hour)

        assert published < described < known == serial()

    def test_what_is_published_while_it_is_made_gives_its_serial_to_nothing_older(
        self, anonymous_client: Any, release: ModelRelease, make_release: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        newer = make_release(version="1.1.0", publish=False)
        meanwhile = [lambda: services.model_release_publish(release=newer, at=NOON)]
        for read in (selectors.serial_of, selectors.release_to_offer):
            monkeypatch.setattr(selectors, read.__name__, followed_by(read, meanwhile))

        during, after = (anonymous_client.get(MANIFEST).json() for _ in range(2))

        assert (after["version"], after["serial"]) == ("1.1.0", int(NOON.timestamp()) * 1000)
        assert during["serial"] < after["serial"]

    def test_another_release_another_key_or_another_word_is_another_etag(
        self, anonymous_client: Any, release: ModelRelease, make_release: Any, settings: Any
    ) -> None:
        tags = [anonymous_client.get(MANIFEST)["ETag"]]
        services.model_release_describe(release=release, platforms=["web"], minimum_client="2.0.0", at=NOON)
        tags.append(anonymous_client.get(MANIFEST)["ETag"])
        make_release(version="1.1.0")
        tags.append(anonymous_client.get(MANIFEST)["ETag"])
        settings.MODEL_SIGNING_KEY = bytes(32)
        tags.append(anonymous_client.get(MANIFEST)["ETag"])

        assert len(set(tags)) == 4

    @pytest.mark.parametrize("query", ["", "?platform=web", "?format=json", "?format=onnx&platform=fridge", "?format="])
    def test_a_question_that_makes_no_sense_is_refused(self, anonymous_client: Any, query: str) -> None:
        answer = anonymous_client.get(f"/api/v1/model-releases/{query}")

        assert (answer.status_code, answer["Content-Type"]) == (400, "application/problem+json")
        assert answer["Cache-Control"] == "no-store"

    def test_where_nothing_is_published_there_is_nothing(self, anonymous_client: Any, make_release: Any) -> None:
        make_release(publish=False)

        answer = anonymous_client.get(MANIFEST)

        assert (answer.status_code, answer.json()["code"]) == (404, "no_model_release")

    def test_it_is_read_only(self, api_client: Any, release: ModelRelease) -> None:
        assert api_client.post(MANIFEST, {}).status_code == 405
        assert api_client.delete(MANIFEST).status_code == 405

    def test_pages_of_any_origin_may_read_it(self, anonymous_client: Any, release: ModelRelease) -> None:
        answer = anonymous_client.get(MANIFEST, headers=PAGE)

        assert answer["Access-Control-Allow-Origin"] == "*"
        assert answer["Cross-Origin-Resource-Policy"] == "cross-origin"
        assert "Access-Control-Allow-Credentials" not in answer


class TestDownload:
    def test_it_is_the_file_and_may_be_kept_for_ever(self, anonymous_client: Any, url: str, content: bytes) -> None:
        answer = anonymous_client.get(url, headers=PAGE)

        assert body(answer) == content
        assert answer["Content-Length"] == str(len(content))
        assert answer["Content-Type"] == "application/octet-stream"
        assert answer["Cache-Control"] == "public, max-age=31536000, immutable"
        assert answer["X-Content-Type-Options"] == "nosniff"
        assert answer["Access-Control-Allow-Origin"] == "*"
        assert answer["Cross-Origin-Resource-Policy"] == "cross-origin"
        assert answer["Accept-Ranges"] == "bytes"
        assert answer["ETag"] == f'"{url.split("/")[2]}"'
        assert "Vary" not in answer

    def test_a_download_that_was_cut_off_goes_on(self, anonymous_client: Any, url: str, content: bytes) -> None:
        first = anonymous_client.get(url, headers={"range": "bytes=0-99"})

        rest = anonymous_client.get(url, headers={"range": "bytes=100-", "if-range": first["ETag"]})

        assert (first.status_code, rest.status_code) == (206, 206)
        assert rest["Content-Range"] == f"bytes 100-{len(content) - 1}/{len(content)}"
        assert body(first) + body(rest) == content

    def test_a_range_beyond_the_end_is_refused_and_not_kept(
        self, anonymous_client: Any, url: str, content: bytes
    ) -> None:
        answer = anonymous_client.get(url, headers={"range": f"bytes={len(content)}-"})

        assert (answer.status_code, answer["Content-Range"]) == (416, f"bytes */{len(content)}")
        assert answer["Cache-Control"] == "no-store"
        assert answer["Access-Control-Allow-Origin"] == "*"

    def test_head_says_how_long_it_is(self, anonymous_client: Any, url: str, content: bytes) -> None:
        answer = anonymous_client.head(url)

        assert (answer.status_code, answer.content) == (200, b"")
        assert answer["Content-Length"] == str(len(content))

    def test_who_has_it_is_told_so(self, anonymous_client: Any, url: str) -> None:
        etag = anonymous_client.head(url)["ETag"]

        assert anonymous_client.get(url, headers={"if-none-match": etag}).status_code == 304

    def test_a_page_may_ask_beforehand(self, anonymous_client: Any, url: str) -> None:
        asked = {**PAGE, "access-control-request-method": "GET", "access-control-request-headers": "range"}

        answer = anonymous_client.options(url, headers=asked)

        assert answer.status_code == 204
        assert "Range" in answer["Access-Control-Allow-Headers"]
        assert answer["Access-Control-Allow-Methods"] == "GET, HEAD, OPTIONS"

    def test_what_was_withdrawn_is_gone(self, anonymous_client: Any, release: ModelRelease, url: str) -> None:
        services.model_release_withdraw(release=release, at=timezone.now())

        answer = anonymous_client.get(url)

        assert (answer.status_code, answer.json()["code"]) == (410, "model_withdrawn")
        assert answer["Cache-Control"] == "no-store"
        assert anonymous_client.head(url).status_code == 410

    def test_a_draft_is_not_there(self, anonymous_client: Any, make_release: Any) -> None:
        url = make_release(publish=False).files.all()[0].url

        assert anonymous_client.get(url).status_code == 404

    def test_a_file_that_was_lost_is_not_there(self, anonymous_client: Any, release: ModelRelease, url: str) -> None:
        storage.local_path(release.files.get(role="transform").file).unlink()

        answer = anonymous_client.get(url)

        assert (answer.status_code, answer["Cache-Control"]) == (404, "no-store")

    @pytest.mark.parametrize(
        "address",
        ["/models/", "/models/x/y.onnx", f"/models/{'0' * 64}/small.onnx", f"/models/{'0' * 64}/..%2fdb.sqlite3"],
    )
    def test_nothing_else_is_served(self, anonymous_client: Any, release: ModelRelease, address: str) -> None:
        assert anonymous_client.get(address).status_code == 404

    def test_another_name_for_the_same_bytes_is_not_served(self, anonymous_client: Any, url: str) -> None:
        assert anonymous_client.get(f"{url}.exe").status_code == 404

    def test_it_cannot_be_written(self, api_client: Any, url: str) -> None:
        assert [api_client.put(url).status_code, api_client.delete(url).status_code] == [405, 405]

    def test_a_proxy_may_send_the_bytes(self, anonymous_client: Any, settings: Any, url: str) -> None:
        settings.MEDIA_ACCEL_PREFIX = "/_media/"

        answer = anonymous_client.get(url)

        assert answer["X-Accel-Redirect"] == f"/_media{url}"
        assert "immutable" in answer["Cache-Control"]


class TestObjectStore:
    @pytest.fixture(autouse=True)
    def store(self, settings: Any) -> Any:
        away = {"BACKEND": "django.core.files.storage.InMemoryStorage", "OPTIONS": {"base_url": "https://store/"}}
        settings.STORAGES = {**settings.STORAGES, "default": away}
        return storages

    def test_the_bytes_come_from_a_signed_address_that_is_not_kept(
        self, anonymous_client: Any, make_release: Any
    ) -> None:
        file = make_release().files.all()[0]

        answer = anonymous_client.get(file.url)

        assert (answer.status_code, answer["Location"]) == (302, f"https://store/{file.file}")
        assert answer["Cache-Control"] == "private, no-store"
        assert answer["Access-Control-Allow-Origin"] == "*"

    def test_head_is_answered_here(self, anonymous_client: Any, make_release: Any) -> None:
        file = make_release().files.all()[0]

        answer = anonymous_client.head(file.url)

        assert (answer.status_code, answer["Content-Length"]) == (200, str(file.bytes))

    def test_whether_it_has_its_files_is_known_there_too(self, make_release: Any) -> None:
        release = make_release()
        assert services.has_its_files(release)

        storage.remove_file(release.files.all()[0].file)

        assert not services.has_its_files(release)


class TestStyleEmbeddings:
    ADDRESS = "/api/v1/style-embeddings/"

    @pytest.fixture
    def embedded(self, db: None) -> dict[str, Any]:
        known = {}
        for number, preset in enumerate(styles.catalogue.presets()[:2]):
            style, _ = styles.preset_load(preset=preset)
            vector = np.linspace(-1, 1, 128, dtype=np.float32) + np.float32(number / 3)
            styles.style_embedding_store(style=style, embedding=vector, model_sha256="a" * 64)
            known[style.slug] = vector
        styles.preset_load(preset=styles.catalogue.presets()[2])
        return known

    def test_presets_come_with_the_very_numbers(self, anonymous_client: Any, embedded: dict[str, Any]) -> None:
        answer = anonymous_client.get(self.ADDRESS).json()

        assert (answer["model_sha256"], answer["embedding_size"]) == ("a" * 64, 128)
        assert [style["slug"] for style in answer["styles"]] == list(embedded)
        for style in answer["styles"]:
            assert np.array_equal(np.array(style["values"], np.float32), embedded[style["slug"]])

    def test_who_has_them_is_told_so(self, anonymous_client: Any, embedded: dict[str, Any]) -> None:
        etag = anonymous_client.get(self.ADDRESS)["ETag"]

        again = anonymous_client.get(self.ADDRESS, headers={"if-none-match": etag})

        assert (again.status_code, again["ETag"]) == (304, etag)

    def test_another_model_has_none(self, anonymous_client: Any, embedded: dict[str, Any]) -> None:
        answer = anonymous_client.get(self.ADDRESS, {"model": "b" * 64})

        assert (answer.status_code, answer.json()["code"]) == (404, "no_embeddings")
        assert anonymous_client.get(self.ADDRESS, {"model": "a" * 64}).status_code == 200

    def test_before_any_model_there_are_none(self, anonymous_client: Any) -> None:
        assert anonymous_client.get(self.ADDRESS).json()["code"] == "no_embeddings"

    def test_peoples_own_pictures_are_not_among_them(
        self, api_client: Any, user: Any, embedded: dict[str, Any]
    ) -> None:
        from PIL import Image

        own = styles.style_create(owner=user, picture=Image.new("RGB", (64, 64), "red"), name="Mine")
        styles.style_embedding_store(style=own, embedding=np.ones(128, np.float32), model_sha256="a" * 64)

        slugs = [style["slug"] for style in api_client.get(self.ADDRESS).json()["styles"]]

        assert own.slug not in slugs
