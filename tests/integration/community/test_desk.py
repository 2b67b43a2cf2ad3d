"""The moderators' desk, as a moderator's browser sees it."""

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth import get_user_model
from django.urls import reverse
from django.utils import timezone

from community import selectors, services
from community.models import Comment, ModerationAction, Post, Report
from community.moderation import Decision

pytestmark = pytest.mark.django_db
DESKS = ["post", "comment", "report", "person", "moderationaction"]


def page_of(row, view="change"):
    return reverse(f"admin:community_{row._meta.model_name}_{view}", args=[row.pk])


def list_of(name):
    return reverse(f"admin:community_{name}_changelist")


def said(answer):
    return [str(message) for message in answer.context["messages"]]


@pytest.fixture
def desk(client_of, moderator):
    return client_of(moderator)


@pytest.fixture
def report(user, other_user, make_post, make_report):
    return make_report(other_user, make_post(user, "Buy <b>now</b>"), detail="It is <i>spam</i>")


def judge(client, row, decision, why="It is spam"):
    return client.post(page_of(row), {"decision": decision, "why": why}, format="multipart", follow=True)


def test_the_queue_shows_what_is_open_with_its_poster_and_text(
    desk, report, user, other_user, moderator, make_post, make_report
):
    done = make_report(other_user, make_post(user, "Settled before"))
    services.report_decide(report=done, by=moderator, decision=Decision.DISMISS, note="Fine", at=timezone.now())

    page = desk.get(list_of("report")).content.decode()

    assert f"/media/clips/{report.post.clip_id}/poster.jpg" in page
    assert "Buy &lt;b&gt;now&lt;/b&gt;" in page
    assert "Settled before" not in page
    assert "Settled before" in desk.get(list_of("report"), {"state": "dismissed"}).content.decode()
    assert "Settled before" in desk.get(list_of("report"), {"state": "all"}).content.decode()


def test_a_report_shows_the_clip_with_a_player_and_what_was_said(desk, report):
    page = desk.get(page_of(report)).content.decode()

    assert f'<video src="/media/clips/{report.post.clip_id}/video.mp4"' in page
    assert "Buy &lt;b&gt;now&lt;/b&gt;" in page
    assert "It is &lt;i&gt;spam&lt;/i&gt;" in page
    assert page_of(report.post) in page
    for decision in ("dismiss", "hide", "suspend"):
        assert f'value="{decision}"' in page


def test_a_reported_comment_shows_its_text_and_the_clip_it_stands_under(
    desk, user, other_user, make_post, make_comment, make_report
):
    post = make_post(other_user)
    report = make_report(other_user, make_comment(post, user, "You are a fool"))

    for address in (list_of("report"), page_of(report)):
        page = desk.get(address).content.decode()
        assert "You are a fool" in page
        assert f"/media/clips/{post.clip_id}/poster.jpg" in page


def test_a_moderator_dismisses(desk, report, moderator):
    judge(desk, report, "dismiss", "Nothing wrong")

    report.refresh_from_db()
    assert (report.state, report.decided_by, report.note) == ("dismissed", moderator, "Nothing wrong")
    assert selectors.posts_visible().exists()


def test_a_moderator_hides_from_the_queue(desk, report, anonymous_client):
    judge(desk, report, "hide")

    assert Report.objects.get().state == "upheld"
    assert anonymous_client.get(f"/api/v1/posts/{report.post_id}/").status_code == 404
    assert anonymous_client.get(f"/media/clips/{report.post.clip_id}/video.mp4").status_code == 404


def test_a_moderator_suspends_from_the_queue(desk, report, user):
    judge(desk, report, "suspend")

    user.refresh_from_db()
    assert not user.is_active
    assert user.suspensions.get().reason == "It is spam"


def test_a_decided_report_is_a_page_to_read(desk, report):
    judge(desk, report, "dismiss")

    page = desk.get(page_of(report)).content.decode()

    assert 'name="decision"' not in page
    assert judge(desk, report, "hide").status_code == 403
    assert selectors.posts_visible().exists()


@pytest.mark.parametrize("why", ["", "   ", "x" * 501])
@pytest.mark.parametrize("decision", ["dismiss", "hide", "suspend"])
def test_no_decision_without_a_reason(desk, report, decision, why):
    answer = judge(desk, report, decision, why)

    assert answer.context["errors"]
    report.refresh_from_db()
    assert report.state == "open"
    assert not ModerationAction.objects.exists()
    assert not LogEntry.objects.exists()


@pytest.mark.parametrize("decision", ["", "delete", "restore"])
def test_only_the_decisions_offered_can_be_taken(desk, report, decision):
    answer = judge(desk, report, decision)

    assert answer.context["errors"]
    assert not ModerationAction.objects.exists()


def test_posts_and_comments_are_hidden_and_restored_with_a_reason(desk, user, make_post, make_comment):
    post = make_post(user)
    for row in (post, make_comment(post, user)):
        judge(desk, row, "hide", "rude")
        row.refresh_from_db()
        assert row.hidden_reason == "rude"
        assert "hidden by mona: rude" in desk.get(page_of(row)).content.decode()

        judge(desk, row, "restore", "it was a quotation")
        row.refresh_from_db()
        assert not row.is_hidden
    verbs = list(ModerationAction.objects.order_by("pk").values_list("verb", "target", "reason"))
    assert verbs == [
        ("hide", "post", "rude"),
        ("restore", "post", "it was a quotation"),
        ("hide", "comment", "rude"),
        ("restore", "comment", "it was a quotation"),
    ]


