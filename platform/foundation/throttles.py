"""How often one may knock: a wide net for everybody; a view with costly work names a narrower one."""

from rest_framework.throttling import AnonRateThrottle, UserRateThrottle


class AnonymousThrottle(AnonRateThrottle):
    scope = "anonymous"


class PersonThrottle(UserRateThrottle):
    scope = "person"
