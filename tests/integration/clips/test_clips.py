"""Clips over the API, their bytes behind a permission check, and what remains of a removed one."""

import io
import uuid
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from django.core.management import call_command
from django.utils import timezone

from clips import clip_files, media, services, visibility
from clips.demos import demos
from clips.media import prepare_media
from clips.models import Clip
from clips.services import clip_adopt, clip_remove, clips_sweep
from tests.media import corners, flat, hum, make_sound_file, make_video, moving, quarters, truncated

pytestmark = pytest.mark.django_db
MakeClip = Callable[..., Clip]


@pytest.fixture(autouse=True)
def _own_folder(settings: Any, tmp_path: Path) -> None:
    settings.VAR_DIR = tmp_path / "var"
    settings.MEDIA_ROOT = tmp_path / "var" / "media"


@pytest.fixture
def make_clip(tmp_path: Path) -> MakeClip:
    """A clip with real files: `make_clip(user, title="A walk", parents=[original])`."""

    def make(owner: Any, **said: Any) -> Clip:
        folder = tmp_path / str(uuid.uuid4())
        folder.mkdir()
        pictures = said.pop("images", None) or quarters(96, 64, 10)
        video = make_video(folder / "video.mp4", pictures, sound=hum, rate=10)
        return clip_adopt(**{"owner": owner, "title": "A walk", "media": prepare_media(video, folder), **said})

    return make


@pytest.fixture
def no_rules(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    rules: list[Any] = []
    monkeypatch.setattr(visibility, "_rules", rules)
    return rules


def url(clip: Clip, name: str = "video.mp4") -> str:
    return f"/media/clips/{clip.pk}/{name}"


def body(answer: Any) -> bytes:
    content = b"".join(answer.streaming_content)
    answer.close()
    return content


def asked(client: Any, address: str, **headers: str) -> int:
    """The status; the file behind it is closed again."""
    answer = client.get(address, headers=headers)
    answer.close()
    return int(answer.status_code)


def picture(content: bytes) -> Any:
    decoded = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR_RGB)
    assert decoded is not None
    return decoded