@pytest.mark.parametrize("kind", ["post", "comment", "person"])
def test_a_person_is_suspended_and_let_in_again_from_wherever_they_are_met(desk, user, make_post, make_comment, kind):
    post = make_post(user)
    rows = {"post": post, "comment": make_comment(post, user)}
    row = rows.get(kind)
    address = page_of(row) if row else reverse("admin:community_person_change", args=[user.pk])

    desk.post(address, {"decision": "suspend", "why": "spam"}, format="multipart")
    user.refresh_from_db()
    assert not user.is_active

    desk.post(address, {"decision": "reinstate", "why": "apologized"}, format="multipart")
    user.refresh_from_db()
    assert user.is_active
    history = desk.get(reverse("admin:community_person_change", args=[user.pk])).content.decode()
    assert "suspend by mona: spam" in history
    assert "reinstate by mona: apologized" in history


def test_a_superuser_is_out_of_a_moderators_reach_and_the_page_says_so(desk, make_user, make_post, make_comment):
    root = make_user("root", is_superuser=True, is_staff=True)
    post = make_post(root)
    rows = {post: "hide", make_comment(post, root): "hide"}
    for row, decision in rows.items():
        for chosen in (decision, "suspend"):
            answer = judge(desk, row, chosen)
            assert any("superuser" in message for message in said(answer)), chosen
    answer = desk.post(
        reverse("admin:community_person_change", args=[root.pk]), {"decision": "suspend", "why": "x"}, follow=True,
        format="multipart",
    )  # fmt: skip

    assert any("superuser" in message for message in said(answer))
    root.refresh_from_db()
    assert root.is_active
    assert selectors.posts_visible().exists()
    assert not ModerationAction.objects.exists()
    assert not LogEntry.objects.exists()


@pytest.mark.parametrize("person", ["moderator", "superuser"])
def test_nobody_edits_adds_or_deletes_here(client_of, moderator, make_user, user, make_post, make_comment, person):
    root = make_user("root", is_superuser=True, is_staff=True)
    client = client_of(moderator if person == "moderator" else root)
    post = make_post(user, "as written")
    comment = make_comment(post, user, "as said")

    everything = {"caption": "changed", "text": "changed", "author": root.pk, "deleted_at_0": "2020-01-01"}
    for row in (post, comment):
        client.post(page_of(row), {**everything, "decision": "hide", "why": "rude"}, format="multipart")
        assert client.post(page_of(row, "delete"), {"post": "yes"}, format="multipart").status_code == 403
    for name in DESKS:
        assert client.get(reverse(f"admin:community_{name}_add")).status_code == 403
        bulk = {"action": "delete_selected", "_selected_action": [str(post.pk)]}
        client.post(list_of(name), bulk, format="multipart")

    assert (Post.objects.get().caption, Post.objects.get().author) == ("as written", user)
    assert Comment.objects.get().text == "as said"


def test_a_moderator_reads_the_log_and_cannot_write_in_it(desk, user, make_post):
    judge(desk, make_post(user), "hide", "rude")
    line = ModerationAction.objects.get()

    assert "rude" in desk.get(list_of("moderationaction")).content.decode()
    assert desk.get(page_of(line)).status_code == 200
    assert desk.post(page_of(line), {"reason": "kind"}, format="multipart").status_code == 403


def test_staff_who_are_no_moderators_see_nothing_here(client_of, make_user, make_post, user):
    clerk = client_of(make_user("clerk", is_staff=True))

    for name in DESKS:
        assert clerk.get(list_of(name)).status_code == 403
    assert clerk.get(page_of(make_post(user))).status_code == 403


def test_a_permission_alone_makes_no_moderator(client_of, make_user, make_post, user):
    from django.contrib.auth.models import Permission

    clerk = make_user("clerk", is_staff=True)
    clerk.user_permissions.add(*Permission.objects.filter(content_type__app_label="community"))
    post = make_post(user)

    answer = judge(client_of(get_user_model().objects.get(pk=clerk.pk)), post, "hide")

    assert said(answer) == ["Only moderators can do this."]
    assert selectors.posts_visible().exists()


@pytest.mark.parametrize("name", ["post", "comment", "report"])
def test_a_list_costs_the_same_for_one_row_and_for_many(
    desk, user, other_user, make_post, make_comment, make_report, django_assert_max_num_queries, name
):
    for _ in range(6):
        post = make_post(user)
        make_report(other_user, post)
        make_report(other_user, make_comment(post, user))

    with django_assert_max_num_queries(12):
        assert desk.get(list_of(name)).status_code == 200


def test_every_page_of_the_desk_opens(desk, user, report, make_comment):
    comment = make_comment(report.post, user)
    judge(desk, comment, "hide")

    for name in DESKS:
        assert desk.get(list_of(name)).status_code == 200
        assert desk.get(list_of(name), {"q": "a"}).status_code == 200
    for row in (report, report.post, comment):
        assert desk.get(page_of(row, "history")).status_code == 200
