"""Whose styles a post names when its clip was not painted itself, but shows paintings."""

import pytest
from django.contrib.auth.models import AnonymousUser
from django.utils import timezone

from community import selectors, services
from stylization.models import StyleUse
from stylization.services import GENERATIONS_MAX

pytestmark = pytest.mark.django_db
EDIT = {"kind": "edit", "edit": {"version": 1}, "credits": [], "captions": ""}


@pytest.fixture
def make_edit(user, make_clip):
    return lambda *parents: make_clip(user, parents=parents, recipe=EDIT)


@pytest.fixture
def named(anonymous_client, user, make_post):
    """The styles that a post of this clip names."""

    def publish(clip):
        post = make_post(user, clip=clip)
        return [style["slug"] for style in anonymous_client.get(f"/api/v1/posts/{post.pk}/").json()["styles"]]

    return publish


def test_an_edit_names_the_styles_of_all_its_paintings_each_once(user, make_clip, make_style, make_edit, named):
    wave, scream, night = make_style("wave"), make_style("scream"), make_style("night")
    edit = make_edit(
        make_clip(user, styles=(wave,)), make_clip(user), make_clip(user, styles=(scream,)),
        make_clip(user, styles=(night,)), make_clip(user, styles=(scream,)),
    )  # fmt: skip

    assert named(edit) == ["scream", "wave", "night"]


def test_a_painting_counts_as_one_however_its_styles_were_weighed(user, make_clip, make_style, make_edit, named):
    wave, scream = make_style("wave"), make_style("scream")
    mixed, plain = make_clip(user, styles=(wave, scream)), make_clip(user, styles=(scream,))
    StyleUse.objects.filter(clip=plain).update(weight=0.1)

    edit = make_edit(mixed, plain)

    assert named(edit) == ["scream", "wave"]
    assert [use.weight for use in edit.style_uses.all()] == [1.5, 0.5]


def test_an_edit_of_edits_names_the_styles_from_further_back(user, make_clip, make_style, make_edit, named):
    inner = make_edit(make_clip(user, styles=(make_style("wave"),)))
    outer = make_edit(inner, make_clip(user, styles=(make_style("scream"),)))

    assert named(outer) == ["scream", "wave"]


def test_a_painting_over_an_edit_names_its_own_style_only(user, make_clip, make_style, make_edit, named):
    edit = make_edit(make_clip(user, styles=(make_style("wave"),)))

    assert named(make_clip(user, parents=(edit,), styles=(make_style("scream"),))) == ["scream"]


def test_what_lies_under_the_paint_of_a_parent_is_not_named(user, make_clip, make_style, make_edit, named):
    under = make_clip(user, styles=(make_style("wave"),))
    over = make_clip(user, parents=(under,), styles=(make_style("scream"),))

    assert named(make_edit(over)) == ["scream"]


def test_an_edit_of_plain_clips_names_none(user, make_clip, make_edit, named):
    assert named(make_edit(make_clip(user), make_clip(user))) == []


def test_a_deleted_painting_is_named_all_the_same(user, make_clip, make_style, make_edit, named):
    painting = make_clip(user, styles=(make_style("wave"),), deleted_at=timezone.now())

    assert named(make_edit(painting)) == ["wave"]


def test_the_lineage_is_followed_so_far_and_no_further(user, make_clip, make_style, make_edit, named):
    clip = make_clip(user, styles=(make_style("wave"),))
    for _ in range(GENERATIONS_MAX):
        clip = make_edit(clip)
    beyond = make_edit(clip)

    assert named(beyond) == []
    assert named(clip) == ["wave"]


def test_publishing_anew_names_no_style_twice(user, make_clip, make_style, make_edit, make_post, named):
    edit = make_edit(make_clip(user, styles=(make_style("wave"),)))
    services.post_remove(post=make_post(user, clip=edit), by=user, at=timezone.now())

    assert named(edit) == ["wave"]


def test_an_edit_is_found_by_the_styles_in_it(user, make_clip, make_style, make_edit, make_post):
    post = make_post(user, clip=make_edit(make_clip(user, styles=(make_style("wave"),))))

    assert list(selectors.feed(viewer=AnonymousUser(), style="wave")) == [post]


def test_an_own_picture_is_shown_by_the_edit_that_credits_it(user, make_clip, make_style, make_edit, make_post):
    sketch = make_style("own-sketch", owner=user)
    edit = make_edit(make_clip(user, styles=(sketch,)))
    assert not selectors.style_is_shown(sketch.pk, AnonymousUser())

    make_post(user, clip=edit)

    assert selectors.style_is_shown(sketch.pk, AnonymousUser())
