"""Whom a post credits for what is heard and shown, and which of its music others may use too."""

import uuid
from typing import Any

import pytest
from django.utils import timezone

from editor.models import Sound

pytestmark = pytest.mark.django_db
SWAN, DAVIS = "davis-blackswan", "DAVIS 2016, CC BY 4.0"
CREDIT = "“Rain” by Ada (CC0)"


@pytest.fixture
def rain(db: None) -> Sound:
    sizes = {"duration_seconds": 9.0, "bytes": 9, "sha256": "0" * 64, "source_sha256": "0" * 64}
    return Sound.objects.create(kind="library", title="Rain", author="Ada", created_at=timezone.now(), **sizes)


def recipe(track: Any, *lines: str) -> dict[str, Any]:
    return {"kind": "edit", "edit": {"version": 1, "music": {"track": str(track)}}, "credits": list(lines)}


def shown(client: Any, post: Any) -> tuple[list[str], Any]:
    answer = client.get(f"/api/v1/posts/{post.pk}/").json()
    return answer["credits"], answer["sound"]


def test_a_post_shows_the_music_of_its_edit(
    anonymous_client: Any, user: Any, make_clip: Any, make_post: Any, rain: Sound
) -> None:
    post = make_post(user, clip=make_clip(user, recipe=recipe(rain.pk, CREDIT)))

    assert shown(anonymous_client, post) == ([CREDIT], {"id": str(rain.pk), "title": "Rain", "author": "Ada"})


def test_what_was_painted_over_an_edit_credits_it_too(
    anonymous_client: Any, user: Any, make_clip: Any, make_post: Any, rain: Sound
) -> None:
    edit = make_clip(user, recipe=recipe(rain.pk, CREDIT))
    post = make_post(user, clip=make_clip(user, parents=(edit,), recipe={"kind": "restyle"}))

    assert shown(anonymous_client, post)[0] == [CREDIT]
    assert shown(anonymous_client, post)[1]["id"] == str(rain.pk)


def test_music_in_a_clip_and_in_its_parent_is_credited_once(
    anonymous_client: Any, user: Any, make_clip: Any, make_post: Any, rain: Sound
) -> None:
    edit = make_clip(user, recipe=recipe(rain.pk, CREDIT, "Wind"))
    post = make_post(user, clip=make_clip(user, parents=(edit,), recipe=recipe(rain.pk, CREDIT)))

    assert shown(anonymous_client, post)[0] == [CREDIT, "Wind"]


def test_a_painting_of_a_demo_credits_whom_it_is_from(
    anonymous_client: Any, user: Any, moderator: Any, make_clip: Any, make_post: Any
) -> None:
    swan = make_clip(moderator, demo=SWAN)
    once = make_clip(user, parents=(swan,), recipe={"kind": "restyle"})
    post = make_post(user, clip=make_clip(user, parents=(once,), recipe={"kind": "restyle"}))

    assert shown(anonymous_client, post) == ([DAVIS], None)


def test_an_edit_with_a_demo_credits_music_and_demo_once(
    anonymous_client: Any, user: Any, moderator: Any, make_clip: Any, make_post: Any, rain: Sound
) -> None:
    swan = make_clip(moderator, demo=SWAN)
    post = make_post(user, clip=make_clip(user, parents=(swan,), recipe=recipe(rain.pk, CREDIT, DAVIS)))

    assert shown(anonymous_client, post)[0] == [CREDIT, DAVIS]


def test_a_track_taken_out_of_the_library_is_credited_and_no_longer_offered(
    anonymous_client: Any, user: Any, make_clip: Any, make_post: Any, rain: Sound
) -> None:
    post = make_post(user, clip=make_clip(user, recipe=recipe(rain.pk, CREDIT)))
    Sound.objects.update(removed_at=timezone.now())

    assert shown(anonymous_client, post) == ([CREDIT], None)


def test_somebodys_own_music_is_not_offered(
    anonymous_client: Any, user: Any, make_clip: Any, make_post: Any, rain: Sound
) -> None:
    post = make_post(user, clip=make_clip(user, recipe=recipe(rain.pk)))
    Sound.objects.update(kind="music", owner=user)

    assert shown(anonymous_client, post) == ([], None)


@pytest.mark.parametrize(
    "odd",
    [
        None, {}, {"kind": "restyle", "credits": ["x"]}, {"kind": "edit"}, {"kind": "edit", "edit": [], "credits": 7},
        {"kind": "edit", "edit": {"music": {"track": "x"}}, "credits": [7]}, {"kind": "edit", "edit": {"music": None}},
    ],
)  # fmt: skip
def test_other_recipes_have_no_music(
    anonymous_client: Any, user: Any, make_clip: Any, make_post: Any, odd: Any
) -> None:
    assert shown(anonymous_client, make_post(user, clip=make_clip(user, recipe=odd))) == ([], None)


def test_a_page_asks_once_for_a_track(
    anonymous_client: Any, user: Any, make_clip: Any, make_post: Any, rain: Sound
) -> None:
    make_post(user, clip=make_clip(user))
    with_none = queries(anonymous_client)
    for track in (rain.pk, rain.pk, rain.pk):
        make_post(user, clip=make_clip(user, recipe=recipe(track, CREDIT)))
    make_post(user, clip=make_clip(user, recipe=recipe(uuid.uuid4())))

    assert queries(anonymous_client) == with_none + 2


def queries(client: Any) -> int:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    with CaptureQueriesContext(connection) as seen:
        client.get("/api/v1/posts/")
    return len(seen)
