"""Broken rules and outlets, by the name of what is replaced: the examples are played with each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import msgspec

from libraries.rules import commands, edits, encounter, health, items, net, projection
from libraries.rules.draft import Draft
from libraries.rules.item_ids import made_up_id
from libraries.rules.roles import PortalRole
from libraries.selectors import get_portal_view
from libraries.services import storing
from realtime.news import compose, gestures
from realtime.rooms.connection import Connection
from realtime.rooms.seats import Seats

_built, _shown, _store = items._built, health.shown, storing.store
_shown_items, _shown_encounter = projection.shown_items, projection.shown_encounter
_settled_seen, _own_versions = projection.settled_seen, projection.own_versions
_project_command, _project_sync = commands.project_command, commands.project_sync
_unknown_item_news, _message, _put_level = compose.unknown_item_news, compose._message, Seats.put_level
_pointer_news, _activity_news = gestures.pointer_news, gestures.activity_news
_script, _reveal, _seen = edits._script, Draft._reveal, encounter.seen
_first_roles: dict[str, PortalRole] = {}


def built_without(key: str) -> Callable[..., Any]:
    """An item as viewers see it, without a key that they may see."""
    return lambda *given: {name: value for name, value in _built(*given).items() if name != key}


def _as_it_is(value: Any, *_: object) -> Any:
    return value


def _each_as_it_is(values: Any, *_: object) -> Any:
    return list(values)


def _for_all(draft: Any, disclosure: Any) -> Any:
    seen = edits.seen_by_viewers(draft, disclosure)
    return edits.seen_by_controllers(draft) if seen else seen


def _unknown_item_for_all(portal_view_id: Any, item_id: str, payload: Any, *, sender: str | None = None) -> Any:
    news = _unknown_item_news(portal_view_id, item_id, payload, sender=sender)
    return msgspec.structs.replace(news, viewers=news.controllers)


def _for_viewers(compose_news: Callable[..., Any]) -> Callable[..., Any]:
    """News whose text for controllers viewers get, too."""

    def composed(*given: Any, **more: Any) -> Any:
        news = compose_news(*given, **more)
        return news and msgspec.structs.replace(news, viewers=news.controllers)

    return composed


def _all_shown(item: Any, switches: Any) -> Any:
    return frozenset(net.HIDDEN), "numbers"


def _with_places(state: Any, *given: Any) -> Any:
    shown = iter(_shown_items(state, *given))
    return [next(shown, {}) if items.is_seen(item) else {"visible": False} for item in state["items"]]


def _command_in_the_light(payload: Any, state: Any, *given: Any) -> Any:
    return _project_command(payload, state and {**state, "blackout": False}, *given)


def _moved_by_all(*given: Any, viewers_changed: bool, **more: Any) -> Any:
    return _store(*given, viewers_changed=True, **more)


def _with_show(item: Any, *given: Any) -> Any:
    return {**_built(item, *given), **({"show": item["show"]} if "show" in item else {})}


def _with_reveal(item: Any, *given: Any) -> Any:
    return {**_built(item, *given), **({"revealOnTurn": True} if "revealOnTurn" in item else {})}


def _settled_as_stored(state: Any) -> Any:
    return {key: state[key] for key in projection.SETTLED}


def _in_the_old_seat(seats: Seats, connection: Connection) -> None:
    role, connection.role = connection.role, _first_roles.setdefault(connection.id, connection.role)
    _put_level(seats, connection)
    connection.role = role


def _reveal_everybody(draft: Draft, before: Any, after: Any) -> None:
    if after and after["turn"] is not None:
        index = next(place for place, item in enumerate(draft.state["items"]) if item["id"] == after["turn"])
        draft._put(index, {**draft.state["items"][index], "revealOnTurn": True})
    _reveal(draft, before, after)


def _reveal_again(draft: Draft, before: Any, after: Any) -> None:
    waiting = {item["id"] for item in draft.state["items"] if item.get("revealOnTurn")}
    _reveal(draft, before, after)
    for place, item in enumerate(draft.state["items"]):
        if item["id"] in waiting:
            draft._put(place, {**item, "revealOnTurn": True})


def _id_of_the_record(record: Any, *given: Any) -> Any:
    return record.get("_id") or made_up_id(record, *given)


def _added_as_it_was(draft: Any, *given: Any) -> Any:
    draft.added.clear()
    return _script(draft, *given)


def _next_seen(stored: Any, is_seen: Any, shows: Any) -> Any:
    order = [entry["itemId"] for entry in stored["order"]]
    turn = order[order.index(stored["turn"]) :] if stored["turn"] else []
    return {**_seen(stored, is_seen, shows), "turn": next(filter(is_seen, turn), None)}


def _in_this_round(stored: Any, is_seen: Any, shows: Any) -> Any:
    shown = _seen({**stored, "round": min(1, stored["round"])}, is_seen, shows)
    return {**shown, "round": stored["round"] if shown["turn"] else 0}


def _no_turn(stored: Any, is_seen: Any, shows: Any) -> Any:
    is_shown = stored["turn"] and is_seen(stored["turn"])
    return {**_seen(stored, is_seen, shows), **({} if is_shown else {"turn": None, "round": 0})}


MUTANTS: dict[str, Any] = {
    "libraries.rules.projection.is_seen": lambda item: True,
    "libraries.rules.projection.build_each": _each_as_it_is,
    "libraries.rules.items._built": _with_show,
    "libraries.rules.items._built, with reveal": _with_reveal,
    "libraries.rules.projection.shown_items, with places": _with_places,
    "libraries.rules.projection.shown_items, in the light": lambda state, *given: _shown_items(
        {**state, "blackout": False}, *given
    ),
    "libraries.rules.projection.shown_place": lambda state: state["currentItem"],
    "libraries.rules.projection.settled_seen, with camera": lambda state: {
        **_settled_seen(state),
        "camera": state["camera"],
    },
    "libraries.rules.projection.settled_seen, with id": lambda state: {
        **_settled_seen(state),
        "currentItemId": state["currentItemId"],
    },
    "libraries.rules.projection.shown_encounter, in the light": lambda state: _shown_encounter(
        {**state, "blackout": False}
    ),
    "libraries.rules.projection.shown_encounter, always": lambda state: _shown_encounter(
        {**state, "showEncounter": True}
    ),
    "libraries.rules.projection.seen": _as_it_is,
    "libraries.rules.projection.seen, all entries": lambda stored, is_seen, shows: {
        **_seen(stored, is_seen, shows),
        "order": stored["order"],
    },
    "libraries.rules.projection.seen, all initiatives": lambda stored, is_seen, shows: _seen(
        stored, is_seen, lambda item_id: True
    ),
    "libraries.rules.projection.seen, stored turn": lambda stored, is_seen, shows: {
        **_seen(stored, is_seen, shows),
        "turn": stored["turn"],
    },
    "libraries.rules.projection.seen, stored round": lambda stored, is_seen, shows: {
        **_seen(stored, is_seen, shows),
        "round": stored["round"],
    },
    "libraries.rules.projection.own_versions": lambda state, role: {
        **_own_versions(state, role),
        "version": state["version"],
    },
    "libraries.rules.edits.is_seen": lambda item: True,
    "libraries.rules.edits.build": _as_it_is,
    "libraries.rules.edits.settled_seen": _settled_as_stored,
    "libraries.rules.edits.place_of": lambda items, index: index,
    "libraries.rules.commands.shown_items": lambda state, disclosure: state["items"],
    "libraries.rules.commands.settled_seen": _settled_as_stored,
    "libraries.rules.commands.is_seen": lambda item: True,
    "libraries.rules.draft.Draft._reveal, everybody": _reveal_everybody,
    "libraries.rules.draft.Draft._reveal, again": _reveal_again,
    "libraries.rules.draft._moment": lambda encounter: object(),
    "libraries.rules.draft.made_up_id": _id_of_the_record,
    "libraries.models.PortalView.item_key": b"the same for all",
    "libraries.rules.health.shown": lambda known, display: _shown(known, "numbers"),
    "libraries.rules.items.switches_of": _all_shown,
    "libraries.rules.items._is_on": lambda own, name, switch: switch is True or own.get(name) is True,
    "libraries.rules.items.alias_of": lambda item: None,
    "libraries.rules.net.is_struck": lambda key, shown: False,
    "libraries.rules.disclosure.Disclosure.in_place": lambda disclosure, item: dict(item),
    "libraries.rules.record_paths._is_flat": lambda value: True,
    "libraries.rules.record_paths.Match._is_meant": lambda match, entry: isinstance(entry, dict),
    "libraries.services.changes.seen_by_viewers": _for_all,
    "libraries.services.changes.store": _moved_by_all,
    "libraries.services.changes.project_command": _as_it_is,
    "libraries.services.storing.shown_count": lambda state: len(state["items"]),
    "libraries.services.storing.shown_place": lambda state: state["currentItem"],
    "libraries.api.portal_views._is_as_viewer": lambda request: False,
    "libraries.api.portal_view_serializers.project": _as_it_is,
    "libraries.api.items.read_portal_view": lambda view, portal_view_id: get_portal_view(
        user_id=view.actor_id, portal_view_id=portal_view_id
    ),
    "libraries.api.items.project": _as_it_is,
    "libraries.api.items.tag_of": lambda portal_view: f'"{portal_view.version}"',
    "libraries.api.batches.project": _as_it_is,
    "libraries.api.batches.require_controller": lambda role: None,
    "libraries.admin.portal_views.project": _as_it_is,
    "realtime.rooms.snapshots.project": _as_it_is,
    "realtime.sessions.jobs.project_command": _as_it_is,
    "realtime.sessions.jobs.project_command, in the light": _command_in_the_light,
    "realtime.sessions.jobs.project_sync": _as_it_is,
    "realtime.sessions.jobs.project_sync, of all": lambda payload, state, *given: _project_sync(
        payload, {**state, "items": []}, *given
    ),
    "realtime.sessions.jobs.unknown_item_news": _unknown_item_for_all,
    "libraries.rules.sight.is_seen": lambda item: True,
    "libraries.rules.sight.Sight.shows, in the light": lambda sight, item_id: sight.items.get(item_id, False),
    "libraries.rules.sight.Sight.may_point": lambda sight, role: True,
    "libraries.rules.sight.Sight.viewers_see_activity": property(lambda sight: sight.shows_activity),
    "realtime.hub.gestures.pointer_news": _for_viewers(_pointer_news),
    "realtime.hub.gestures.activity_news": _for_viewers(_activity_news),
    "realtime.rooms.connection.Connection.role_for": lambda connection, role: role,
    "realtime.rooms.seats.Seats.put_level": _in_the_old_seat,
}
"""They show too much."""

OTHERS: dict[str, Any] = {
    "libraries.rules.projection.seen, the next": _next_seen,
    "libraries.rules.projection.seen, in this round": _in_this_round,
    "libraries.rules.projection.seen, no turn": _no_turn,
    "libraries.rules.edits.shown_items": lambda state, disclosure: state["items"],
    "libraries.rules.edits._sights": lambda draft: [],
    "libraries.rules.edits.delta": lambda before, after: projection.difference(before, after),
    "libraries.rules.edits._stands_behind, always": lambda *given: True,
    "libraries.rules.edits._behind": lambda order, previous: 0,
    "libraries.rules.edits._changed": lambda draft: set(),
    "libraries.rules.edits._script": _added_as_it_was,
    "libraries.rules.edits._DECIDE_ITEMS": frozenset(),
    "libraries.rules.edits._DECIDE_SETTLED": frozenset(),
    "libraries.rules.draft.Draft._reveal": lambda draft, before, after: None,
    "libraries.api.batches.preview_changes": lambda portal_view, changes: portal_view.state(),
    "realtime.news.compose._message": lambda seen, version: _message(
        replace(seen, patch={}) if seen.edits else seen, version
    ),
}
"""They show too little, or something else."""
