from datetime import timedelta

import pytest
from django.contrib.auth.models import AnonymousUser
from django.utils import timezone

from clips.models import Clip
from clips.services import clip_remove, clips_sweep
from community import selectors, services
from community.models import ModerationAction
from community.moderation import Decision
from foundation.files import media_path

pytestmark = pytest.mark.django_db
NOBODY = AnonymousUser()


def fetched(client, address):
    """The status; the file behind it is closed, as a web server does."""
    answer = client.get(address)
    answer.close()
    return answer.status_code


@pytest.fixture
def shown_to_others(anonymous_client, other_user, client_of):
    """Whether strangers, known and unknown, get a clip's poster and video."""

    def check(clip):
        folder = media_path("clips", str(clip.pk))
        folder.mkdir(parents=True, exist_ok=True)
        for name in ("video.mp4", "poster.jpg", "sprite.jpg"):
            (folder / name).write_bytes(b"bytes of " + name.encode())
        clients = [anonymous_client, client_of(other_user)]
        names = ["video.mp4", "poster.jpg"]
        answers = {fetched(client, f"/media/clips/{clip.pk}/{name}") for client in clients for name in names}
        assert answers in ({200}, {404})
        return answers == {200}

    return check


def test_an_unpublished_clip_is_its_owners_alone(user, make_clip, shown_to_others, client_of):
    clip = make_clip(user)

    assert not shown_to_others(clip)
    assert fetched(client_of(user), f"/media/clips/{clip.pk}/poster.jpg") == 200


def test_captions_are_shown_as_long_as_their_clip_is(anonymous_client, user, make_clip, make_post):
    post = make_post(user, clip=make_clip(user, recipe={"kind": "edit", "captions": "WEBVTT\n"}))
    address = anonymous_client.get(f"/api/v1/posts/{post.pk}/").json()["clip"]["captions_url"]
    assert address == f"/media/clips/{post.clip_id}/captions.vtt"
    assert anonymous_client.get(address).content == b"WEBVTT\n"

    services.post_remove(post=post, by=user, at=timezone.now())

    assert fetched(anonymous_client, address) == 404


def test_a_published_clip_is_shown_until_its_post_is_taken_back(user, make_post, shown_to_others):
    post = make_post(user)
    assert shown_to_others(post.clip)

    services.post_remove(post=post, by=user, at=timezone.now())

    assert not shown_to_others(post.clip)


def test_a_hidden_posts_clip_and_original_are_gone_for_others(
    user, moderator, make_post, make_clip, shown_to_others, client_of
):
    source = make_clip(user)
    post = make_post(user, clip=make_clip(user, parents=(source,)), show_original=True)
    assert shown_to_others(post.clip)
    assert shown_to_others(source)

    services.post_hide(post=post, by=moderator, reason="rude", at=timezone.now())

    assert not shown_to_others(post.clip)
    assert not shown_to_others(source)
    for person in (user, moderator):
        assert fetched(client_of(person), f"/media/clips/{post.clip_id}/video.mp4") == 200


def test_a_restored_post_shows_its_clip_again(user, moderator, make_post, shown_to_others):
    post = make_post(user)
    services.post_hide(post=post, by=moderator, reason="rude", at=timezone.now())

    services.post_restore(post=post, by=moderator, reason="fine", at=timezone.now())

    assert shown_to_others(post.clip)


def test_a_suspended_persons_clips_are_gone(user, moderator, make_post, shown_to_others):
    post = make_post(user)

    services.user_suspend(user=user, by=moderator, reason="spam", at=timezone.now())

    assert not shown_to_others(post.clip)


def test_the_original_stays_private_unless_its_owner_agreed(user, make_post, make_clip, shown_to_others):
    source = make_clip(user)
    make_post(user, clip=make_clip(user, parents=(source,)), show_original=False)

    assert not shown_to_others(source)


def test_only_the_direct_original_is_shown(user, make_post, make_clip, shown_to_others):
    upload = make_clip(user)
    once = make_clip(user, parents=(upload,))
    make_post(user, clip=make_clip(user, parents=(once,)), show_original=True)

    assert shown_to_others(once)
    assert not shown_to_others(upload)


def test_somebody_elses_original_is_never_shown(user, moderator, make_post, make_clip):
    foreign = make_clip(moderator)
    post = make_post(user, clip=make_clip(user, parents=(foreign,)), show_original=True)

    assert selectors.original_of(post) is None
    assert not selectors.clip_is_shown(foreign.pk, NOBODY)


def test_a_demo_is_everybodys_to_show_as_an_original(user, moderator, make_post, make_clip, shown_to_others):
    demo = make_clip(moderator, demo="swan")
    post = make_post(user, clip=make_clip(user, parents=(demo,)), show_original=True)

    assert selectors.original_of(post) == demo
    assert selectors.clip_is_shown(demo.pk, NOBODY)


def test_a_removed_original_is_shown_no_more(user, make_post, make_clip, anonymous_client):
    source = make_clip(user)
    post = make_post(user, clip=make_clip(user, parents=(source,)), show_original=True)
    assert anonymous_client.get(f"/api/v1/posts/{post.pk}/").json()["original"]

    clip_remove(clip=source, at=timezone.now())

    assert anonymous_client.get(f"/api/v1/posts/{post.pk}/").json()["original"] is None
    assert not selectors.clip_is_shown(source.pk, NOBODY)


def test_a_removed_clip_takes_its_post_along(user, make_post):
    post = make_post(user)

    clip_remove(clip=post.clip, at=timezone.now())

    post.refresh_from_db()
    assert post.deleted_at is not None
    assert not selectors.posts_visible().exists()


def test_a_removed_clips_files_go_once_no_open_report_needs_them(
    user, other_user, moderator, make_post, make_comment, make_report
):
    reported, plain = make_post(user), make_post(user)
    report = make_report(other_user, make_comment(reported, user))
    for post in (reported, plain):
        clip_remove(clip=post.clip, at=timezone.now() - timedelta(days=1))

    assert services.posts_sweep(timezone.now()) == 1
    clips_sweep(timezone.now())
    assert list(Clip.objects.all()) == [reported.clip]

    services.report_decide(report=report, by=moderator, decision=Decision.DISMISS, note="fine", at=timezone.now())
    services.posts_sweep(timezone.now())
    clips_sweep(timezone.now())
    assert not Clip.objects.exists()
    assert ModerationAction.objects.exists()


def test_a_clip_made_from_several_has_no_one_original(user, make_post, make_clip):
    sources = (make_clip(user), make_clip(user))
    post = make_post(user, clip=make_clip(user, parents=sources), show_original=True)

    assert selectors.original_of(post) is None
    assert not any(selectors.clip_is_shown(source.pk, NOBODY) for source in sources)


def test_an_own_style_is_shown_by_the_posts_that_credit_it(user, moderator, make_post, make_clip, make_style):
    style = make_style("own-sketch", owner=user)
    clip = make_clip(user, styles=(style,))
    assert not selectors.style_is_shown(style.pk, NOBODY)

    post = make_post(user, clip=clip)
    assert selectors.style_is_shown(style.pk, NOBODY)

    services.post_hide(post=post, by=moderator, reason="rude", at=timezone.now())
    assert not selectors.style_is_shown(style.pk, NOBODY)
