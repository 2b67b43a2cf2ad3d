"""The whole way through the house over HTTP alone, with a real clip and the real network."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.urls import reverse

from clips.media import read_frame
from clips.models import Clip
from community.models import ModerationAction, Post
from jobs.models import Job
from stylization import services
from tests.integration.journeys.visitors import NOBODY, App, Browser, Visitor
from tests.media import hum, make_video, moving

pytestmark = pytest.mark.django_db(transaction=True)
STARRY = "vangogh-starry-night"
RECIPE = {"styles": [{"style": STARRY, "weight": 1.0}], "strength": 1.0, "keep_colors": False, "height": 240}


@pytest.fixture
def presets(transactional_db: None) -> None:
    for preset in services.catalogue.presets():
        if preset.slug == STARRY:
            services.preset_load(preset=preset)


@pytest.fixture
def anna(transactional_db: None) -> Browser:
    """She paints, in a browser."""
    anna = Browser()
    anna.sign_up("anna")
    return anna


@pytest.fixture
def bela(transactional_db: None) -> App:
    """He watches, with an app."""
    bela = App()
    bela.sign_up("bela")
    return bela


@pytest.fixture
def mona(moderator: Any) -> Browser:
    """She looks after the house."""
    mona = Browser()
    mona.log_in(moderator.username)
    return mona


@pytest.fixture
def nobody() -> Visitor:
    return Visitor()


@dataclass
class Shown:
    """A painting in the feed, and all the addresses under which one can meet it."""

    post: str
    clip: str
    original: str
    painting_job: str

    @property
    def media(self) -> list[str]:
        names = ["video.mp4", "poster.jpg", "sprite.jpg"]
        return [f"/media/clips/{clip}/{name}" for clip in (self.clip, self.original) for name in names]

    def is_met_by(self, visitor: Visitor) -> set[bool]:
        """Every way to meet it, whether it leads there; all of them should agree."""
        pages = [f"/posts/{self.post}/", f"/posts/{self.post}/comments/"]
        lists: list[dict[str, str]] = [{}, {"author": "anna"}, {"hashtag": "night"}, {"style": STARRY}]
        found = {visitor.get(page).status_code == 200 for page in pages}
        found |= {self.post in [post["id"] for post in visitor.listed("/posts/", **query)] for query in lists}
        found |= {visitor.fetched(address) == 200 for address in self.media}
        return found | {visitor.get("/users/anna/").json()["post_count"] == 1}


@pytest.fixture
def publish(anna: Browser, presets: None, tmp_path: Path) -> Callable[[], Shown]:
    """From a file to a post in the feed, each step by what the one before answered."""

    def go() -> Shown:
        source = make_video(tmp_path / "walk.mp4", moving(96, 64, 8), sound=hum)
        original = anna.work_done(anna.upload(source, title="Evening walk"))["result"]["clip_id"]
        started = anna.ask("POST", f"/clips/{original}/restyle/", {**RECIPE, "title": "Starry walk"})
        assert started.status_code == 202
        painting_job = started.json()["id"]
        painted = anna.work_done(painting_job)["result"]["clip_id"]
        wish = {"clip_id": painted, "caption": "By night #Night", "show_original": True}
        post = anna.ask("POST", "/posts/", wish)
        assert post.status_code == 201, post.content
        return Shown(post.json()["id"], painted, original, painting_job)

    return go


def test_a_clip_becomes_a_painting_that_others_like(
    publish: Callable[[], Shown], anna: Browser, bela: App, nobody: Visitor
) -> None:
    shown = publish()

    painted = anna.get(f"/clips/{shown.clip}/").json()
    assert (painted["title"], painted["width"], painted["height"], painted["frame_count"]) == ("Starry walk", 96, 64, 8)
    assert painted["has_audio"]
    assert [parent["id"] for parent in painted["parents"]] == [shown.original]
    assert [style["slug"] for style in painted["recipe"]["styles"]] == [STARRY]
    assert len(painted["recipe"]["model"]["sha256"]) == 64
    before, after = (
        read_frame(Clip.objects.get(pk=pk).video_path, 0.1, 64).astype(int) for pk in (shown.original, shown.clip)
    )
    assert np.abs(before - after).mean() > 8

    assert bela.ask("PUT", f"/posts/{shown.post}/like/").json() == {"liked": True, "like_count": 1}
    assert bela.ask("POST", f"/posts/{shown.post}/comments/", {"text": "What a night!"}).status_code == 201

    assert shown.is_met_by(nobody) == shown.is_met_by(bela) == {True}
    (post,) = nobody.listed("/posts/")
    assert (post["author"]["username"], post["caption"], post["hashtags"]) == ("anna", "By night #Night", ["night"])
    assert (post["like_count"], post["comment_count"], post["liked"], post["mine"]) == (1, 1, False, False)
    assert post["original"]["video_url"] == f"/media/clips/{shown.original}/video.mp4"
    assert [style["slug"] for style in post["styles"]] == [STARRY]
    (seen,) = bela.listed("/posts/")
    assert (seen["liked"], seen["mine"]) == (True, False)
    (comment,) = anna.listed(f"/posts/{shown.post}/comments/")
    assert (comment["author"]["username"], comment["text"], comment["mine"]) == ("bela", "What a night!", False)


def test_a_snapshot_tells_everybody_of_their_own_work_alone(
    publish: Callable[[], Shown], anna: Browser, bela: App, nobody: Visitor
) -> None:
    shown = publish()

    jobs = anna.socket_snapshot()

    assert isinstance(jobs, list)
    assert {(job["kind"], job["state"]) for job in jobs} == {("ingest", "succeeded"), ("restyle", "succeeded")}
    assert shown.painting_job in {job["id"] for job in jobs}
    assert bela.socket_snapshot() == []
    assert nobody.socket_snapshot() == NOBODY
    assert bela.get(f"/jobs/{shown.painting_job}/").status_code == 404


def test_what_a_moderator_hides_is_gone_until_it_is_restored(
    publish: Callable[[], Shown], anna: Browser, bela: App, mona: Browser, nobody: Visitor
) -> None:
    shown = publish()
    bela.ask("PUT", f"/posts/{shown.post}/like/")
    bela.ask("POST", f"/posts/{shown.post}/comments/", {"text": "Hm."})
    complaint = {"target": "post", "target_id": shown.post, "reason": "copyright", "detail": "This is my walk."}
    report = bela.ask("POST", "/reports/", complaint).json()["id"]
    desk = reverse("admin:community_report_change", args=[report])

    assert "This is my walk." in mona.http.get(reverse("admin:community_report_changelist")).content.decode() + (
        mona.http.get(desk).content.decode()
    )
    mona.submit(desk, decision="hide", why=" ")
    assert shown.is_met_by(nobody) == {True}  # not without a reason
    mona.submit(desk, decision="hide", why="It belongs to somebody else")

    assert shown.is_met_by(nobody) == shown.is_met_by(bela) == {False}
    for method, path in [("PUT", "like/"), ("POST", "comments/")]:
        assert bela.ask(method, f"/posts/{shown.post}/{path}", {"text": "Still there?"}).status_code == 404
    assert bela.ask("POST", "/reports/", complaint).status_code == 404
    assert bela.socket_snapshot() == []
    # What is one's own stays one's own, and one is told why others do not see it.
    assert anna.fetched(f"/media/clips/{shown.clip}/video.mp4") == 200
    again = anna.ask("POST", "/posts/", {"clip_id": shown.clip, "caption": "", "show_original": False})
    assert (again.status_code, again.json()["code"]) == (409, "hidden_by_moderators")
    assert again.json()["detail"] == "It belongs to somebody else"

    mona.submit(reverse("admin:community_post_change", args=[shown.post]), decision="restore", why="They are friends")

    assert shown.is_met_by(nobody) == shown.is_met_by(bela) == {True}
    (post,) = nobody.listed("/posts/")
    assert (post["like_count"], post["comment_count"]) == (1, 1)
    log = ModerationAction.objects.order_by("at", "pk").values_list("verb", "reason", "moderator_name")
    assert set(log) == {
        ("hide", "It belongs to somebody else", "mona"),
        ("uphold", "It belongs to somebody else", "mona"),
        ("restore", "They are friends", "mona"),
    }


def test_whoever_is_suspended_is_shut_out_with_all_they_showed(
    publish: Callable[[], Shown], anna: Browser, bela: App, mona: Browser, nobody: Visitor
) -> None:
    shown = publish()
    person = Post.objects.get(pk=shown.post).author

    mona.submit(reverse("admin:community_person_change", args=[person.pk]), decision="suspend", why="Spam, again")

    assert anna.get("/me/").status_code == 401
    assert anna.get(f"/clips/{shown.clip}/").status_code == 401
    assert anna.socket_snapshot() == NOBODY
    assert {nobody.fetched(address) for address in shown.media} == {404}
    assert bela.listed("/posts/") == nobody.listed("/posts/") == []


def test_what_is_started_twice_with_one_key_is_done_once(anna: Browser, presets: None, tmp_path: Path) -> None:
    """A phone that lost every answer sends everything again."""
    source = make_video(tmp_path / "walk.mp4", moving(64, 48, 4))
    clip = anna.work_done(anna.upload(source, title="Walk"))["result"]["clip_id"]

    def twice(path: str, body: dict[str, Any]) -> Any:
        first, second = (anna.ask("POST", path, body, Idempotency_Key=f"key of {path}") for _ in range(2))
        assert first.status_code == second.status_code
        assert first.json() == second.json()
        assert second["Idempotent-Replayed"] == "true"
        return first.json()

    job = twice(f"/clips/{clip}/restyle/", RECIPE)
    post = twice("/posts/", {"clip_id": clip, "caption": "Once", "show_original": False})

    assert Job.objects.filter(kind="restyle").count() == Post.objects.count() == 1
    assert anna.get(f"/jobs/{job['id']}/").json()["kind"] == "restyle"
    other = {"clip_id": clip, "caption": "Another wish", "show_original": False}
    reused = anna.ask("POST", "/posts/", other, Idempotency_Key="key of /posts/")
    assert (reused.status_code, reused.json()["code"]) == (409, "idempotency_key_reused")
    assert anna.get(f"/posts/{post['id']}/").json()["caption"] == "Once"


def test_one_persons_key_is_not_anothers(anna: Browser, bela: App, presets: None, tmp_path: Path) -> None:
    clips = {}
    for number, person in enumerate((anna, bela)):
        source = make_video(tmp_path / f"{number}.mp4", moving(64, 48, 3))
        clips[person] = person.work_done(person.upload(source, title="Walk"))["result"]["clip_id"]

    for person, clip in clips.items():
        wish = {"clip_id": clip, "caption": "", "show_original": False}
        assert person.ask("POST", "/posts/", wish, Idempotency_Key="the same").status_code == 201

    assert Post.objects.count() == 2


def test_somebody_elses_clip_is_not_there(anna: Browser, bela: App, presets: None, tmp_path: Path) -> None:
    source = make_video(tmp_path / "walk.mp4", moving(64, 48, 3))
    clip = anna.work_done(anna.upload(source, title="Walk"))["result"]["clip_id"]

    attempts = [
        ("GET", f"/clips/{clip}/", None),
        ("PATCH", f"/clips/{clip}/", {"title": "Mine"}),
        ("DELETE", f"/clips/{clip}/", None),
        ("GET", f"/clips/{clip}/frame.jpg", None),
        ("POST", f"/clips/{clip}/restyle/", RECIPE),
        ("POST", f"/clips/{clip}/preview/", RECIPE),
        ("POST", "/posts/", {"clip_id": clip, "caption": "Mine", "show_original": False}),
    ]
    for method, path, body in attempts:
        answer = bela.ask(method, path, body)
        assert (answer.status_code, answer["Content-Type"]) == (404, "application/problem+json"), (method, path)
    assert bela.fetched(f"/media/clips/{clip}/video.mp4") == 404
    assert bela.listed("/clips/") == []
    assert anna.get(f"/clips/{clip}/").json()["title"] == "Walk"
