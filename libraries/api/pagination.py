"""Pages of lists: `?page=` from 1 and `?pageSize=` up to 100."""

from __future__ import annotations

import re
from typing import Any

from django.core.paginator import Paginator
from rest_framework.pagination import PageNumberPagination
from rest_framework.request import Request
from rest_framework.views import APIView

from libraries.rules.errors import InvalidPayload

MAX_PAGE = 999_999_999
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
        """The requested size; InvalidPayload if it is out of range."""
        return _number(request, "pageSize", self.page_size, self.max_page_size)

    def get_page_number(self, request: Request, paginator: Paginator[Any]) -> int:
        """The requested page; InvalidPayload if it is not a number."""
        return _number(request, "page", 1, MAX_PAGE)

    def get_schema_operation_parameters(self, view: APIView) -> list[dict[str, Any]]:
        """The two parameters in OpenAPI, with their bounds."""
        page, size = super().get_schema_operation_parameters(view)
        page["schema"] |= {"minimum": 1, "maximum": MAX_PAGE, "default": 1}
        size["schema"] |= {"minimum": 1, "maximum": self.max_page_size, "default": self.page_size}
        return [page, size]

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        """A page in OpenAPI."""
        link = {"type": "string", "format": "uri", "nullable": True}
        return {
            "type": "object",
            "required": ["count", "next", "previous", "results"],
            "properties": {
                "count": {"type": "integer", "minimum": 0, "description": "How many there are on all pages."},
                "next": {**link, "description": "The next page."},
                "previous": {**link, "description": "The page before."},
                "results": schema,
            },
        }


def _number(request: Request, name: str, default: int, largest: int) -> int:
    value = request.query_params.get(name, str(default))
    if not _NUMBER.fullmatch(value) or int(value) > largest:
        sentence = f"Must be a whole number from 1 to {largest}."
        raise InvalidPayload(f"{name}: {sentence}", {name: sentence})
    return int(value)
