from datetime import timedelta

import pytest
from django.contrib.auth import get_user_model
from django.urls import path
from django.utils import timezone
from rest_framework import serializers
from rest_framework.generics import ListAPIView

from foundation.pagination import CursorPagination

pytestmark = [pytest.mark.django_db, pytest.mark.urls(__name__)]


class ByJoining(CursorPagination):
    order_field = "date_joined"


class PersonSerializer(serializers.ModelSerializer):
    class Meta:
        model = get_user_model()
        fields = ["username"]


class PeopleView(ListAPIView):
    queryset = get_user_model().objects.all()
    serializer_class = PersonSerializer
    pagination_class = ByJoining


urlpatterns = [path("people/", PeopleView.as_view())]


def walk(client, url):
    names = []
    while url:
        answer = client.get(url).json()
        names += [person["username"] for person in answer["results"]]
        url = answer["next"]
        yield names


def test_a_list_is_walked_newest_first_without_gaps_when_times_are_equal(api_client, user, make_user):
    moment = timezone.now()
    for number in range(6):
        make_user(f"p{number}", date_joined=moment + timedelta(seconds=number // 3))

    *_, names = walk(api_client, "/people/?page_size=2")

    assert names == ["p5", "p4", "p3", "p2", "p1", "p0", user.username]


def test_a_row_added_meanwhile_shifts_nothing(api_client, user, make_user):
    for number in range(3):
        make_user(f"p{number}")
    pages = walk(api_client, "/people/?page_size=2")
    next(pages)
    make_user("late")

    *_, names = pages

    assert names == ["p2", "p1", "p0", user.username]


def test_a_page_has_an_upper_bound(api_client, settings):
    assert ByJoining.max_page_size == 100
    assert api_client.get("/people/?page_size=100000").status_code == 200
