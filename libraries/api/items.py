"""The items of a portal view in the REST API, one by one. An item that viewers do not see is unknown to them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.urls import reverse
from rest_framework.request import Request
from rest_framework.response import Response

from libraries.api.base import ApiView
from libraries.api.portal_view_serializers import ItemsSerializer, PositionSerializer, WrittenItemSerializer
from libraries.api.portal_views import read_portal_view, tag_of
from libraries.api.preconditions import is_known, item_etag, parse_tags
from libraries.api.schema import AS_VIEWER, IF_MATCH, IF_NONE_MATCH, INDEX, documented
from libraries.api.shapes import ITEM, SHOWN_ITEM
from libraries.models import PortalView
from libraries.rules.addresses import MAX_BODY_IMAGE_CHARS
from libraries.rules.changes import Change, check_addition, check_item_patch, check_move, check_removal
from libraries.rules.errors import InvalidPayload, NoSuchItem, NotFound, VersionConflict
from libraries.rules.projection import project
from libraries.rules.roles import portal_role
from libraries.rules.state import State, find_item
from libraries.services.changes import Message, Written, change_portal_view

_NO_ITEM = "There is no such item."


class Items(ApiView):
    """`portal-views/{portalViewId}/items`."""

    @documented(
        "List the items of a portal view",
        operation_id="portalViewsItemsList",
        answer=ItemsSerializer,
        parameters=(IF_NONE_MATCH, AS_VIEWER),
        errors=(304, 400, 404),
    )
    def get(self, request: Request, portal_view_id: UUID) -> Response:
        """All of them, in their order, as the asker may see them; with the ETag of the portal view."""
        portal_view = read_portal_view(self, portal_view_id)
        tag = tag_of(portal_view)
        if is_known(request.headers.get("If-None-Match"), tag):
            return Response(status=304, headers={"ETag": tag})
        return Response({"items": _seen(portal_view)}, headers={"ETag": tag})

    @documented(
        "Add an item",
        body=ITEM,
        answer=WrittenItemSerializer,
        status=201,
        parameters=(INDEX,),
        errors=(404, 409),
    )
    def post(self, request: Request, portal_view_id: UUID) -> Response:
        """The body is the item; without an id it gets one. Owners and editors may. Everybody connected is told."""
        written = _store(self, portal_view_id, check_addition(self.body, _index(request), MAX_BODY_IMAGE_CHARS))
        item_id = written.answers[0].item_ids[0]
        location = reverse("item", args=[portal_view_id, item_id])
        return _written(written, item_id, status=201, headers={"Location": location})


class OneItem(ApiView):
    """`portal-views/{portalViewId}/items/{itemId}`."""

    @documented(
        "Read an item",
        answer=SHOWN_ITEM,
        parameters=(IF_NONE_MATCH, AS_VIEWER),
        errors=(304, 400, 404),
    )
    def get(self, request: Request, portal_view_id: UUID, item_id: str) -> Response:
        """As the asker may see it; its ETag is a hash of that."""
        items = _seen(read_portal_view(self, portal_view_id))
        index = find_item(items, item_id)
        if index is None:
            raise NotFound(_NO_ITEM)
        tag = item_etag(items[index])
        if is_known(request.headers.get("If-None-Match"), tag):
            return Response(status=304, headers={"ETag": tag})
        return Response(items[index], headers={"ETag": tag})

    @documented(
        "Change an item",
        body=ITEM,
        answer=WrittenItemSerializer,
        parameters=(IF_MATCH,),
        errors=(404, 409, 412),
    )
    def patch(self, request: Request, portal_view_id: UUID, item_id: str) -> Response:
        """The keys that the body has; null removes a key. Owners and editors may. Everybody connected is told."""
        patch = check_item_patch(item_id, self.body, MAX_BODY_IMAGE_CHARS)
        return _written(_store(self, portal_view_id, patch, item_id), item_id)

    @documented("Remove an item", status=204, parameters=(IF_MATCH,), errors=(400, 404, 412))
    def delete(self, request: Request, portal_view_id: UUID, item_id: str) -> Response:
        """Also from the order of the encounter; owners and editors may. Everybody connected is told."""
        _store(self, portal_view_id, check_removal(item_id), item_id)
        return Response(status=204)


class ItemPosition(ApiView):
    """`portal-views/{portalViewId}/items/{itemId}/position`."""

    @documented(
        "Move an item",
        body=PositionSerializer,
        answer=WrittenItemSerializer,
        parameters=(IF_MATCH,),
        errors=(404, 412),
    )
    def put(self, request: Request, portal_view_id: UUID, item_id: str) -> Response:
        """To a place counted from 0, its place after the move. Owners and editors may. Everybody connected is told."""
        move = check_move(item_id, self.read(PositionSerializer)["index"])
        return _written(_store(self, portal_view_id, move, item_id), item_id)


def _seen(portal_view: PortalView) -> list[dict[str, Any]]:
    seen: list[dict[str, Any]] = project(portal_view.state(), portal_role(portal_view.role), portal_view.rules)["items"]
    return seen


def _index(request: Request) -> int | None:
    """The place for a new item; InvalidPayload if it is no whole number."""
    given = request.query_params.get("index")
    if given is None:
        return None
    if not given.isascii() or not given.isdigit() or len(given) > 9:
        sentence = "Must be a whole number from 0."
        raise InvalidPayload(f"index: {sentence}", {"index": sentence})
    return int(given)


def _store(view: ApiView, portal_view_id: UUID, change: Change, item_id: str | None = None) -> Written:
    """Store one change, if the item is still the one of If-Match; NotFound without the item."""
    tags = parse_tags("If-Match", view.request.headers.get("If-Match")) if item_id is not None else None

    def check(state: State) -> None:
        index = find_item(state["items"], item_id)
        if index is None:
            raise NotFound(_NO_ITEM)
        if tags is not None and not tags.has(item_etag(state["items"][index])):
            raise VersionConflict("The item has changed: read it again.")

    try:
        return change_portal_view(
            actor_id=view.actor_id,
            portal_view_id=portal_view_id,
            messages=[Message([change])],
            check=check if item_id is not None else None,
        )
    except NoSuchItem:
        raise NotFound(_NO_ITEM) from None


def _written(
    written: Written, item_id: str, *, status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    items = written.portal_view.items
    index = find_item(items, item_id)
    assert index is not None  # noqa: S101  # it was written a moment ago
    body = {
        "item": items[index],
        "index": index,
        "version": written.portal_view.version,
        "warnings": written.warnings[0],
    }
    return Response(body, status=status, headers={"ETag": item_etag(items[index]), **(headers or {})})
