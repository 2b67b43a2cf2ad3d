import pytest
from django.contrib.auth import get_user_model
from django.db import transaction
from django.utils import timezone

from accounts.services import AlreadySuspended, NotSuspended, ReasonMissing, moderator_appoint
from community import moderation, selectors, services
from community.models import LogIsImmutable, ModerationAction, Report
from community.moderation import Decision
from foundation.errors import NotAllowed

pytestmark = pytest.mark.django_db


def log():
    return [(line.verb, line.target, line.reason) for line in ModerationAction.objects.order_by("pk")]


def decide(report, by, decision, note="Seen"):
    return services.report_decide(report=report, by=by, decision=decision, note=note, at=timezone.now())


@pytest.fixture
def judge(make_post, make_comment, user):
    """Each judgement as a function of who judges and why, on something of `user`'s."""
    at = timezone.now()
    post, comment = make_post(user), make_comment(make_post(user), user)
    return {
        "post_hide": lambda by, why: services.post_hide(post=post, by=by, reason=why, at=at),
        "post_restore": lambda by, why: services.post_restore(post=post, by=by, reason=why, at=at),
        "comment_hide": lambda by, why: services.comment_hide(comment=comment, by=by, reason=why, at=at),
        "comment_restore": lambda by, why: services.comment_restore(comment=comment, by=by, reason=why, at=at),
        "user_suspend": lambda by, why: services.user_suspend(user=user, by=by, reason=why, at=at),
        "user_restore": lambda by, why: services.user_restore(user=user, by=by, reason=why, at=at),
    }


JUDGEMENTS = ["post_hide", "post_restore", "comment_hide", "comment_restore", "user_suspend", "user_restore"]


@pytest.mark.parametrize("name", JUDGEMENTS)
def test_a_judgement_needs_a_moderator(judge, other_user, name):
    with pytest.raises(NotAllowed):
        judge[name](other_user, "because")
    assert log() == []


@pytest.mark.parametrize("why", ["", "  ", "x" * 501])
@pytest.mark.parametrize("name", JUDGEMENTS)
def test_a_judgement_needs_a_reason(judge, moderator, name, why):
    with pytest.raises(ReasonMissing):
        judge[name](moderator, why)
    assert log() == []


@pytest.mark.parametrize("name", JUDGEMENTS)
def test_nobody_judges_their_own(judge, user, name):
    moderator_appoint(user=user)

    with pytest.raises(NotAllowed):
        judge[name](user, "because")
    assert log() == []


@pytest.mark.parametrize("name", JUDGEMENTS)
def test_a_moderator_does_not_judge_a_superuser(judge, user, moderator, name):
    get_user_model().objects.filter(pk=user.pk).update(is_superuser=True)
    user.refresh_from_db()

    with pytest.raises(NotAllowed):
        judge[name](moderator, "because")
    assert log() == []


@pytest.mark.parametrize(
    ("first", "second", "refusal"),
    [
        ("post_hide", "post_hide", moderation.AlreadyHidden),
        ("comment_hide", "comment_hide", moderation.AlreadyHidden),
        (None, "post_restore", moderation.NotHidden),
        (None, "comment_restore", moderation.NotHidden),
        ("user_suspend", "user_suspend", AlreadySuspended),
        (None, "user_restore", NotSuspended),
    ],
)
def test_a_judgement_that_stands_already_is_refused(judge, moderator, first, second, refusal):
    if first:
        judge[first](moderator, "because")

    with pytest.raises(refusal):
        judge[second](moderator, "because")


@pytest.mark.parametrize("what", ["post", "comment"])
def test_hiding_and_restoring_are_both_written_down(judge, moderator, what):
    judge[f"{what}_hide"](moderator, "rude")
    judge[f"{what}_restore"](moderator, "it was a quotation")

    assert log() == [("hide", what, "rude"), ("restore", what, "it was a quotation")]
    line = ModerationAction.objects.all()[0]
    assert (line.moderator, line.moderator_name) == (moderator, "mona")


def test_a_restored_post_is_back_in_the_feed(user, moderator, make_post):
    post = make_post(user)
    services.post_hide(post=post, by=moderator, reason="rude", at=timezone.now())
    assert not selectors.posts_visible().exists()

    services.post_restore(post=post, by=moderator, reason="fine", at=timezone.now())

    assert selectors.posts_visible().get() == post


def test_all_that_a_suspended_person_showed_is_gone_until_they_are_let_in_again(
    user, other_user, moderator, make_post, make_comment
):
    make_post(user)
    make_comment(make_post(other_user), user)
    services.user_suspend(user=user, by=moderator, reason="spam", at=timezone.now())
    assert list(selectors.posts_visible().values_list("author", flat=True)) == [other_user.pk]
    assert not selectors.comments_visible().exists()

    services.user_restore(user=user, by=moderator, reason="apologized", at=timezone.now())

    assert selectors.posts_visible().count() == 2
    assert selectors.comments_visible().count() == 1
    assert log() == [("suspend", "person", "spam"), ("reinstate", "person", "apologized")]


