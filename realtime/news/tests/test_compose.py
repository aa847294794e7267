"""News of events: each event that the sockets are told of becomes one message for each role, and others do not."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

import pytest

from libraries.events import Event, PortalViewChanged
from libraries.rules.edits import Added, Moved, Removed, Seen, Updated
from realtime.news.compose import SETTLED_FIELDS, news_of, patch_news
from realtime.news.structs import MessageNews
from realtime.protocol.events import ItemMessage

PORTAL_VIEW_ID = UUID(int=1)
ENCOUNTER: dict[str, Any] = {"round": 1, "turn": None, "order": []}
BESIDE: dict[str, Any] = {
    "currentItem": 0,
    "currentItemId": "a",
    "camera": {"x": 0, "y": 0, "zoom": 1, "rotation": 0},
    "encounter": ENCOUNTER,
}
NOTHING_BESIDE: dict[str, Any] = dict.fromkeys(BESIDE)
EDITS: list[tuple[Any, dict[str, Any]]] = [
    (Added({"id": "a", "hp": 3}, 1), {"type": "item-added", "item": {"id": "a", "hp": 3}, "index": 1}),
    (Removed("a"), {"type": "item-removed", "itemId": "a"}),
    (Moved("a", 1), {"type": "item-moved", "itemId": "a", "index": 1}),
    (Updated("a", {"hp": None}, 1), {"type": "item-updated", "payload": {"itemId": "a", "hp": None}, "index": 1}),
]


class Renamed(Event, frozen=True, kw_only=True):
    """An event of another app."""


def news(controllers: Seen, viewers: Seen, **more: Any) -> MessageNews:
    """The news of a change that was stored as version 7, 4 for viewers."""
    usual = {"version": 7, "viewers_version": 4, "is_stored": True, "viewers_changed": bool(viewers)}
    event = PortalViewChanged(
        portal_view_id=PORTAL_VIEW_ID, controllers=controllers, viewers=viewers, **{**usual, **more}
    )
    [found] = news_of(event)
    assert isinstance(found, MessageNews)
    return found


def told(seen: Seen) -> dict[str, Any]:
    """The one message that says it; both roles get it in the same form."""
    found = news(seen, seen)
    assert found.controllers is not None
    assert found.viewers is not None
    controllers, viewers = json.loads(found.controllers), json.loads(found.viewers)
    assert (controllers.pop("version"), viewers.pop("version")) == (7, 4)
    assert controllers == viewers
    assert isinstance(controllers, dict)
    return controllers


def test_an_event_of_another_app_is_no_news() -> None:
    assert list(news_of(Renamed())) == []


def test_without_the_viewers_version_viewers_are_told_none() -> None:
    news = patch_news(UUID(int=1), {"name": "Night"}, version=7)
    assert (news.version, news.viewers_version) == (7, None)
    assert news.viewers == '{"type":"portal-view-updated","payload":{"name":"Night"}}'


@pytest.mark.parametrize("patch", [{"name": "Night"}, BESIDE, {"items": [], "currentItem": None}])
def test_keys_of_the_state_alone_are_a_patch(patch: dict[str, Any]) -> None:
    assert told(Seen(patch)) == {"type": "portal-view-updated", "payload": patch}


@pytest.mark.parametrize("beside", [{}, {"currentItem": 0}, BESIDE, NOTHING_BESIDE], ids=["no", "one", "all", "nulls"])
@pytest.mark.parametrize(("edit", "message"), EDITS)
def test_one_edit_is_its_message_with_what_is_settled_beside(
    edit: Any, message: dict[str, Any], beside: dict[str, Any]
) -> None:
    assert told(Seen(beside, (edit,))) == {**message, **beside}


@pytest.mark.parametrize("patch", [{"name": "Night"}, {"currentItem": 0, "zoom": 2}])
@pytest.mark.parametrize(("edit", "message"), EDITS)
def test_one_edit_and_other_keys_are_a_batch(edit: Any, message: dict[str, Any], patch: dict[str, Any]) -> None:
    updated = {"type": "portal-view-updated", "payload": patch}
    assert told(Seen(patch, (edit,))) == {"type": "batch-applied", "changes": [message, updated]}


@pytest.mark.parametrize("patch", [{}, BESIDE, {"name": "Night"}])
def test_several_edits_are_a_batch_and_the_keys_come_last(patch: dict[str, Any]) -> None:
    edits, messages = zip(*EDITS, strict=True)
    updated = [{"type": "portal-view-updated", "payload": patch}] if patch else []
    assert told(Seen(patch, edits)) == {"type": "batch-applied", "changes": [*messages, *updated]}


def test_each_role_gets_its_own_message() -> None:
    found = news(Seen(edits=(Updated("a", {"visible": True}, 4),)), Seen({"currentItem": 2}, (Added({"id": "a"}, 1),)))
    assert json.loads(found.controllers or "")["type"] == "item-updated"
    assert json.loads(found.viewers or "")["type"] == "item-added"
    assert (found.version, found.viewers_version, found.as_of) == (7, 4, None)


def test_viewers_get_nothing_of_an_edit_that_they_do_not_see() -> None:
    found = news(Seen(edits=(Removed("spy"),)), Seen())
    assert (found.viewers, found.viewers_version) == (None, 4)


def test_relayed_keys_beside_an_edit_come_with_the_version_of_each_role() -> None:
    patch = {"encounter": ENCOUNTER, "zoom": 2}
    found = news(Seen(patch, (EDITS[3][0],)), Seen({"zoom": 2}), viewers_changed=False)
    assert json.loads(found.controllers or "") == {
        "type": "batch-applied",
        "changes": [EDITS[3][1], {"type": "portal-view-updated", "payload": patch}],
        "version": 7,
    }
    assert json.loads(found.viewers or "") == {"type": "portal-view-updated", "payload": {"zoom": 2}}


def test_every_settled_key_has_a_field() -> None:
    fields = dict(zip(ItemMessage.__struct_encode_fields__, ItemMessage.__struct_fields__, strict=True))
    assert {key: fields[key] for key in fields if key != "version"} == SETTLED_FIELDS
    assert SETTLED_FIELDS.keys() == BESIDE.keys()
