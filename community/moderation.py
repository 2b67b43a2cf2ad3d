"""
What moderators can do, each with a reason, and each written to a log that cannot be changed.

A judgement and its line in the log are one transaction: neither exists without the other.
"""

from datetime import datetime
from typing import TypeVar

from django.db import transaction
from django.db.models import TextChoices

from accounts import services as accounts_services
from accounts.models import User
from accounts.selectors import user_is_moderator
from accounts.services import ReasonMissing
from foundation.errors import Conflict, NotAllowed

from .models import REASON_MAX, Comment, ModerationAction, Post, Report

Target = ModerationAction.Target
Verb = ModerationAction.Verb
Judged = TypeVar("Judged", Post, Comment)


class Decision(TextChoices):
    """What can come of a report."""

    DISMISS = "dismiss", "Dismiss: nothing is wrong with it"
    HIDE = "hide", "Hide it from everybody"
    SUSPEND = "suspend", "Suspend its author"


class AlreadyHidden(Conflict):
    code = "already_hidden"
    title = "It is already hidden"


class NotHidden(Conflict):
    code = "not_hidden"
    title = "It is not hidden"


class AlreadyDecided(Conflict):
    code = "already_decided"
    title = "Somebody has decided this report"


def post_hide(*, post: Post, by: User, reason: str, at: datetime) -> Post:
    """
    Take a post from everybody's sight, and settle the reports about it.

    :raises NotAllowed: by anybody but a moderator, of one's own, and of a superuser's
    :raises ReasonMissing: without words for the author and the log
    :raises AlreadyHidden: when somebody was faster
    """
    return _hide(post, Target.POST, by=by, reason=reason, at=at)


def post_restore(*, post: Post, by: User, reason: str, at: datetime) -> Post:
    """
    Show a hidden post again.

    :raises NotAllowed: by anybody but a moderator, of one's own, and of a superuser's
    :raises ReasonMissing: without words for the log
    :raises NotHidden: when it is not hidden
    """
    return _restore(post, Target.POST, by=by, reason=reason, at=at)


def comment_hide(*, comment: Comment, by: User, reason: str, at: datetime) -> Comment:
    """Like `post_hide`, for a comment."""
    return _hide(comment, Target.COMMENT, by=by, reason=reason, at=at)


def comment_restore(*, comment: Comment, by: User, reason: str, at: datetime) -> Comment:
    """Like `post_restore`, for a comment."""
    return _restore(comment, Target.COMMENT, by=by, reason=reason, at=at)


@transaction.atomic
def user_suspend(*, user: User, by: User, reason: str, at: datetime) -> None:
    """
    Shut somebody out; all they ever showed is gone with them until they are let in again.

    :raises NotAllowed, ReasonMissing, AlreadySuspended: as `accounts.services.user_suspend` says
    """
    reason = _checked(reason)
    accounts_services.user_suspend(user=user, by=by, reason=reason, at=at)
    _log(Verb.SUSPEND, Target.PERSON, user.pk, f"@{user.username}", by=by, reason=reason, at=at)


@transaction.atomic
def user_restore(*, user: User, by: User, reason: str, at: datetime) -> None:
    """
    Let a suspended person in again.

    :raises NotAllowed, NotSuspended: as `accounts.services.user_reinstate` says
    :raises ReasonMissing: without words for the log
    """
    reason = _checked(reason)
    accounts_services.user_reinstate(user=user, by=by, at=at)
    _log(Verb.REINSTATE, Target.PERSON, user.pk, f"@{user.username}", by=by, reason=reason, at=at)


