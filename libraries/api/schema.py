"""The OpenAPI description of the REST API: facts that `drf_spectacular` cannot see in the views.

Importing this registers the descriptions of our own fields and of the bearer token. Nothing here changes an answer.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from django.conf import settings
from drf_spectacular.extensions import OpenApiAuthenticationExtension, OpenApiSerializerFieldExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse, extend_schema

from libraries.api import shapes
from libraries.api.portal_view_serializers import (
    AppliedBatchSerializer,
    ItemsSerializer,
    PortalViewSerializer,
    WrittenItemSerializer,
    WrittenPortalViewSerializer,
)
from libraries.api.serializers import ErrorSerializer
from libraries.rules.disclosure import MAX_PATHS, ROWS
from libraries.rules.projection import project
from libraries.rules.record_paths import MAX_PATH_CHARS
from libraries.rules.roles import PortalRole

View = TypeVar("View", bound=Callable[..., Any])

IF_MATCH = OpenApiParameter(
    "If-Match",
    str,
    OpenApiParameter.HEADER,
    description='Change it only if this still is its ETag (or one of these): `"3"`. `*` is any.',
)
IF_NONE_MATCH = OpenApiParameter(
    "If-None-Match",
    str,
    OpenApiParameter.HEADER,
    description="The ETag of what the client has: it is not answered again.",
)
AS_VIEWER = OpenApiParameter(
    "as",
    str,
    OpenApiParameter.QUERY,
    enum=["viewer"],
    description="What viewers get, for a controller who wants to look.",
)
FILE: dict[str, Any] = {"type": "string", "format": "binary"}
"""A body that is a file."""
INDEX = OpenApiParameter(
    "index",
    int,
    OpenApiParameter.QUERY,
    description="The place of the new item, from 0. Default: the end.",
)
_ETAG = OpenApiParameter(
    "ETag",
    str,
    OpenApiParameter.HEADER,
    response=[200, 201, 304],
    description='The version in quotes, as in `"3"`; for viewers with a digest of the rules: `"3-viewer-5e507283"`.',
)
_ITEM_ETAG = OpenApiParameter(
    "ETag",
    str,
    OpenApiParameter.HEADER,
    response=[200, 201, 304],
    description="A hash of the item as the asker sees it.",
)
_TAGGED = (PortalViewSerializer, WrittenPortalViewSerializer, ItemsSerializer, AppliedBatchSerializer)
_LOCATION = OpenApiParameter(
    "Location", str, OpenApiParameter.HEADER, response=[200, 201], description="The address of what was made."
)

_MEANINGS: dict[int, str] = {
    304: "The client has it already.",
    400: "A value is not possible; `details` says which and why.",
    401: "No token, or one that is not valid (any more); at log-in, a wrong address or password.",
    403: "The asker may see this but not do this; or the session of a page has no X-CSRFToken.",
    404: "It does not exist, or the asker may not know that it does.",
    409: "It would break a rule: an address twice, a library without an owner, more than a quota allows.",
    410: "It is not there any more; the message says what to do.",
    412: "It has changed: If-Match names another version. Nothing was changed.",
    413: "The body is too long.",
    415: "The body is not JSON.",
    429: "Too many attempts; Retry-After says how many seconds to wait.",
    507: "There is no room left where pictures are kept; nothing was stored.",
    503: "Too many ask at this moment, or the database is away; Retry-After says how many seconds to wait.",
}

BUSY: dict[str, Any] = {
    "description": _MEANINGS[503],
    "headers": {"Retry-After": {"schema": {"type": "integer", "minimum": 1}, "description": "Seconds."}},
    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}},
}
"""The answer that any request may get."""

_STORED: dict[str, Any] = {
    "id": "5f0c8f4e-3f0b-4a55-9a51-6a0f2f0d7c11",
    "libraryId": "0d1c9a52-52c5-4b0e-8f0e-3c1f6f0a9b77",
    "name": "The old mill",
    "showEncounter": False,
    "showHealth": True,
    "showAC": False,
    "showActions": False,
    "showConditions": True,
    "healthDisplay": "words",
    "autoResetImageState": True,
    "blackout": False,
    "viewersMayPoint": False,
    "currentItem": 0,
    "currentItemId": "ogre",
    "camera": {"x": 0.5, "y": 0.25, "zoom": 2, "rotation": 0},
    "encounter": {
        "round": 2,
        "turn": "spy",
        "order": [{"itemId": "ogre", "initiative": 17}, {"itemId": "spy", "initiative": 9}],
    },
    "items": [
        {"id": "ogre", "type": "stat-block", "name": "Ogre", "hp": 22, "maxHp": 60, "ac": 11, "gmNotes": "Is asleep"},
        {"id": "spy", "type": "token", "name": "Spy", "visible": False},
    ],
    "version": 3,
    "createdAt": "2026-01-05T18:30:00.000Z",
    "updatedAt": "2026-01-05T21:04:12.345Z",
    "viewersVersion": 2,
    "viewersUpdatedAt": "2026-01-05T21:03:58.072Z",
}
_EPOCH = "c0a8f3d2b1e94f7a8d6c5b4a39281706"
_EXAMPLES = [
    OpenApiExample(
        f"As a {role} sees it",
        {**project(_STORED, role), "epoch": _EPOCH, "role": str(role)},
        response_only=True,
        status_codes=["200", "201"],
    )
    for role in PortalRole
]


_ANY_FILE = "application/octet-stream"


def documented(
    summary: str,
    *,
    answer: Any = None,
    status: int | Sequence[int] = 200,
    body: Any = None,
    parameters: Sequence[OpenApiParameter] = (),
    errors: Sequence[int] = (),
    open: bool = False,
    operation_id: str | None = None,
) -> Callable[[View], View]:
    """Describe a view: its answers by status (the same for each, if it has several), its body, and its own refusals.

    The refusals that belong to a body (400, 413, 415) or a log-in (401 and, if something is changed, 403; unless
    `open`) are added.
    """
    statuses = (status,) if isinstance(status, int) else status
    of_an_item = answer in (WrittenItemSerializer, shapes.SHOWN_ITEM)
    tags = [_ETAG] if answer in _TAGGED else [_ITEM_ETAG] if of_an_item else []
    headers = [*tags, *([_LOCATION] if 201 in statuses and not open else [])]

    def describe(view: View) -> View:
        changes = view.__name__ != "get"
        refusals = {*errors, *(() if open else (401, 403) if changes else (401,)), *((400, 413, 415) if body else ())}
        described: View = extend_schema(
            operation_id=operation_id,
            summary=summary,
            request={_ANY_FILE if body is FILE else "application/json": body} if isinstance(body, dict) else body,
            responses=dict.fromkeys(statuses, answer) | {refused: _refusal(refused) for refused in sorted(refusals)},
            parameters=[*parameters, *headers],
            examples=_EXAMPLES if answer is PortalViewSerializer else None,
        )(view)
        return described

    return describe


def _refusal(status: int) -> OpenApiResponse:
    return OpenApiResponse(None if status == 304 else ErrorSerializer, _MEANINGS[status])


class BearerScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """The access token."""

    target_class = "libraries.api.authentication.BearerAuthentication"
    name = "accessToken"

    def get_security_definition(self, auto_schema: AutoSchema) -> dict[str, str]:
        """The scheme."""
        return {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}


class PageScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """The session of our own pages."""

    target_class = "libraries.api.authentication.PageAuthentication"
    name = "pageSession"

    def get_security_definition(self, auto_schema: AutoSchema) -> dict[str, str]:
        """The scheme."""
        sentence = "For our own pages; what changes something needs the header X-CSRFToken, too."
        return {"type": "apiKey", "in": "cookie", "name": settings.SESSION_COOKIE_NAME, "description": sentence}


class ItemDescription(OpenApiSerializerFieldExtension):  # type: ignore[no-untyped-call]
    """An item in a body."""

    target_class = "libraries.api.fields.ItemField"

    def map_serializer_field(self, auto_schema: AutoSchema, direction: str) -> dict[str, Any]:
        """The schema."""
        return shapes.ITEM


class ShownItemDescription(ItemDescription):  # type: ignore[no-untyped-call]
    """An item in an answer."""

    target_class = "libraries.api.fields.ShownItemField"

    def map_serializer_field(self, auto_schema: AutoSchema, direction: str) -> dict[str, Any]:
        """The schema."""
        return shapes.SHOWN_ITEM


class CameraDescription(OpenApiSerializerFieldExtension):  # type: ignore[no-untyped-call]
    """The camera."""

    target_class = "libraries.api.fields.CameraField"

    def map_serializer_field(self, auto_schema: AutoSchema, direction: str) -> dict[str, Any]:
        """The schema."""
        return shapes.camera(answered=direction == "response")


class EncounterDescription(OpenApiSerializerFieldExtension):  # type: ignore[no-untyped-call]
    """The encounter."""

    target_class = "libraries.api.fields.EncounterField"

    def map_serializer_field(self, auto_schema: AutoSchema, direction: str) -> dict[str, Any]:
        """The schema."""
        return shapes.encounter(answered=direction == "response")


class ChangeDescription(OpenApiSerializerFieldExtension):  # type: ignore[no-untyped-call]
    """A change in a batch."""

    target_class = "libraries.api.fields.ChangeField"

    def map_serializer_field(self, auto_schema: AutoSchema, direction: str) -> dict[str, Any]:
        """The schema."""
        return shapes.CHANGE


class DisclosureDescription(OpenApiSerializerFieldExtension):  # type: ignore[no-untyped-call]
    """A disclosure."""

    target_class = "libraries.api.fields.DisclosureField"

    def map_serializer_field(self, auto_schema: AutoSchema, direction: str) -> dict[str, Any]:
        """The schema."""
        paths = {"type": "array", "items": {"type": "string", "maxLength": MAX_PATH_CHARS}, "maxItems": MAX_PATHS}
        null = {"nullable": True} if direction == "response" else {}
        return {"type": "object", "properties": dict.fromkeys(ROWS, paths), "additionalProperties": False, **null}