class TestApi:
    def test_a_clip_has_the_agreed_shape(self, api_client: Any, user: Any, make_clip: MakeClip) -> None:
        original = make_clip(user)
        clip = make_clip(user, parents=[original], recipe={"kind": "restyle"}, title="  Two\nlines ")

        shown = api_client.get(f"/api/v1/clips/{clip.pk}/").json()

        assert set(shown) == {
            "id", "owner", "title", "width", "height", "duration_seconds", "frame_rate", "frame_count", "has_audio",
            "bytes", "created_at", "video_url", "poster_url", "captions_url", "sprite", "parents", "recipe", "is_demo",
            "credit",
        }  # fmt: skip
        assert (shown["title"], shown["recipe"], shown["is_demo"]) == ("Two lines", {"kind": "restyle"}, False)
        assert (shown["width"], shown["height"], shown["frame_count"], shown["frame_rate"]) == (96, 64, 10, 10)
        assert shown["duration_seconds"] == 1.0
        assert shown["parents"] == [
            {
                "id": str(original.pk),
                "title": "A walk",
                "video_url": url(original),
                "poster_url": url(original, "poster.jpg"),
            }
        ]
        assert shown["sprite"] == {
            "url": url(clip, "sprite.jpg"), "columns": 5, "rows": 2, "frame_width": 96, "frame_height": 64, "count": 10,
        }  # fmt: skip

    def test_the_list_holds_ones_own_newest_first(
        self, api_client: Any, client_of: Any, user: Any, other_user: Any, make_clip: MakeClip
    ) -> None:
        first, second = make_clip(user), make_clip(user)
        make_clip(other_user)

        listed = api_client.get("/api/v1/clips/").json()["results"]

        assert [clip["id"] for clip in listed] == [str(second.pk), str(first.pk)]
        assert client_of(other_user).get(f"/api/v1/clips/{first.pk}/").status_code == 404

    def test_the_list_costs_the_same_for_one_and_for_many(
        self, api_client: Any, user: Any, make_clip: MakeClip, django_assert_max_num_queries: Any
    ) -> None:
        original = make_clip(user)
        for _ in range(4):
            make_clip(user, parents=[original])

        with django_assert_max_num_queries(8):
            assert len(api_client.get("/api/v1/clips/").json()["results"]) == 5

    def test_a_clip_is_renamed_and_nothing_else_changes(self, api_client: Any, user: Any, make_clip: MakeClip) -> None:
        clip = make_clip(user)

        answer = api_client.patch(f"/api/v1/clips/{clip.pk}/", {"title": " New   name ", "bytes": 1, "owner": 2})

        assert (answer.status_code, answer.json()["title"]) == (200, "New name")
        clip.refresh_from_db()
        assert (clip.title, clip.owner) == ("New name", user)
        assert clip.bytes > 1

    @pytest.mark.parametrize("title", ["", " ", "x" * 121])
    def test_a_title_that_cannot_be_used_is_refused(
        self, api_client: Any, user: Any, make_clip: MakeClip, title: str
    ) -> None:
        answer = api_client.patch(f"/api/v1/clips/{make_clip(user).pk}/", {"title": title})

        assert (answer.status_code, answer["Content-Type"]) == (400, "application/problem+json")
        assert "title" in answer.json()["errors"]

    def test_a_frame_is_the_one_of_that_time(self, api_client: Any, user: Any, make_clip: MakeClip) -> None:
        clip = make_clip(user, images=[np.full((64, 96, 3), level, np.uint8) for level in range(20, 220, 20)])

        for at, level in [(0, 20), (0.31, 80), (0.95, 200), (99, 200)]:
            answer = api_client.get(f"/api/v1/clips/{clip.pk}/frame.jpg?at_seconds={at}&height=32")
            assert answer["Content-Type"] == "image/jpeg"
            assert picture(answer.content).shape == (32, 48, 3)
            assert np.median(picture(answer.content)) == pytest.approx(level, abs=4)

    @pytest.mark.parametrize("query", ["at_seconds=-1", "at_seconds=nan", "height=0", "height=9999", "height=x"])
    def test_a_frame_that_cannot_be_is_refused(
        self, api_client: Any, user: Any, make_clip: MakeClip, query: str
    ) -> None:
        answer = api_client.get(f"/api/v1/clips/{make_clip(user).pk}/frame.jpg?{query}")

        assert (answer.status_code, answer["Content-Type"]) == (400, "application/problem+json")

    @pytest.mark.parametrize("damage", [Path.unlink, lambda path: path.write_bytes(b"scratched")])
    def test_a_frame_of_a_lost_file_is_not_found(
        self, api_client: Any, user: Any, make_clip: MakeClip, damage: Callable[[Path], Any]
    ) -> None:
        clip = make_clip(user)
        damage(clip.video_path)

        answer = api_client.get(f"/api/v1/clips/{clip.pk}/frame.jpg")

        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