@transaction.atomic
def report_decide(*, report: Report, by: User, decision: Decision, note: str, at: datetime) -> Report:
    """
    Close a report: dismiss it, or uphold it by hiding what it is about or suspending who wrote that.

    :raises AlreadyDecided: when it is not open any more
    :raises NotAllowed, ReasonMissing: as the judgements themselves say
    """
    note = _checked(note)
    report = _locked(report)
    _check_may_judge(report.target.author, by)
    if report.state != Report.State.OPEN:
        raise AlreadyDecided
    if decision == Decision.DISMISS:
        _settle(report, Report.State.DISMISSED, by=by, note=note, at=at)
        return report
    if decision == Decision.SUSPEND:
        user_suspend(user=report.target.author, by=by, reason=note, at=at)
    elif not report.target.is_hidden:
        kind = Target.POST if report.post_id else Target.COMMENT
        _judge_hidden(report.target, kind, by=by, reason=note, at=at)
    _uphold_all(report.target, by=by, note=note, at=at)
    report.refresh_from_db()
    return report


@transaction.atomic
def _hide(target: Judged, kind: Target, *, by: User, reason: str, at: datetime) -> Judged:
    reason = _checked(reason)
    target = type(target).objects.select_for_update().get(pk=target.pk)
    _check_may_judge(target.author, by)
    if target.is_hidden:
        raise AlreadyHidden
    _judge_hidden(target, kind, by=by, reason=reason, at=at)
    _uphold_all(target, by=by, note=reason, at=at)
    return target


@transaction.atomic
def _restore(target: Judged, kind: Target, *, by: User, reason: str, at: datetime) -> Judged:
    reason = _checked(reason)
    target = type(target).objects.select_for_update().get(pk=target.pk)
    _check_may_judge(target.author, by)
    if not target.is_hidden:
        raise NotHidden
    target.hidden_at, target.hidden_by, target.hidden_reason = None, None, ""
    target.save(update_fields=["hidden_at", "hidden_by", "hidden_reason"])
    _log(Verb.RESTORE, kind, target.pk, str(target), by=by, reason=reason, at=at)
    return target


def _judge_hidden(target: Post | Comment, kind: Target, *, by: User, reason: str, at: datetime) -> None:
    target.hidden_at, target.hidden_by, target.hidden_reason = at, by, reason
    target.save(update_fields=["hidden_at", "hidden_by", "hidden_reason"])
    _log(Verb.HIDE, kind, target.pk, str(target), by=by, reason=reason, at=at)


def _uphold_all(target: Post | Comment, *, by: User, note: str, at: datetime) -> None:
    for report in target.reports.select_for_update().filter(state=Report.State.OPEN):
        _settle(report, Report.State.UPHELD, by=by, note=note, at=at)


def _settle(report: Report, state: Report.State, *, by: User, note: str, at: datetime) -> None:
    report.state, report.decided_by, report.decided_at, report.note = state, by, at, note
    report.save(update_fields=["state", "decided_by", "decided_at", "note"])
    verb = Verb.DISMISS if state == Report.State.DISMISSED else Verb.UPHOLD
    _log(verb, Target.REPORT, report.pk, str(report), by=by, reason=note, at=at)


def _log(
    verb: Verb, target: Target, target_id: object, text: str, *, by: User, reason: str, at: datetime
) -> ModerationAction:
    return ModerationAction.objects.create(
        moderator=by, moderator_name=by.username, verb=verb, target=target, target_id=str(target_id),
        target_text=text[:200], reason=reason, at=at,
    )  # fmt: skip


def _locked(report: Report) -> Report:
    # `of`: the other tables are joined from the outside, which PostgreSQL does not lock.
    rows = Report.objects.select_for_update(of=("self",))
    return rows.select_related("post__author", "comment__author").get(pk=report.pk)


def _checked(reason: str) -> str:
    reason = reason.strip()
    if not reason:
        raise ReasonMissing("Say why: it is written to the log.")
    if len(reason) > REASON_MAX:
        raise ReasonMissing(f"Say it in at most {REASON_MAX} characters.")
    return reason


def _check_may_judge(author: User, by: User) -> None:
    if not user_is_moderator(by):
        raise NotAllowed("Only moderators can do this.")
    if author.pk == by.pk:
        raise NotAllowed("Nobody judges what they wrote themselves.")
    if author.is_superuser and not by.is_superuser:
        raise NotAllowed("Only a superuser can judge a superuser.")
