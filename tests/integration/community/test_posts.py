from typing import Any

import pytest
from django.utils import timezone

from community import selectors, services
from community.models import Hashtag, Post
from foundation.errors import NotFound

pytestmark = pytest.mark.django_db


def publish(author, clip, caption="", show_original=False):
    return services.post_publish(
        author=author, clip=clip, caption=caption, show_original=show_original, at=timezone.now()
    )


def captions(**filters):
    return [post.caption for post in selectors.feed(viewer=filters.pop("viewer"), **filters)]


def test_a_published_clip_stands_in_the_feed(user, other_user, make_clip):
    publish(user, make_clip(user), " The #Sea ")

    assert captions(viewer=other_user) == ["The #Sea"]
    assert selectors.post_count_of(user) == 1


def test_somebody_elses_clip_cannot_be_published(user, other_user, make_clip):
    with pytest.raises(NotFound):
        publish(user, make_clip(other_user))


def test_a_removed_clip_cannot_be_published(user, make_clip):
    with pytest.raises(NotFound):
        publish(user, make_clip(user, deleted_at=timezone.now()))


def test_a_clip_stands_in_the_feed_once(user, make_clip):
    clip = make_clip(user)
    publish(user, clip)

    with pytest.raises(services.ClipAlreadyPublished):
        publish(user, clip)


def test_a_clip_can_be_published_anew_after_its_post_was_taken_back(user, make_clip):
    clip = make_clip(user)
    services.post_remove(post=publish(user, clip, "first"), by=user, at=timezone.now())

    publish(user, clip, "second")

    assert captions(viewer=user) == ["second"]


def test_taking_a_hidden_post_back_is_no_way_round_the_moderators(user, moderator, make_clip):
    clip = make_clip(user)
    post = publish(user, clip)
    services.post_hide(post=post, by=moderator, reason="Not yours to show", at=timezone.now())

    with pytest.raises(NotFound):
        services.post_remove(post=post, by=user, at=timezone.now())
    with pytest.raises(services.ClipHidden, match="Not yours to show"):
        publish(user, clip)


def test_a_caption_has_at_most_500_characters(user, make_clip):
    publish(user, make_clip(user), "x" * 500)

    with pytest.raises(services.CaptionRefused, match="500"):
        publish(user, make_clip(user), "x" * 501)


def test_a_caption_has_at_most_20_hashtags(user, make_clip):
    publish(user, make_clip(user), " ".join(f"#tag{number}" for number in range(20)))

    with pytest.raises(services.CaptionRefused, match="20"):
        publish(user, make_clip(user), " ".join(f"#tag{number}" for number in range(21)))


def test_an_endless_hashtag_is_refused(user, make_clip):
    with pytest.raises(services.CaptionRefused, match="100"):
        publish(user, make_clip(user), "#" + "x" * 101)


def test_editing_a_caption_files_the_post_anew(user, make_post):
    post = make_post(user, "#old #both")

    services.post_edit(post=post, by=user, caption="#new #both")

    assert set(post.hashtags.values_list("name", flat=True)) == {"new", "both"}
    assert captions(viewer=user, hashtag="old") == []
    assert captions(viewer=user, hashtag="New") == ["#new #both"]


def test_nobody_edits_or_takes_back_anothers_post(user, other_user, make_post):
    post = make_post(user, "mine")

    with pytest.raises(NotFound):
        services.post_edit(post=post, by=other_user, caption="taken")
    with pytest.raises(NotFound):
        services.post_remove(post=post, by=other_user, at=timezone.now())
    assert Post.objects.get().caption == "mine"


def test_an_edited_caption_keeps_its_limits(user, make_post):
    with pytest.raises(services.CaptionRefused):
        services.post_edit(post=make_post(user), by=user, caption="x" * 501)


def test_a_hashtag_is_one_row_however_many_use_it(user, make_post):
    make_post(user, "#sea")
    make_post(user, "#Sea #SEA")

    assert Hashtag.objects.count() == 1


def test_the_feed_runs_newest_first(user, make_post):
    for caption in ("first", "second", "third"):
        make_post(user, caption)

    assert captions(viewer=user) == ["third", "second", "first"]


def test_the_feed_is_filtered_by_author_hashtag_and_style(user, other_user, make_post, make_clip, make_style):
    wave, scream = make_style("wave"), make_style("scream")
    make_post(user, "by anna #Sea", clip=make_clip(user, styles=(wave, scream)))
    make_post(other_user, "by bela #sea", clip=make_clip(other_user, styles=(scream,)))
    make_post(other_user, "plain")

    assert captions(viewer=user, author="ANNA") == ["by anna #Sea"]
    assert captions(viewer=user, hashtag="#SEA") == ["by bela #sea", "by anna #Sea"]
    assert captions(viewer=user, style="wave") == ["by anna #Sea"]
    assert captions(viewer=user, style="scream", author="bela") == ["by bela #sea"]
    assert captions(viewer=user, author="nobody") == []


def test_what_is_hidden_taken_back_suspended_or_without_clip_is_not_in_the_feed(
    user, other_user, moderator, make_post, make_user
):
    hidden, taken_back, clipless = make_post(user), make_post(user), make_post(user)
    make_post(other_user, "by the suspended")
    make_post(user, "still here")

    services.post_hide(post=hidden, by=moderator, reason="spam", at=timezone.now())
    services.post_remove(post=taken_back, by=user, at=timezone.now())
    type(clipless.clip).objects.filter(pk=clipless.clip_id).update(deleted_at=timezone.now())
    services.user_suspend(user=other_user, by=moderator, reason="spam", at=timezone.now())

    assert captions(viewer=user) == ["still here"]
    assert selectors.post_count_of(user) == 1
    assert selectors.post_count_of(other_user) == 0


def test_likes_and_comments_do_not_multiply_each_other(user, other_user, moderator, make_post, make_comment):
    post = make_post(user)
    for person in (user, other_user, moderator):
        services.like_set(post=post, user=person, at=timezone.now())
        make_comment(post, person)
        make_comment(post, person)

    shown: Any = selectors.feed(viewer=other_user).get()

    assert (shown.like_count, shown.comment_count, shown.liked) == (3, 6, True)


def test_hidden_and_removed_comments_and_suspended_peoples_likes_do_not_count(
    user, other_user, moderator, make_post, make_comment
):
    post = make_post(user)
    services.like_set(post=post, user=other_user, at=timezone.now())
    make_comment(post, other_user)
    hidden, removed = make_comment(post, user), make_comment(post, user)
    make_comment(post, user)
    services.comment_hide(comment=hidden, by=moderator, reason="rude", at=timezone.now())
    services.comment_remove(comment=removed, by=user, at=timezone.now())
    services.user_suspend(user=other_user, by=moderator, reason="rude", at=timezone.now())

    shown: Any = selectors.feed(viewer=user).get()

    assert (shown.like_count, shown.comment_count) == (0, 1)
    assert selectors.like_count_of(post) == 0
