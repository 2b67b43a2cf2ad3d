import threading
import time

import pytest
from django.db import OperationalError, connection
from django.utils import timezone

from community import selectors, services
from community.models import Comment, Like, Report
from community.moderation import Decision
from foundation.errors import NotFound

pytestmark = pytest.mark.django_db


def at_once(*calls):
    """
    Do all of it at the same moment, each in a thread of its own; return what each gave or raised.

    The tests' database lies in memory, where SQLite refuses at once and does not wait as it does for a file.
    """
    start, outcomes = threading.Barrier(len(calls)), []

    def run(call):
        start.wait(10)
        try:
            outcomes.append(_patiently(call))
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=[call]) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return outcomes


def _patiently(call):
    for _ in range(500):
        try:
            return call()
        except OperationalError:
            time.sleep(0.01)
        except Exception as error:
            return error
    raise TimeoutError


def test_liking_twice_is_one_like_and_unliking_twice_is_none(user, other_user, make_post):
    post = make_post(user)

    for _ in range(2):
        services.like_set(post=post, user=other_user, at=timezone.now())
    assert selectors.like_count_of(post) == 1

    for _ in range(2):
        services.like_clear(post=post, user=other_user)
    assert selectors.like_count_of(post) == 0


@pytest.mark.django_db(transaction=True)
def test_many_likes_at_once_are_one_per_person(make_user, make_post):
    people = [make_user(f"person{number}") for number in range(3)]
    post = make_post(people[0])

    outcomes = at_once(
        *(lambda who=who: services.like_set(post=post, user=who, at=timezone.now()) for who in people * 2)
    )

    assert outcomes == [None] * 6
    assert Like.objects.count() == selectors.like_count_of(post) == 3


@pytest.mark.django_db(transaction=True)
def test_a_clip_published_from_two_devices_at_once_is_one_post(user, make_clip):
    clip = make_clip(user)
    fields = {"author": user, "clip": clip, "caption": "", "show_original": False, "at": timezone.now()}

    outcomes = at_once(*[lambda: services.post_publish(**fields)] * 2)

    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["ClipAlreadyPublished", "Post"]


@pytest.mark.django_db(transaction=True)
def test_two_taps_on_report_are_one_report(user, other_user, make_post):
    fields = {"reporter": other_user, "target": make_post(user), "reason": "spam", "detail": "", "at": timezone.now()}

    outcomes = at_once(*[lambda: services.report_file(**fields)] * 2)

    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["AlreadyReported", "Report"]


def test_a_comment_is_trimmed_and_kept(user, make_post, make_comment):
    comment = make_comment(make_post(user), user, "  Oh!  ")

    assert Comment.objects.get() == comment
    assert comment.text == "Oh!"


@pytest.mark.parametrize("text", ["", "  \n", "x" * 1001])
def test_an_empty_or_endless_comment_is_refused(user, make_post, make_comment, text):
    with pytest.raises(services.CommentRefused):
        make_comment(make_post(user), user, text)


def test_a_stranger_takes_no_comment_back_and_its_author_only_once(
    user, other_user, make_user, make_post, make_comment
):
    comment = make_comment(make_post(user), other_user)

    with pytest.raises(NotFound):
        services.comment_remove(comment=comment, by=make_user("cora"), at=timezone.now())
    services.comment_remove(comment=comment, by=other_user, at=timezone.now())
    with pytest.raises(NotFound):
        services.comment_remove(comment=comment, by=other_user, at=timezone.now())

    assert list(selectors.comments_of(post_id=comment.post_id)) == []


def test_an_author_clears_comments_under_their_own_post(user, other_user, make_post, make_comment):
    comment = make_comment(make_post(user), other_user)

    services.comment_remove(comment=comment, by=user, at=timezone.now())

    assert not selectors.comments_visible().exists()


def test_a_hidden_comment_stays_hidden_when_its_author_tries_to_take_it_back(user, moderator, make_post, make_comment):
    comment = make_comment(make_post(user), user)
    services.comment_hide(comment=comment, by=moderator, reason="rude", at=timezone.now())

    with pytest.raises(NotFound):
        services.comment_remove(comment=comment, by=user, at=timezone.now())


def test_a_person_has_one_open_report_per_target(user, other_user, make_post, make_report):
    post = make_post(user)
    make_report(other_user, post)

    with pytest.raises(services.AlreadyReported):
        make_report(other_user, post, "abuse")
    assert Report.objects.count() == 1


def test_the_same_can_be_reported_again_after_a_decision(user, other_user, moderator, make_post, make_report):
    post = make_post(user)
    first = make_report(other_user, post)
    services.report_decide(report=first, by=moderator, decision=Decision.DISMISS, note="It is fine", at=timezone.now())

    make_report(other_user, post, detail="Look at the caption")

    assert selectors.reports_open().get().detail == "Look at the caption"


def test_ones_own_cannot_be_reported(user, make_post, make_comment, make_report):
    post = make_post(user)

    for target in (post, make_comment(post, user)):
        with pytest.raises(services.OwnReport):
            make_report(user, target)
