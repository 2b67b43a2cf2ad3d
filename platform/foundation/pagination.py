"""Lists that stay in order while rows are added: a cursor, never a page number."""

from typing import Any

from django.db.models import QuerySet
from rest_framework import pagination
from rest_framework.request import Request


class CursorPagination(pagination.CursorPagination):
    """
    Newest first by `order_field`, then by primary key, so that the order is total.

    A list sorted by something else: `class Liked(CursorPagination): order_field = "liked_at"`.
    """

    order_field = "created_at"
    page_size = 24
    page_size_query_param = "page_size"
    max_page_size = 100

    def get_ordering(self, request: Request, queryset: QuerySet, view: Any) -> tuple[str, str]:
        return (f"-{self.order_field}", "-pk")