class TestMedia:
    def test_only_whoever_may_watch_gets_the_bytes(
        self, user: Any, other_user: Any, moderator: Any, client_of: Any, anonymous_client: Any, make_clip: MakeClip,
        no_rules: list[Any],
    ) -> None:  # fmt: skip
        clip = make_clip(user)

        for name in ("video.mp4", "poster.jpg", "sprite.jpg"):
            statuses = {
                who: asked(client, url(clip, name))
                for who, client in [
                    ("owner", client_of(user)), ("other", client_of(other_user)), ("moderator", client_of(moderator)),
                    ("nobody", anonymous_client),
                ]
            }  # fmt: skip
            assert statuses == {"owner": 200, "other": 404, "moderator": 200, "nobody": 404}

    def test_a_rule_of_another_room_shows_it(
        self, user: Any, anonymous_client: Any, make_clip: MakeClip, no_rules: list[Any]
    ) -> None:
        shown, private = make_clip(user), make_clip(user)
        visibility.register(lambda clip_id, viewer: clip_id == shown.pk)

        assert asked(anonymous_client, url(shown)) == 200
        assert asked(anonymous_client, url(private)) == 404

    def test_it_is_served_as_what_we_made_it(self, api_client: Any, user: Any, make_clip: MakeClip) -> None:
        clip = make_clip(user)

        answer = api_client.get(url(clip))

        assert body(answer) == clip.video_path.read_bytes()
        assert answer["Content-Type"] == "video/mp4"
        assert answer["X-Content-Type-Options"] == "nosniff"
        assert answer["Content-Length"] == str(clip.bytes)
        assert answer["Accept-Ranges"] == "bytes"
        assert "private" in answer["Cache-Control"]
        assert "Cookie" in answer["Vary"]
        poster = api_client.get(url(clip, "poster.jpg"))
        assert (poster["Content-Type"], body(poster)[:2]) == ("image/jpeg", b"\xff\xd8")

    def test_a_part_is_served_as_players_ask(self, api_client: Any, user: Any, make_clip: MakeClip) -> None:
        clip = make_clip(user)
        content = clip.video_path.read_bytes()

        part = api_client.get(url(clip), headers={"Range": "bytes=100-299"})
        beyond = api_client.get(url(clip), headers={"Range": f"bytes={len(content)}-"})
        head = api_client.head(url(clip))

        assert (part.status_code, body(part)) == (206, content[100:300])
        assert part["Content-Range"] == f"bytes 100-299/{len(content)}"
        assert (beyond.status_code, beyond["Content-Range"]) == (416, f"bytes */{len(content)}")
        assert beyond["Content-Type"] == "application/problem+json"
        assert (head.status_code, head["Content-Length"], head.content) == (200, str(len(content)), b"")

    def test_a_part_of_another_version_is_not_glued_to_it(
        self, api_client: Any, user: Any, make_clip: MakeClip
    ) -> None:
        clip = make_clip(user)
        etag = api_client.head(url(clip))["ETag"]

        assert asked(api_client, url(clip), **{"Range": "bytes=0-9", "If-Range": etag}) == 206
        assert asked(api_client, url(clip), **{"Range": "bytes=0-9", "If-Range": '"another"'}) == 200

    def test_what_is_known_is_not_sent_again(self, api_client: Any, user: Any, make_clip: MakeClip) -> None:
        clip = make_clip(user)

        answer = api_client.get(url(clip), headers={"If-None-Match": api_client.head(url(clip))["ETag"]})

        assert (answer.status_code, answer.content) == (304, b"")

    def test_behind_a_proxy_the_proxy_sends_the_bytes_after_the_same_check(
        self, api_client: Any, client_of: Any, user: Any, other_user: Any, make_clip: MakeClip, settings: Any
    ) -> None:
        settings.MEDIA_ACCEL_PREFIX = "/internal/"
        clip = make_clip(user)

        answer = api_client.get(url(clip))

        assert answer["X-Accel-Redirect"] == f"/internal/clips/{clip.pk}/video.mp4"
        assert answer.content == b""
        assert asked(client_of(other_user), url(clip)) == 404

    @pytest.mark.parametrize("name", ["original.mov", "video.mp4/..", "../../db.sqlite3", "video.mp4%00", "child.log"])
    def test_no_other_file_is_served(self, api_client: Any, user: Any, make_clip: MakeClip, name: str) -> None:
        assert asked(api_client, url(make_clip(user), name)) == 404

    @pytest.mark.parametrize("clip_id", ["0" * 36, str(uuid.uuid4()), "-" * 36])
    def test_an_id_nobody_has_is_not_found(self, api_client: Any, clip_id: str) -> None:
        answer = api_client.get(f"/media/clips/{clip_id}/video.mp4")

        assert (answer.status_code, answer["Content-Type"]) == (404, "application/problem+json")


