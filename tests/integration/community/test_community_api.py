import uuid

import pytest
from django.utils import timezone

from community import services
from community.models import Comment, Post, Report
from community.throttles import CommentThrottle, LikeThrottle, PostThrottle, ReportThrottle
from foundation.problems import CONTENT_TYPE

pytestmark = pytest.mark.django_db
POSTS = "/api/v1/posts/"
POST_FIELDS = {
    "id", "author", "caption", "hashtags", "clip", "original", "styles", "credits", "sound", "like_count",
    "comment_count", "liked", "mine", "created_at",
}  # fmt: skip


def refused(answer, status, code):
    assert answer.status_code == status, answer.content
    assert answer["Content-Type"] == CONTENT_TYPE
    assert answer.json()["code"] == code
    return answer.json()


def hide(target, moderator):
    do = services.post_hide if isinstance(target, Post) else services.comment_hide
    do(**{target._meta.model_name: target}, by=moderator, reason="rude", at=timezone.now())


def test_a_post_is_published_and_shown_as_the_contract_says(api_client, anonymous_client, user, make_clip, make_style):
    source = make_clip(user)
    clip = make_clip(user, parents=(source,), styles=(make_style("wave"),))

    answer = api_client.post(POSTS, {"clip_id": clip.pk, "caption": "The #Sea", "show_original": True})

    assert answer.status_code == 201
    post = answer.json()
    assert set(post) == POST_FIELDS
    assert post["author"] == {"username": "anna", "display_name": "anna"}
    assert post["clip"] == {
        "id": str(clip.pk),
        "video_url": f"/media/clips/{clip.pk}/video.mp4",
        "poster_url": f"/media/clips/{clip.pk}/poster.jpg",
        "width": 64,
        "height": 48,
        "duration_seconds": 1.0,
        "has_audio": False,
        "captions_url": None,
    }
    assert post["original"] == {
        "video_url": f"/media/clips/{source.pk}/video.mp4",
        "poster_url": f"/media/clips/{source.pk}/poster.jpg",
    }
    assert [(style["slug"], style["name"]) for style in post["styles"]] == [("wave", "Wave")]
    assert (post["hashtags"], post["mine"], post["liked"], post["like_count"]) == (["sea"], True, False, 0)
    seen = anonymous_client.get(f"{POSTS}{post['id']}/").json()
    assert seen == {**post, "mine": False}
    assert anonymous_client.get(POSTS).json() == {"next": None, "previous": None, "results": [seen]}


def test_the_same_key_publishes_once(api_client, user, make_clip):
    wish = {"clip_id": make_clip(user).pk, "caption": "once"}

    answers = [api_client.post(POSTS, wish, headers={"Idempotency-Key": "k1"}) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].json() == answers[1].json()
    assert Post.objects.count() == 1


def test_without_a_key_the_second_attempt_says_why_not(api_client, user, make_clip):
    wish = {"clip_id": make_clip(user).pk}
    assert api_client.post(POSTS, wish).status_code == 201

    refused(api_client.post(POSTS, wish), 409, "already_published")


def test_a_hidden_clip_is_not_published_again_and_its_author_reads_why(api_client, user, moderator, make_post):
    post = make_post(user)
    hide(post, moderator)

    problem = refused(api_client.post(POSTS, {"clip_id": post.clip_id}), 409, "hidden_by_moderators")

    assert problem["detail"] == "rude"


def test_somebody_elses_clip_and_an_unknown_one_are_not_found(api_client, other_user, make_clip):
    for clip_id in (make_clip(other_user).pk, uuid.uuid4()):
        refused(api_client.post(POSTS, {"clip_id": clip_id}), 404, "not_found")


@pytest.mark.parametrize(
    ("wish", "field"),
    [({}, "clip_id"), ({"clip_id": "x"}, "clip_id"), ({"clip_id": str(uuid.uuid4()), "caption": "x" * 501}, "caption")],
)
def test_a_wish_that_makes_no_sense_names_its_field(api_client, wish, field):
    assert field in refused(api_client.post(POSTS, wish), 400, "invalid")["errors"]


def test_too_many_hashtags_are_refused(api_client, user, make_clip):
    caption = " ".join(f"#tag{number}" for number in range(21))

    refused(api_client.post(POSTS, {"clip_id": make_clip(user).pk, "caption": caption}), 400, "caption_refused")


def test_anybody_reads_and_only_somebody_writes(anonymous_client, user, make_post, make_comment):
    post = make_post(user)
    comment = make_comment(post, user)
    at = f"{POSTS}{post.pk}/"

    for address in (POSTS, at, f"{at}comments/"):
        assert anonymous_client.get(address).status_code == 200
    for answer in (
        anonymous_client.post(POSTS, {"clip_id": post.clip_id}),
        anonymous_client.post(POSTS, {"clip_id": post.clip_id}, headers={"Idempotency-Key": "k"}),
        anonymous_client.patch(at, {"caption": "x"}),
        anonymous_client.delete(at),
        anonymous_client.put(f"{at}like/"),
        anonymous_client.delete(f"{at}like/"),
        anonymous_client.post(f"{at}comments/", {"text": "x"}),
        anonymous_client.delete(f"/api/v1/comments/{comment.pk}/"),
        anonymous_client.post("/api/v1/reports/", {"target": "post", "target_id": post.pk, "reason": "spam"}),
    ):
        refused(answer, 401, "not_authenticated")


