import pytest
from django.urls import path
from rest_framework.permissions import AllowAny
from rest_framework.response import Response
from rest_framework.settings import api_settings
from rest_framework.test import APIRequestFactory
from rest_framework.views import APIView

from foundation.throttles import AnonymousThrottle

pytestmark = pytest.mark.urls(__name__)
FORGED = "203.0.113.7, 198.51.100.1"


class OpenView(APIView):
    permission_classes = [AllowAny]

    def get(self, request):
        return Response({})


urlpatterns = [path("open/", OpenView.as_view())]


def caller(address="192.0.2.9", forwarded=FORGED):
    request = APIRequestFactory().get("/", REMOTE_ADDR=address, HTTP_X_FORWARDED_FOR=forwarded)
    return AnonymousThrottle().get_ident(request)


def test_without_a_proxy_nobody_can_say_that_he_is_somebody_else():
    assert caller() == caller(forwarded="whatever") == "192.0.2.9"


def test_behind_one_proxy_the_address_it_saw_counts_and_not_what_the_caller_wrote(monkeypatch):
    monkeypatch.setattr(api_settings, "NUM_PROXIES", 1)

    assert caller() == caller(forwarded="8.8.8.8, 198.51.100.1") == "198.51.100.1"


@pytest.mark.django_db
def test_who_knocks_too_often_hears_when_to_come_back_whatever_he_forwards(anonymous_client, monkeypatch):
    monkeypatch.setattr(AnonymousThrottle, "rate", "2/min", raising=False)

    answers = [anonymous_client.get("/open/", headers={"X-Forwarded-For": f"10.0.0.{n}"}) for n in range(3)]

    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert answers[-1].json()["code"] == "throttled"
    assert 0 < int(answers[-1]["Retry-After"]) <= 60
