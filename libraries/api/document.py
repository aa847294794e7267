"""`schema`: the OpenAPI document, made once per process. Its texts are in `libraries.api.schema` and the views."""

from __future__ import annotations

import hashlib
import threading
from dataclasses import dataclass
from functools import cache
from typing import ClassVar

from django.http import HttpResponse
from django.utils.cache import patch_vary_headers
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.renderers import OpenApiJsonRenderer, OpenApiYamlRenderer
from rest_framework.permissions import AllowAny
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request

from libraries.api.base import ApiView
from libraries.api.preconditions import is_known
from libraries.rules.errors import NotFound

_RENDERERS: dict[str, type[BaseRenderer]] = {"yaml": OpenApiYamlRenderer, "json": OpenApiJsonRenderer}
_making = threading.Lock()


@dataclass(frozen=True, slots=True)
class Document:
    """The document in one format, and its entity tag (RFC 9110, section 8.8.3)."""

    media_type: str
    body: bytes
    etag: str


def documents() -> dict[str, Document]:
    """The document by format: `yaml` and `json`. drf-spectacular cannot make two at once, so other requests wait."""
    with _making:
        return _make()


@cache
def _make() -> dict[str, Document]:
    described = SchemaGenerator().get_schema(request=None, public=True)  # type: ignore[no-untyped-call]
    made = {}
    for name, renderer in _RENDERERS.items():
        body = renderer().render(described, renderer_context={})
        assert isinstance(body, bytes), f"{renderer} gives text"  # noqa: S101
        made[name] = Document(str(renderer.media_type), body, f'"{hashlib.sha256(body).hexdigest()[:32]}"')
    return made


class Schema(ApiView):
    """`schema`: YAML, or JSON for clients that ask for it by `?format=json` or `Accept`."""

    authentication_classes = ()
    permission_classes = (AllowAny,)
    schema = None
    cache: ClassVar[dict[str, bool]] = {"public": True, "no_cache": True}

    def get(self, request: Request) -> HttpResponse:
        """The document; 304 for those who have it."""
        accepted = request.headers.get("Accept", "")
        preferred = "json" if "json" in accepted and "yaml" not in accepted else "yaml"
        name = request.query_params.get("format", preferred)
        document = documents().get(name)
        if document is None:
            raise NotFound("The document is there with ?format=yaml and ?format=json.")
        if is_known(request.headers.get("If-None-Match"), document.etag):
            answer = HttpResponse(status=304)
        else:
            answer = HttpResponse(document.body, content_type=document.media_type)
            answer["Content-Disposition"] = f'inline; filename="portal.{name}"'
        answer["ETag"] = document.etag
        patch_vary_headers(answer, ["Accept"])
        return answer