def test_an_author_edits_and_takes_back(api_client, user, make_post):
    post = make_post(user, "old")
    at = f"{POSTS}{post.pk}/"

    assert api_client.patch(at, {"caption": "#new"}).json()["hashtags"] == ["new"]
    assert api_client.delete(at).status_code == 204
    refused(api_client.get(at), 404, "not_found")


def test_anothers_post_and_comment_can_neither_be_edited_nor_removed(
    client_of, user, other_user, make_post, make_comment
):
    post = make_post(user)
    comment = make_comment(post, user)
    stranger = client_of(other_user)

    refused(stranger.patch(f"{POSTS}{post.pk}/", {"caption": "x"}), 404, "not_found")
    refused(stranger.delete(f"{POSTS}{post.pk}/"), 404, "not_found")
    refused(stranger.delete(f"/api/v1/comments/{comment.pk}/"), 404, "not_found")


def test_a_like_is_put_and_deleted_as_often_as_one_wants(client_of, user, other_user, make_post):
    like = f"{POSTS}{make_post(user).pk}/like/"
    stranger = client_of(other_user)

    assert [stranger.put(like).json() for _ in range(2)] == [{"liked": True, "like_count": 1}] * 2
    assert client_of(user).put(like).json() == {"liked": True, "like_count": 2}
    assert [stranger.delete(like).json() for _ in range(2)] == [{"liked": False, "like_count": 1}] * 2


def test_a_comment_is_added_listed_and_taken_back(client_of, anonymous_client, user, other_user, make_post):
    at = f"{POSTS}{make_post(user).pk}/comments/"
    stranger = client_of(other_user)

    answer = stranger.post(at, {"text": " Oh! "})

    assert answer.status_code == 201
    comment = answer.json()
    assert set(comment) == {"id", "author", "text", "created_at", "mine"}
    assert (comment["text"], comment["mine"], comment["author"]["username"]) == ("Oh!", True, "bela")
    assert anonymous_client.get(at).json()["results"] == [{**comment, "mine": False}]
    assert stranger.delete(f"/api/v1/comments/{comment['id']}/").status_code == 204
    assert anonymous_client.get(at).json()["results"] == []


@pytest.mark.parametrize("text", ["", "   ", "x" * 1001, "a\x00b"])
def test_a_comment_that_cannot_be_used_is_refused(api_client, user, make_post, text):
    problem = refused(api_client.post(f"{POSTS}{make_post(user).pk}/comments/", {"text": text}), 400, "invalid")

    assert "text" in problem["errors"]


def test_a_report_is_filed_once(client_of, user, other_user, make_post, make_comment):
    post = make_post(user)
    stranger = client_of(other_user)
    for target in (post, make_comment(post, user)):
        wish = {"target": target._meta.model_name, "target_id": target.pk, "reason": "abuse", "detail": "rude"}

        answer = stranger.post("/api/v1/reports/", wish)

        assert answer.status_code == 201
        assert answer.json() == {"id": str(Report.objects.get(**{target._meta.model_name: target}).pk)}
        refused(stranger.post("/api/v1/reports/", wish), 409, "already_reported")


def test_a_report_that_makes_no_sense_is_refused(api_client, user, make_post):
    post = make_post(user)
    wish = {"target": "post", "target_id": str(post.pk), "reason": "spam"}

    refused(api_client.post("/api/v1/reports/", wish), 400, "own_report")
    refused(api_client.post("/api/v1/reports/", {**wish, "target_id": str(uuid.uuid4())}), 404, "not_found")
    refused(api_client.post("/api/v1/reports/", {**wish, "target": "comment"}), 404, "not_found")
    for change in ({"reason": "dislike"}, {"target": "person"}, {"detail": "x" * 1001}, {"target_id": "x"}):
        refused(api_client.post("/api/v1/reports/", {**wish, **change}), 400, "invalid")
    assert not Report.objects.exists()


def test_a_hidden_post_is_nowhere_for_nobody(
    client_of, anonymous_client, user, other_user, moderator, make_post, make_comment
):
    post = make_post(user, "#gone")
    comment = make_comment(post, other_user)
    hide(post, moderator)
    at = f"{POSTS}{post.pk}/"

    for client in (anonymous_client, client_of(user), client_of(other_user)):
        for address in (POSTS, f"{POSTS}?author=anna", f"{POSTS}?hashtag=gone"):
            assert client.get(address).json()["results"] == []
        refused(client.get(at), 404, "not_found")
        refused(client.get(f"{at}comments/"), 404, "not_found")
    stranger = client_of(other_user)
    for answer in (
        stranger.put(f"{at}like/"),
        stranger.delete(f"{at}like/"),
        stranger.post(f"{at}comments/", {"text": "x"}),
        stranger.delete(f"/api/v1/comments/{comment.pk}/"),
        stranger.post("/api/v1/reports/", {"target": "post", "target_id": post.pk, "reason": "spam"}),
        stranger.post("/api/v1/reports/", {"target": "comment", "target_id": comment.pk, "reason": "spam"}),
        client_of(user).patch(at, {"caption": "x"}),
        client_of(user).delete(at),
    ):
        refused(answer, 404, "not_found")
    assert anonymous_client.get("/api/v1/users/anna/").json()["post_count"] == 0


