"""Styles: presets from files, own pictures from people, and who may see which."""

import io
import json
import os
import struct
import uuid
import zlib
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.core.management import call_command
from django.utils import timezone
from PIL import Image

from foundation.errors import NotAllowed, NotFound
from foundation.files import media_path
from stylization import embedding, selectors, services, visibility
from stylization.models import Style
from stylization.services import TooManyStyles

pytestmark = pytest.mark.django_db


def picture_file(kind: str = "JPEG", size: tuple[int, int] = (160, 120), **options: Any) -> io.BytesIO:
    out = io.BytesIO(b"")
    out.name = f"mine.{kind.lower()}"
    width, height = size
    Image.fromarray(np.random.default_rng(2).integers(0, 255, (height, width, 3), np.uint8)).save(out, kind, **options)
    out.seek(0)
    return out


@pytest.fixture
def own_style(user: Any) -> Style:
    return services.style_create_from_upload(owner=user, image=picture_file(), name="My garden")


@pytest.fixture
def presets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedding, "WEIGHTS", Path("/nowhere"))
    for preset in services.catalogue.presets()[:3]:
        services.preset_load(preset=preset)


@pytest.fixture
def no_rules(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    rules: list[Any] = []
    monkeypatch.setattr(visibility, "_rules", rules)
    return rules


class TestOwnPictures:
    def test_a_picture_becomes_a_style_with_palette_and_files(self, user: Any) -> None:
        style = services.style_create_from_upload(owner=user, image=picture_file("PNG"), name="  My garden ")

        assert (style.kind, style.owner, style.name) == ("own", user, "My garden")
        assert len(style.palette) == 5
        with Image.open(style.image_path) as image, Image.open(style.thumbnail_path) as thumbnail:
            assert (image.format, image.size) == ("JPEG", (160, 120))
            assert (thumbnail.format, thumbnail.size) == ("JPEG", (320, 320))

    def test_a_nameless_picture_gets_a_name(self, user: Any) -> None:
        assert services.style_create_from_upload(owner=user, image=picture_file(), name=" ").name == "My picture"

    def test_nobody_keeps_more_than_allowed(self, user: Any, own_style: Style, settings: Any) -> None:
        settings.IMPASTO_OWN_STYLES = 1

        with pytest.raises(TooManyStyles):
            services.style_create_from_upload(owner=user, image=picture_file(), name="")

    def test_when_the_row_cannot_be_written_no_file_remains(self, user: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        def refuse(self: Style, **_: Any) -> None:
            raise RuntimeError("database is gone")

        before = set(media_path("styles").glob("*")) if media_path("styles").exists() else set()
        monkeypatch.setattr(Style, "save", refuse)
        with pytest.raises(RuntimeError):
            services.style_create_from_upload(owner=user, image=picture_file(), name="x")

        assert set(media_path("styles").glob("*")) == before

    def test_a_removed_style_that_painted_nothing_goes_with_its_files(
        self, user: Any, own_style: Style, django_capture_on_commit_callbacks: Any
    ) -> None:
        slug, folder = own_style.slug, own_style.image_path.parent
        with django_capture_on_commit_callbacks(execute=True):
            services.style_remove(style=own_style, by=user, at=timezone.now())

        assert not Style.objects.exists()
        assert not folder.exists()
        with pytest.raises(NotFound):
            selectors.style_by_slug(user, slug)

    def test_somebody_elses_style_cannot_be_removed(self, other_user: Any, own_style: Style) -> None:
        with pytest.raises(NotAllowed):
            services.style_remove(style=own_style, by=other_user, at=timezone.now())

    def test_a_preset_cannot_be_removed(self, user: Any, presets: None) -> None:
        preset = selectors.presets()[0]

        with pytest.raises(NotAllowed):
            services.style_remove(style=preset, by=user, at=timezone.now())


class TestSweep:
    def test_folders_without_a_row_are_removed_when_they_are_old(self, own_style: Style) -> None:
        orphan, fresh = (media_path("styles", str(uuid.uuid4())) for _ in range(2))
        for folder in (orphan, fresh):
            folder.mkdir(parents=True)
        two_hours_ago = (timezone.now() - timedelta(hours=2)).timestamp()
        for folder in (orphan, own_style.image_path.parent):
            os.utime(folder, (two_hours_ago, two_hours_ago))

        services.styles_sweep(at=timezone.now())

        assert not orphan.exists()
        assert fresh.exists()
        assert own_style.image_path.exists()


class TestPresets:
    def test_all_presets_are_loaded_once_and_stay_as_they_are(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("stylization.management.commands.load_presets.shipped_model_sha256", lambda: None)
        call_command("load_presets", stdout=io.StringIO(), stderr=io.StringIO())
        first = dict(Style.objects.values_list("slug", "created_at"))
        said = io.StringIO()

        call_command("load_presets", stdout=said, stderr=io.StringIO())

        assert len(first) == 30
        assert dict(Style.objects.values_list("slug", "created_at")) == first
        assert "0 of them loaded now" in said.getvalue()

    def test_a_lost_file_comes_back(self, presets: None) -> None:
        style = selectors.presets()[0]
        style.image_path.unlink()

        _, changed = services.preset_load(preset=services.catalogue.presets()[0])

        assert changed
        assert style.image_path.exists()

    def test_another_picture_forgets_the_embedding(self, presets: None) -> None:
        style = selectors.presets()[0]
        services.style_embedding_store(style=style, embedding=np.ones(4, np.float32), model_sha256="a" * 64)
        Style.objects.filter(pk=style.pk).update(image_sha256="b" * 64)

        renewed, _ = services.preset_load(preset=services.catalogue.presets()[0])

        assert services.style_embedding(style=renewed, model_sha256="a" * 64) is None

    def test_an_embedding_counts_only_for_the_model_that_made_it(self, own_style: Style) -> None:
        vector = np.arange(4, dtype=np.float32)
        services.style_embedding_store(style=own_style, embedding=vector, model_sha256="a" * 64)
        own_style.refresh_from_db()

        kept = services.style_embedding(style=own_style, model_sha256="a" * 64)
        assert kept is not None
        assert kept.tolist() == vector.tolist()
        assert services.style_embedding(style=own_style, model_sha256="b" * 64) is None

    def test_missing_weights_are_said_and_stop_nothing(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("stylization.management.commands.load_presets.shipped_model_sha256", lambda: None)
        said = io.StringIO()

        call_command("load_presets", stdout=io.StringIO(), stderr=said)

        assert "No model weights" in said.getvalue()
        assert Style.objects.count() == 30


class TestApi:
    def test_the_list_has_presets_in_the_catalogues_order(
        self, api_client: Any, presets: None, own_style: Style
    ) -> None:
        listed = api_client.get("/api/v1/styles/?kind=preset").json()

        assert [style["slug"] for style in listed["results"]] == [
            preset.slug for preset in services.catalogue.presets()[:3]
        ]
        assert listed["next"] is None

    def test_a_style_has_the_agreed_shape(self, api_client: Any, presets: None) -> None:
        style = api_client.get("/api/v1/styles/vangogh-starry-night/").json()

        assert set(style) == {
            "id", "slug", "name", "kind", "artist", "year", "licence", "credit", "image_url", "thumbnail_url",
            "palette", "accent", "mine",
        }  # fmt: skip
        assert set(style["accent"]) == {"on_dark", "on_light"}
        assert style["image_url"] == f"/media/styles/{style['id']}/image.jpg"
        assert style["mine"] is False

    def test_everybody_may_look_at_presets(self, anonymous_client: Any, presets: None, own_style: Style) -> None:
        listed = anonymous_client.get("/api/v1/styles/").json()["results"]

        assert len(listed) == 3
        assert anonymous_client.get(listed[0]["thumbnail_url"]).status_code == 200

    def test_mine_are_mine_alone(self, api_client: Any, client_of: Any, other_user: Any, own_style: Style) -> None:
        mine = api_client.get("/api/v1/styles/?kind=mine").json()["results"]

        assert [(style["slug"], style["mine"]) for style in mine] == [(own_style.slug, True)]
        assert client_of(other_user).get("/api/v1/styles/?kind=mine").json()["results"] == []
        assert client_of(other_user).get(f"/api/v1/styles/{own_style.slug}/").status_code == 404

    def test_an_unknown_kind_is_refused(self, api_client: Any) -> None:
        answer = api_client.get("/api/v1/styles/?kind=secret")

        assert answer.status_code == 400
        assert answer["Content-Type"] == "application/problem+json"

    def test_a_picture_can_be_added_and_removed(self, api_client: Any) -> None:
        added = api_client.post("/api/v1/styles/", {"image": picture_file(), "name": "Mine"}, format="multipart")

        assert added.status_code == 201
        style = added.json()
        assert (style["kind"], style["mine"], style["name"]) == ("own", True, "Mine")
        image = api_client.get(style["image_url"])
        assert image["Content-Type"] == "image/jpeg"
        assert image["X-Content-Type-Options"] == "nosniff"
        assert "private" in image["Cache-Control"]
        assert api_client.delete(f"/api/v1/styles/{style['slug']}/").status_code == 204
        assert api_client.get("/api/v1/styles/?kind=mine").json()["results"] == []

    def test_the_same_key_adds_the_picture_once(self, api_client: Any) -> None:
        answers = [
            api_client.post(
                "/api/v1/styles/", {"image": picture_file()}, format="multipart", HTTP_IDEMPOTENCY_KEY="once"
            )
            for _ in range(2)
        ]

        assert answers[0].json() == answers[1].json()
        assert Style.objects.count() == 1

    @pytest.mark.parametrize(
        ("make", "status", "code"),
        [
            (lambda: named(b"<svg xmlns='http://www.w3.org/2000/svg'/>", "a.jpg"), 400, "picture_is_svg"),
            (lambda: named(b"hello", "a.jpg"), 400, "picture_not_readable"),
            (lambda: named(picture_file().getvalue()[:3000], "a.jpg"), 400, "picture_truncated"),
            (lambda: picture_file(size=(20, 20)), 400, "picture_too_small"),
            (lambda: claims_to_be(9000, 6000), 413, "picture_too_large"),
            (lambda: moving_gif(), 400, "picture_animated"),
            (lambda: named(b"", "a.jpg"), 400, "invalid"),
        ],
        ids=["svg", "no picture", "truncated", "tiny", "huge", "animated", "empty"],
    )
    def test_bad_pictures_are_refused_with_a_code(
        self, api_client: Any, make: Callable[[], io.BytesIO], status: int, code: str
    ) -> None:
        answer = api_client.post("/api/v1/styles/", {"image": make()}, format="multipart")

        assert (answer.status_code, answer.json()["code"]) == (status, code)
        assert answer.json()["detail"]
        assert not Style.objects.exists()

    def test_a_cmyk_picture_is_taken(self, api_client: Any) -> None:
        out = io.BytesIO()
        out.name = "print.jpg"
        Image.new("CMYK", (80, 80), (0, 200, 200, 20)).save(out, "JPEG")
        out.seek(0)

        assert api_client.post("/api/v1/styles/", {"image": out}, format="multipart").status_code == 201

    def test_nobody_adds_a_picture_without_an_account(self, anonymous_client: Any) -> None:
        answer = anonymous_client.post("/api/v1/styles/", {"image": picture_file()}, format="multipart")

        assert answer.status_code in (401, 403)

    def test_somebody_elses_style_cannot_be_removed(self, client_of: Any, other_user: Any, own_style: Style) -> None:
        assert client_of(other_user).delete(f"/api/v1/styles/{own_style.slug}/").status_code == 404

    def test_a_preset_cannot_be_removed(self, api_client: Any, presets: None) -> None:
        assert api_client.delete("/api/v1/styles/vangogh-starry-night/").status_code == 403


class TestVisibility:
    def test_an_own_picture_is_not_readable_by_its_address(
        self, client_of: Any, other_user: Any, anonymous_client: Any, own_style: Style, no_rules: list[Any]
    ) -> None:
        for name in ("image.jpg", "thumbnail.jpg"):
            address = f"/media/styles/{own_style.pk}/{name}"
            assert client_of(other_user).get(address).status_code == 404
            assert anonymous_client.get(address).status_code == 404

    def test_it_is_seen_where_a_visible_post_credits_it(
        self, client_of: Any, other_user: Any, own_style: Style, no_rules: list[Any]
    ) -> None:
        visibility.register(lambda style_id, user: style_id == own_style.pk and user == other_user)

        assert client_of(other_user).get(f"/media/styles/{own_style.pk}/thumbnail.jpg").status_code == 200
        assert client_of(other_user).get(f"/api/v1/styles/{own_style.slug}/").json()["name"] == "My garden"

    def test_being_seen_does_not_make_it_ones_own(
        self, client_of: Any, other_user: Any, own_style: Style, no_rules: list[Any]
    ) -> None:
        visibility.register(lambda style_id, user: True)

        assert client_of(other_user).delete(f"/api/v1/styles/{own_style.slug}/").status_code == 404
        with pytest.raises(NotFound):
            selectors.style_by_slug(other_user, own_style.slug)

    def test_a_moderator_sees_it(self, client_of: Any, moderator: Any, own_style: Style, no_rules: list[Any]) -> None:
        assert client_of(moderator).get(f"/media/styles/{own_style.pk}/image.jpg").status_code == 200

    @pytest.mark.parametrize("name", ["../../db.sqlite3", "original.jpg", "image.jpg/x"])
    def test_no_other_file_is_served(self, api_client: Any, own_style: Style, name: str) -> None:
        assert api_client.get(f"/media/styles/{own_style.pk}/{name}").status_code == 404


def test_the_staff_list_shows_pictures_and_palettes(make_user: Any, client_of: Any, own_style: Style) -> None:
    page = client_of(make_user("root", is_superuser=True, is_staff=True)).get("/admin/stylization/style/")

    assert page.status_code == 200
    assert f"/media/styles/{own_style.pk}/thumbnail.jpg" in page.content.decode()


def named(content: bytes, name: str) -> io.BytesIO:
    file = io.BytesIO(content)
    file.name = name
    return file


def claims_to_be(width: int, height: int) -> io.BytesIO:
    """A PNG whose header names a size that its pixels do not have."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    pixels = chunk(b"IDAT", zlib.compress(b"\x00" * 1000))
    return named(b"\x89PNG\r\n\x1a\n" + header + pixels + chunk(b"IEND", b""), "huge.png")


def moving_gif() -> io.BytesIO:
    frames = [Image.new("RGB", (64, 64), colour) for colour in ("red", "blue")]
    out = io.BytesIO()
    out.name = "moving.gif"
    frames[0].save(out, "GIF", save_all=True, append_images=frames[1:])
    out.seek(0)
    return out


def test_the_checksum_of_the_shipped_model_is_found_without_loading_it(tmp_path: Path) -> None:
    assert embedding.shipped_model_sha256(tmp_path) is None
    (tmp_path / "transform.safetensors").write_bytes(b"a")
    (tmp_path / "predictor.safetensors").write_bytes(b"b")
    assert embedding.shipped_model_sha256(tmp_path) is None
    (tmp_path / "model.json").write_bytes(b"{}")

    digest = embedding.shipped_model_sha256(tmp_path)

    assert digest is not None
    assert json.dumps(digest)
    assert len(digest) == 64
