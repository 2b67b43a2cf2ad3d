"""Every list of the API, page by page: nothing twice, nothing left out, whatever is added meanwhile."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from clips.models import Clip
from community import services
from community.models import Comment, Post
from jobs.models import Job

pytestmark = pytest.mark.django_db
COUNT, PAGE = 7, 3


class Clock:
    """Moments to make rows at: one after the other, or all the same."""

    def __init__(self) -> None:
        self.step = timedelta(milliseconds=5)
        self._now = timezone.now() - timedelta(minutes=1)

    def __call__(self) -> datetime:
        self._now += self.step
        return self._now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def add_clip(user: Any, clock: Clock) -> Callable[[], Clip]:
    facts = {"width": 64, "height": 48, "duration_seconds": 1.0, "frame_rate": 10.0, "frame_count": 10}
    sprite = {"columns": 1, "rows": 1, "frame_width": 64, "frame_height": 48, "count": 1}

    def add() -> Clip:
        rest = {"has_audio": False, "bytes": 1, "sha256": "0" * 64, "sprite": sprite, "created_at": clock()}
        return Clip.objects.create(owner=user, title="A walk", **facts, **rest)

    return add


@pytest.fixture
def add(user: Any, other_user: Any, clock: Clock, add_clip: Callable[[], Clip]) -> dict[str, Callable[[], Any]]:
    """Makes one more of what a list holds."""
    about: list[Post] = []

    def post() -> Post:
        return services.post_publish(author=user, clip=add_clip(), caption="", show_original=False, at=clock())

    def comment() -> Comment:
        about.append(about[0] if about else post())
        return services.comment_add(post=about[0], author=other_user, text="Oh", at=clock())

    def job() -> Job:
        at = clock()
        return Job.objects.create(owner=user, kind="ingest", created_at=at, queued_at=at, woken_at=at)

    return {"/clips/": add_clip, "/posts/": post, "/comments/": comment, "/jobs/": job}


def address(kind: str) -> str:
    path = f"/posts/{Post.objects.get().pk}/comments/" if kind == "/comments/" else kind
    return f"/api/v1{path}?page_size={PAGE}"


def pages(client: Any, url: str | None) -> Iterator[list[str]]:
    while url:
        answer = client.get(url).json()
        assert set(answer) == {"results", "next", "previous"}
        yield [row["id"] for row in answer["results"]]
        url = answer["next"]


@pytest.mark.parametrize("step", [timedelta(milliseconds=5), timedelta(0)], ids=["in turn", "at once"])
@pytest.mark.parametrize("kind", ["/clips/", "/posts/", "/comments/", "/jobs/"])
def test_a_list_is_walked_page_by_page(
    api_client: Any, clock: Clock, add: dict[str, Callable[[], Any]], kind: str, step: timedelta
) -> None:
    clock.step = step
    made = {str(add[kind]().pk) for _ in range(COUNT)}

    walked = list(pages(api_client, address(kind)))

    assert [len(page) for page in walked] == [3, 3, 1]
    ids = [row for page in walked for row in page]
    assert len(ids) == len(set(ids))
    assert set(ids) == made


@pytest.mark.parametrize("kind", ["/clips/", "/posts/", "/comments/", "/jobs/"])
def test_what_is_added_meanwhile_shifts_nothing(api_client: Any, add: dict[str, Callable[[], Any]], kind: str) -> None:
    made = {str(add[kind]().pk) for _ in range(COUNT)}
    walk = pages(api_client, address(kind))

    ids = list(next(walk))
    add[kind]()
    ids += [row for page in walk for row in page]

    assert len(ids) == len(set(ids))
    assert set(ids) == made


def test_one_can_go_back(api_client: Any, add: dict[str, Callable[[], Any]]) -> None:
    for _ in range(COUNT):
        add["/posts/"]()
    first = api_client.get(address("/posts/")).json()

    second = api_client.get(first["next"]).json()

    assert [post["id"] for post in api_client.get(second["previous"]).json()["results"]] == [
        post["id"] for post in first["results"]
    ]


@pytest.mark.parametrize("cursor", ["nonsense", "cD0yMDI2", "%00", "cD1ub3RhdGltZQ=="])
def test_a_cursor_that_was_made_up_is_refused(api_client: Any, cursor: str) -> None:
    answer = api_client.get(f"/api/v1/posts/?cursor={cursor}")

    assert answer.status_code in (200, 400, 404)
    if answer.status_code != 200:
        assert answer["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize("size", ["0", "-5", "100000", "many"])
def test_a_page_is_never_endless(api_client: Any, add: dict[str, Callable[[], Any]], size: str) -> None:
    for _ in range(3):
        add["/clips/"]()

    answer = api_client.get(f"/api/v1/clips/?page_size={size}")

    assert answer.status_code == 200
    assert len(answer.json()["results"]) <= 100