def test_a_hidden_comment_is_gone(client_of, anonymous_client, user, other_user, moderator, make_post, make_comment):
    post = make_post(user)
    comment = make_comment(post, other_user)
    hide(comment, moderator)

    assert anonymous_client.get(f"{POSTS}{post.pk}/comments/").json()["results"] == []
    assert anonymous_client.get(f"{POSTS}{post.pk}/").json()["comment_count"] == 0
    refused(client_of(other_user).delete(f"/api/v1/comments/{comment.pk}/"), 404, "not_found")


def test_the_feed_costs_the_same_for_one_post_and_for_many(
    api_client, user, other_user, make_post, make_clip, make_style, make_comment, django_assert_num_queries
):
    styles = (make_style("wave"), make_style("scream"))

    def fill(number):
        for _ in range(number):
            clip = make_clip(other_user, parents=(make_clip(other_user),), styles=styles)
            post = make_post(other_user, "#sea #sky", clip=clip, show_original=True)
            make_comment(post, user)
            services.like_set(post=post, user=user, at=timezone.now())

    fill(1)
    api_client.get(POSTS)  # the session is looked up the same way each time from here on
    # The session, the person, the posts; then parents and their parents, the uses of styles and the styles of all.
    with django_assert_num_queries(7):
        assert len(api_client.get(POSTS).json()["results"]) == 1
    fill(8)
    with django_assert_num_queries(7):
        assert len(api_client.get(POSTS).json()["results"]) == 9


def test_a_list_of_comments_costs_the_same_for_one_and_for_many(
    anonymous_client, user, make_user, make_post, make_comment, django_assert_num_queries
):
    post = make_post(user)
    for number in range(6):
        make_comment(post, make_user(f"person{number}"))

    with django_assert_num_queries(2):
        assert len(anonymous_client.get(f"{POSTS}{post.pk}/comments/").json()["results"]) == 6


def test_the_feed_goes_on_where_its_page_ended_while_new_posts_arrive(anonymous_client, user, make_post):
    for number in range(5):
        make_post(user, f"post {number}")
    first = anonymous_client.get(f"{POSTS}?page_size=2").json()
    make_post(user, "new")

    second = anonymous_client.get(first["next"]).json()

    captions = [post["caption"] for page in (first, second) for post in page["results"]]
    assert captions == ["post 4", "post 3", "post 2", "post 1"]


@pytest.mark.parametrize("query", ["author=%00", "hashtag=" + "x" * 501, "style=" + "x" * 81])
def test_a_filter_that_makes_no_sense_is_refused(anonymous_client, query):
    refused(anonymous_client.get(f"{POSTS}?{query}"), 400, "invalid")


def test_writing_too_often_is_slowed_down_and_reading_is_not(client_of, user, other_user, make_post, monkeypatch):
    post = make_post(user)
    stranger = client_of(other_user)
    writes = {
        LikeThrottle: lambda: stranger.put(f"{POSTS}{post.pk}/like/"),
        CommentThrottle: lambda: stranger.post(f"{POSTS}{post.pk}/comments/", {"text": "x"}),
        ReportThrottle: lambda: stranger.post("/api/v1/reports/", {}),
        PostThrottle: lambda: stranger.post(POSTS, {}),
    }
    for throttle, write in writes.items():
        monkeypatch.setattr(throttle, "rate", "2/min")
        assert [write().status_code == 429 for _ in range(3)] == [False, False, True]
        answer = write()
        refused(answer, 429, "throttled")
        assert int(answer["Retry-After"]) > 0
    assert stranger.get(f"{POSTS}{post.pk}/comments/").status_code == 200
    assert Comment.objects.count() == 2


def test_one_persons_knocks_are_not_anothers(client_of, user, other_user, make_post, monkeypatch):
    monkeypatch.setattr(LikeThrottle, "rate", "1/min")
    like = f"{POSTS}{make_post(user).pk}/like/"
    assert client_of(user).put(like).status_code == 200

    assert client_of(other_user).put(like).status_code == 200


def test_each_kind_of_writing_has_a_limit_of_its_own():
    rates = {
        throttle.scope: throttle.rate for throttle in (PostThrottle, LikeThrottle, CommentThrottle, ReportThrottle)
    }

    assert rates == {"posts": "30/hour", "likes": "120/min", "comments": "20/min", "reports": "20/hour"}