class TestCaptions:
    SAID = "WEBVTT\n\n00:00:00.000 --> 00:00:01.000\n早安 &amp; good morning\n"

    @pytest.fixture
    def spoken(self, user: Any, make_clip: MakeClip) -> Clip:
        return make_clip(user, recipe={"kind": "edit", "edit": {}, "credits": [], "captions": self.SAID})

    def test_captions_are_served_as_text_that_no_browser_takes_for_anything_else(
        self, api_client: Any, spoken: Clip
    ) -> None:
        address = api_client.get(f"/api/v1/clips/{spoken.pk}/").json()["captions_url"]

        answer = api_client.get(address)

        assert address == url(spoken, "captions.vtt")
        assert answer.content.decode() == self.SAID
        assert answer["Content-Type"] == "text/vtt; charset=utf-8"
        assert answer["X-Content-Type-Options"] == "nosniff"
        assert "private" in answer["Cache-Control"]
        assert "Cookie" in answer["Vary"]

    def test_whoever_may_not_watch_may_not_read_either(
        self, user: Any, other_user: Any, moderator: Any, client_of: Any, anonymous_client: Any, spoken: Clip,
        no_rules: list[Any],
    ) -> None:  # fmt: skip
        people = {"owner": client_of(user), "other": client_of(other_user), "moderator": client_of(moderator)}

        statuses = {
            who: asked(client, url(spoken, "captions.vtt"))
            for who, client in {**people, "nobody": anonymous_client}.items()
        }

        assert statuses == {"owner": 200, "other": 404, "moderator": 200, "nobody": 404}

    def test_captions_that_are_known_are_not_sent_again(self, api_client: Any, spoken: Clip) -> None:
        address = url(spoken, "captions.vtt")

        head = api_client.head(address)
        again = api_client.get(address, headers={"If-None-Match": head["ETag"]})

        assert (head.status_code, head.content) == (200, b"")
        assert (again.status_code, again.content) == (304, b"")

    @pytest.mark.parametrize(
        "recipe",
        [None, {"kind": "restyle"}, {"kind": "edit", "captions": ""}, {"kind": "edit", "captions": 7}, ["captions"]],
    )
    def test_a_clip_without_captions_has_no_address_for_them(
        self, api_client: Any, user: Any, make_clip: MakeClip, recipe: Any
    ) -> None:
        silent = make_clip(user, recipe=recipe)

        assert api_client.get(f"/api/v1/clips/{silent.pk}/").json()["captions_url"] is None
        assert asked(api_client, url(silent, "captions.vtt")) == 404

    @pytest.mark.parametrize("clip_id", ["0" * 36, str(uuid.uuid4()), "-" * 36])
    def test_captions_of_an_id_nobody_has_are_not_found(self, api_client: Any, clip_id: str) -> None:
        answer = api_client.get(f"/media/clips/{clip_id}/captions.vtt")

        assert (answer.status_code, answer["Content-Type"]) == (404, "application/problem+json")


