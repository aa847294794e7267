"""Shared code of all views of the REST API: the asker, pages, and cache headers. No view lives here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, cast
from uuid import UUID

from django.db.models import QuerySet
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.cache import patch_cache_control, patch_vary_headers
from rest_framework.generics import GenericAPIView
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer

from libraries.api.bodies import OnlyJSON
from libraries.rules.errors import InvalidPayload, NotFound, few_details, named
from libraries.rules.json_faults import kind_of

MAX_QUERY_CHARS = 2048
"""The limit on the query string of a list, which is repeated in the addresses of the pages before and after."""


ONCE = "May be given once only."


class ApiView(GenericAPIView[Any]):
    """A view for people who are logged in."""

    content_negotiation_class = OnlyJSON
    # Browsers' preflights are answered earlier; /api/schema has the rest of what OPTIONS could say
    http_method_names = ["get", "head", "post", "put", "patch", "delete"]
    # An answer for one person must not be kept for another, and must be revalidated
    cache: ClassVar[dict[str, bool]] = {"private": True, "no_cache": True}

    def initialize_request(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Request:
        """The framework's request, also for a chunked body: without a length the body would be ignored."""
        if "HTTP_TRANSFER_ENCODING" in request.META and not request.META.get("CONTENT_LENGTH"):
            request.META["CONTENT_LENGTH"] = "-1"  # unknown but not zero; the parser limits the length
        return super().initialize_request(request, *args, **kwargs)

    @property
    def actor_id(self) -> UUID:
        """The id of the person who asks."""
        return cast(UUID, self.request.user.pk)

    @property
    def body(self) -> Mapping[str, Any]:
        """The body, unchecked; InvalidPayload if it is no object."""
        body: object = self.request.data
        if not isinstance(body, Mapping):
            sentence = f'The body must be an object like {{"name": "Evening"}}; it is {kind_of(body)}.'
            raise InvalidPayload(sentence)
        return body

    def read(self, serializer_class: type[BaseSerializer[Any]], **extra: Any) -> dict[str, Any]:
        """The checked values of the body; `partial=True` for a patch."""
        serializer = serializer_class(data=self.body, **extra)
        serializer.is_valid(raise_exception=True)
        return cast(dict[str, Any], serializer.validated_data)

    def answer_page(
        self, rows: QuerySet[Any], serializer_class: type[BaseSerializer[Any]], **context: object
    ) -> Response:
        """One page of the rows, searched and ordered as the query says."""
        self.check_query()
        page = self.paginate_queryset(self.filter_queryset(rows))
        assert page is not None, "settings.REST_FRAMEWORK has no pagination"  # noqa: S101
        return self.get_paginated_response(serializer_class(page, many=True, context=context).data)

    def check_query(self) -> None:
        """Raise InvalidPayload if the query of a list is too long, or has a parameter twice."""
        if len(self.request.META.get("QUERY_STRING", "")) > MAX_QUERY_CHARS:
            raise InvalidPayload(f"The query string is too long: at most {MAX_QUERY_CHARS} characters are possible.")
        if twice := {named(key): ONCE for key, values in self.request.query_params.lists() if len(values) > 1}:
            raise InvalidPayload(f"{', '.join(few_details(twice))}: {ONCE}", twice)

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        """The response with its cache headers."""
        final = super().finalize_response(request, response, *args, **kwargs)
        patch_cache_control(final, **self.cache)
        patch_vary_headers(final, ["Authorization", "Cookie"])
        return final

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Answer, and leave nothing to the garbage collector, which runs rarely (`realtime.server.process.garbage`).

        Objects with large answers would have waited for it: 160 MB within half a minute.
        """
        response = super().dispatch(request, *args, **kwargs)
        if isinstance(response, Response):
            response.add_post_render_callback(_let_go)
        else:
            self._undo_circles()
        return response

    def _undo_circles(self) -> None:
        """Break the reference cycles of the view with its request and itself."""
        self.request.parser_context.clear()
        vars(self).clear()


def _let_go(response: Any) -> None:
    """Break the reference cycles of a rendered response with itself and its view."""
    view = response.renderer_context["view"]
    response.renderer_context.clear()
    view._undo_circles()


class OpenView(ApiView):
    """A view for everybody, whose answers may hold a credential; who is logged in is not looked at."""

    authentication_classes = ()
    permission_classes = (AllowAny,)
    cache: ClassVar[dict[str, bool]] = {"no_store": True}  # RFC 6749, section 5.1


class NothingHere(ApiView):
    """Every address without another view."""

    authentication_classes = ()
    permission_classes = (AllowAny,)
    schema = None

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Refuse, whatever the method is."""
        raise NotFound("There is nothing at this address; /api/docs lists what there is.")
