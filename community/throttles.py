"""How often one person may write. Reading is not counted here."""

from rest_framework.request import Request
from rest_framework.throttling import UserRateThrottle
from rest_framework.views import APIView


class WriteThrottle(UserRateThrottle):
    def allow_request(self, request: Request, view: APIView) -> bool:
        if request.method in ("GET", "HEAD", "OPTIONS"):
            return True
        return super().allow_request(request, view)


class PostThrottle(WriteThrottle):
    scope = "posts"
    rate = "30/hour"


class LikeThrottle(WriteThrottle):
    scope = "likes"
    rate = "120/min"


class CommentThrottle(WriteThrottle):
    scope = "comments"
    rate = "20/min"


class ReportThrottle(WriteThrottle):
    scope = "reports"
    rate = "20/hour"