class TestRemoval:
    def test_a_removed_clip_is_gone_and_its_files_follow(
        self, api_client: Any, user: Any, make_clip: MakeClip, django_capture_on_commit_callbacks: Any
    ) -> None:
        clip = make_clip(user)
        video = clip.video_path

        assert api_client.delete(f"/api/v1/clips/{clip.pk}/").status_code == 204

        assert api_client.get(f"/api/v1/clips/{clip.pk}/").status_code == 404
        assert api_client.get("/api/v1/clips/").json()["results"] == []
        with django_capture_on_commit_callbacks(execute=True):
            clips_sweep(timezone.now())
        assert video.exists()  # a job may have been given it a moment ago
        with django_capture_on_commit_callbacks(execute=True):
            clips_sweep(timezone.now() + timedelta(hours=2))
        assert not video.parent.exists()
        assert not Clip.objects.exists()

    def test_an_original_stays_beside_what_was_made_from_it(
        self, api_client: Any, client_of: Any, user: Any, other_user: Any, make_clip: MakeClip,
        django_capture_on_commit_callbacks: Any,
    ) -> None:  # fmt: skip
        original = make_clip(user)
        painted = make_clip(user, parents=[original])

        clip_remove(clip=original, at=timezone.now())
        with django_capture_on_commit_callbacks(execute=True):
            clips_sweep(timezone.now() + timedelta(hours=2))

        assert asked(api_client, url(original)) == 200
        assert asked(client_of(other_user), url(original)) == 404
        assert [parent["id"] for parent in api_client.get(f"/api/v1/clips/{painted.pk}/").json()["parents"]] == [
            str(original.pk)
        ]

    def test_a_row_that_cannot_be_written_leaves_no_file(
        self, user: Any, make_clip: MakeClip, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def refuse(*_: Any, **__: Any) -> None:
            raise RuntimeError("database is gone")

        monkeypatch.setattr(services, "_make_row", refuse)
        with pytest.raises(RuntimeError):
            make_clip(user)

        assert clip_files.local_clip_folders() == []


class TestDemos:
    def test_everybody_signed_in_may_watch_and_paint_a_demo(
        self, client_of: Any, anonymous_client: Any, user: Any, other_user: Any, make_clip: MakeClip,
        no_rules: list[Any],
    ) -> None:  # fmt: skip
        demo = make_clip(user, demo=demos()[0].name)
        reader = client_of(other_user)

        assert [clip["id"] for clip in reader.get("/api/v1/clips/?demo=true").json()["results"]] == [str(demo.pk)]
        shown = reader.get(f"/api/v1/clips/{demo.pk}/").json()
        assert shown["is_demo"]
        assert shown["credit"] == demos()[0].credit != ""
        assert asked(reader, url(demo)) == 200
        assert asked(anonymous_client, url(demo)) == 404
        assert reader.delete(f"/api/v1/clips/{demo.pk}/").status_code == 404
        assert reader.patch(f"/api/v1/clips/{demo.pk}/", {"title": "Mine"}).status_code == 404

    def test_they_are_loaded_once(self, settings: Any) -> None:
        settings.CLIP_SECONDS_MAX = 60

        for _ in range(2):
            call_command("load_demo", stdout=io.StringIO())

        assert set(Clip.objects.values_list("demo", flat=True)) == {demo.name for demo in demos()}
        assert Clip.objects.count() == len(demos())


class TestLooking:
    """`clips.media` on finished files."""

    def test_facts_are_counted(self, tmp_path: Path) -> None:
        facts = media.probe(make_video(tmp_path / "a.mp4", moving(96, 64, 12), rate=24, sound=hum))

        assert (facts.width, facts.height, facts.frame_count, facts.has_audio) == (96, 64, 12, True)
        assert (facts.frame_rate, facts.duration_seconds) == (24, 0.5)

    def test_a_frame_is_never_enlarged(self, tmp_path: Path) -> None:
        video = make_video(tmp_path / "a.mp4", quarters(96, 64, 5))

        assert media.read_frame(video, 0.1, 1080).shape == (64, 96, 3)
        assert corners(media.read_frame(video, 0.1, 32)) == ["red", "green", "blue", "grey"]

    @pytest.mark.parametrize("height", [720, 64])
    def test_colours_are_read_by_their_tags(self, tmp_path: Path, height: int) -> None:
        video = make_video(tmp_path / "a.mp4", flat((200, 40, 40), 96, 64, 3))

        assert np.median(media.read_frame(video, 0, height), axis=(0, 1)) == pytest.approx((200, 40, 40), abs=3)

    def test_a_poster_is_small_and_a_sprite_spread_over_the_clip(self, tmp_path: Path) -> None:
        levels = [20 + 4 * index for index in range(50)]
        images = (np.full((1080, 1920, 3), level, np.uint8) for level in levels)
        prepared = prepare_media(make_video(tmp_path / "a.mp4", images), tmp_path)

        assert picture(prepared.poster.read_bytes()).shape == (720, 1280, 3)
        sheet, layout = picture(prepared.sprite.read_bytes()), prepared.layout
        assert (layout.count, layout.columns, layout.rows) == (25, 5, 5)
        assert (layout.frame_width, layout.frame_height) == (160, 90)
        middles = [sheet[45 + 90 * row, 80 + 160 * column].mean() for row in range(5) for column in range(5)]
        # The middle of two frames is where one ends and the other begins: either will do.
        assert middles == pytest.approx([level - 2 for level in levels[1::2]], abs=4)

    @pytest.mark.parametrize("kind", ["text", "sound", "half"])
    def test_what_is_no_finished_video_is_said(self, tmp_path: Path, kind: str) -> None:
        path = tmp_path / "a.mp4"
        if kind == "text":
            path.write_bytes(b"hello")
        elif kind == "sound":
            make_sound_file(path)
        else:
            truncated(path, make_video(tmp_path / "whole.mp4"))

        with pytest.raises(media.UnusableVideo):
            media.probe(path)


def test_staff_see_clips_and_uploads_and_change_neither(
    make_user: Any, client_of: Any, user: Any, make_clip: MakeClip
) -> None:
    clip = make_clip(user)
    desk = client_of(make_user("root", is_superuser=True, is_staff=True))

    page = desk.get(f"/admin/clips/clip/{clip.pk}/change/").content.decode()

    assert f'<video src="{url(clip)}" poster="{url(clip, "poster.jpg")}"' in page
    assert url(clip, "poster.jpg") in desk.get("/admin/clips/clip/").content.decode()
    assert desk.get("/admin/clips/upload/").status_code == 200
    assert desk.get("/admin/clips/clip/add/").status_code == 403
    assert desk.post(f"/admin/clips/clip/{clip.pk}/delete/", {"post": "yes"}).status_code == 403
    assert Clip.objects.filter(pk=clip.pk, deleted_at=None).exists()
