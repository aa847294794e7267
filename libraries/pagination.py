"""How lists are cut into pages: `?page=` from 1 and `?pageSize=` up to 100."""

from __future__ import annotations

import re
from typing import Any

from django.core.paginator import Paginator
from rest_framework.pagination import PageNumberPagination
from rest_framework.request import Request

from libraries.errors import InvalidPayload

_NUMBER = re.compile(r"[1-9][0-9]{0,8}")


class Pages(PageNumberPagination):
    """Answers `{count, next, previous, results}`; a page beyond the last is not found."""

    page_size = 20
    max_page_size = 100
    page_size_query_param = "pageSize"
    page_size_query_description = "How many to answer at once, from 1 to 100."
    page_query_description = "Which page, counted from 1."
    invalid_page_message = "There is no page {page_number}; the first is page 1."

    def get_page_size(self, request: Request) -> int:
        """The size asked for; InvalidPayload for one that is not possible."""
        return _number(request, "pageSize", self.page_size, self.max_page_size)

    def get_page_number(self, request: Request, paginator: Paginator[Any]) -> int:
        """The page asked for; InvalidPayload for what is no number."""
        return _number(request, "page", 1, None)


def _number(request: Request, name: str, default: int, largest: int | None) -> int:
    value = request.query_params.get(name, str(default))
    if not _NUMBER.fullmatch(value) or (largest is not None and int(value) > largest):
        sentence = "Must be a whole number from 1" + (" on." if largest is None else f" to {largest}.")
        raise InvalidPayload(f"{name}: {sentence}", {name: sentence})
    return int(value)