def test_dismissing_a_report_leaves_its_target_alone(user, other_user, moderator, make_post, make_report):
    report = make_report(other_user, make_post(user))

    decide(report, moderator, Decision.DISMISS, "Nothing wrong")

    report.refresh_from_db()
    assert (report.state, report.decided_by, report.note) == ("dismissed", moderator, "Nothing wrong")
    assert selectors.posts_visible().exists()
    assert log() == [("dismiss", "report", "Nothing wrong")]


def test_hiding_settles_every_report_about_the_same(user, other_user, moderator, make_user, make_post, make_report):
    post, another = make_post(user), make_post(user)
    first, second = make_report(other_user, post), make_report(make_user("cora"), post)
    elsewhere = make_report(other_user, another)

    decide(first, moderator, Decision.HIDE, "rude")

    states = {report.pk: report.state for report in Report.objects.all()}
    assert states == {first.pk: "upheld", second.pk: "upheld", elsewhere.pk: "open"}
    assert list(selectors.posts_visible()) == [another]
    assert log() == [("hide", "post", "rude"), ("uphold", "report", "rude"), ("uphold", "report", "rude")]


def test_hiding_a_post_by_itself_settles_its_reports_too(user, other_user, moderator, make_post, make_report):
    post = make_post(user)
    make_report(other_user, post)

    services.post_hide(post=post, by=moderator, reason="rude", at=timezone.now())

    assert Report.objects.get().state == "upheld"


def test_a_reported_comment_is_hidden_and_its_post_is_not(
    user, other_user, moderator, make_post, make_comment, make_report
):
    comment = make_comment(make_post(other_user), user)

    decide(make_report(other_user, comment), moderator, Decision.HIDE, "rude")

    assert not selectors.comments_visible().exists()
    assert selectors.posts_visible().exists()


def test_a_report_can_end_in_a_suspension(user, other_user, moderator, make_post, make_report):
    decide(make_report(other_user, make_post(user)), moderator, Decision.SUSPEND, "again")

    user.refresh_from_db()
    assert not user.is_active
    assert Report.objects.get().state == "upheld"
    assert log() == [("suspend", "person", "again"), ("uphold", "report", "again")]


def test_a_decided_report_is_not_decided_again(user, other_user, moderator, make_post, make_report):
    report = make_report(other_user, make_post(user))
    decide(report, moderator, Decision.DISMISS)

    with pytest.raises(moderation.AlreadyDecided):
        decide(report, moderator, Decision.HIDE)
    assert selectors.posts_visible().exists()


@pytest.mark.parametrize("decision", Decision.values)
def test_a_report_is_decided_by_a_moderator_with_a_reason(
    user, other_user, moderator, make_post, make_report, decision
):
    report = make_report(other_user, make_post(user))

    with pytest.raises(NotAllowed):
        decide(report, other_user, decision)
    with pytest.raises(ReasonMissing):
        decide(report, moderator, decision, " ")
    report.refresh_from_db()
    assert report.state == "open"
    assert log() == []


@pytest.mark.parametrize("decision", Decision.values)
def test_a_report_about_a_superuser_waits_for_a_superuser(
    make_user, other_user, moderator, make_post, make_report, decision
):
    report = make_report(other_user, make_post(make_user("root", is_superuser=True)))

    with pytest.raises(NotAllowed):
        decide(report, moderator, decision)
    assert log() == []


def test_a_decision_that_breaks_half_way_leaves_nothing(
    user, other_user, moderator, make_post, make_report, monkeypatch
):
    report = make_report(other_user, make_post(user))
    monkeypatch.setattr(moderation, "_uphold_all", lambda *args, **kwargs: 1 / 0)

    with pytest.raises(ZeroDivisionError), transaction.atomic():
        decide(report, moderator, Decision.HIDE)

    assert selectors.posts_visible().exists()
    assert log() == []


def test_the_log_cannot_be_changed(judge, moderator):
    judge["post_hide"](moderator, "rude")
    line = ModerationAction.objects.get()

    line.reason = "kind"
    for change in (
        line.save,
        line.delete,
        ModerationAction.objects.all().delete,
        lambda: ModerationAction.objects.update(reason="kind"),
        lambda: ModerationAction.objects.bulk_update([line], ["reason"]),
    ):
        with pytest.raises(LogIsImmutable):
            change()
    assert ModerationAction.objects.get().reason == "rude"


def test_the_log_outlives_the_moderator(judge, moderator):
    judge["post_hide"](moderator, "rude")

    moderator.delete()

    line = ModerationAction.objects.get()
    assert (line.moderator, line.moderator_name) == (None, "mona")


def test_a_persons_posts_go_with_them(user, other_user, make_post, make_comment, make_report):
    post = make_post(user)
    make_report(other_user, make_comment(post, user))
    make_report(other_user, post)

    user.delete()

    assert not Report.objects.exists()
