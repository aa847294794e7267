"""If a rule that hides something is broken, or one that shows something, then the examples of `test_secrets` notice it.

Each test breaks one rule while the server runs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from operator import methodcaller
from typing import Any

import msgspec
import pytest

from libraries.rules import commands, health, items, net, projection
from libraries.rules.roles import PortalRole
from libraries.services import storing
from portal.tests import secret_marks
from portal.tests.secret_setting import Setting, opened, play_examples
from portal.tests.secret_table import Leak, Missing
from realtime.news import compose
from realtime.rooms.connection import Connection
from realtime.rooms.seats import Seats


@pytest.fixture
def setting(transactional_db: None, no_limits: None) -> Iterator[Setting]:
    """A server and its people."""
    with opened() as setting:
        yield setting


Check = Callable[..., None]
Change = Callable[[pytest.MonkeyPatch], None]


@pytest.fixture
def check(setting: Setting, subtests: pytest.Subtests) -> Check:
    """Check that the examples notice a change of the code, which is made while the server runs, and then undone."""

    def check(name: str, change: Change, *errors: type[Exception]) -> None:
        with subtests.test(name), pytest.MonkeyPatch.context() as patch:
            change(patch)
            with pytest.raises(errors):
                play_examples(setting)
        net.hide_also({})  # rebuilds the index

    return check


def test_without_one_row_of_the_table_there_are_leaks(check: Check) -> None:
    def without(row: str) -> Change:
        def change(patch: pytest.MonkeyPatch) -> None:
            patch.delitem(net.HIDDEN, row)
            net.hide_also({})

        return change

    for row in secret_marks.HIDDEN:
        check(row, without(row), Leak)


def test_a_key_behind_another_switch_is_noticed(check: Check) -> None:
    switches = [row.switch for row in items.SWITCHED.values()]
    for key, row in items.SWITCHED.items():
        later = (*switches, *switches)[switches.index(row.switch) :]
        moved = replace(row, switch=next(switch for switch in later if switch != row.switch))
        check(key, methodcaller("setitem", items.SWITCHED, key, moved), Leak, Missing)


def test_a_listed_key_that_is_not_shown_is_noticed(check: Check) -> None:
    for key in (*items.SWITCHED, *items.TEXTS, items.FREE, "health"):
        check(key, methodcaller("setattr", items, "_built", _built_without(key)), Leak, Missing)


def _built_without(key: str) -> Callable[..., Any]:
    return lambda *given: {name: value for name, value in _built(*given).items() if name != key}


def test_a_path_that_shows_too_little_is_noticed(check: Check) -> None:
    for step in ("Key", "Index", "EachEntry", "EachValue", "Match"):
        name = f"libraries.rules.record_paths.{step}.inside"
        check(step, methodcaller("setattr", name, lambda step, value: iter(())), Missing)


def _as_it_is(value: Any, *_: object) -> Any:
    return value


def _each_as_it_is(values: Any, *_: object) -> Any:
    return list(values)


def _for_all(before: Any, after: Any, named: Any, disclosure: Any) -> Any:
    controllers, viewers = _patch_seen(before, after, named, disclosure)
    return controllers, {key: after[key] for key in viewers}


def _item_for_all(before: Any, after: Any, index: int, patch: Any, disclosure: Any) -> Any:
    seen = _item_patch_seen(before, after, index, patch, disclosure)
    return replace(seen, viewers=seen.controllers, viewers_index=index) if seen.viewers else seen


def _unknown_item_for_all(portal_view_id: Any, item_id: str, payload: Any, *, sender: str | None = None) -> Any:
    news = _unknown_item_news(portal_view_id, item_id, payload, sender=sender)
    return msgspec.structs.replace(news, viewers=news.controllers)


def _all_shown(item: Any, switches: Any) -> Any:
    return frozenset(net.HIDDEN), "numbers"


def _in_numbers(known: health.Health, display: str) -> Any:
    return _shown(known, "numbers")


def _with_places(state: Any, *given: Any) -> Any:
    shown = iter(_shown_items(state, *given))
    return [next(shown, {}) if items.is_seen(item) else {"visible": False} for item in state["items"]]


def _in_the_light(state: Any, *given: Any) -> Any:
    return _shown_items({**state, "blackout": False}, *given)


def _command_in_the_light(payload: Any, state: Any, *given: Any) -> Any:
    return _project_command(payload, state and {**state, "blackout": False}, *given)


def _sync_of_all(payload: Any, state: Any, *given: Any) -> Any:
    return _project_sync(payload, {**state, "items": []}, *given)


def _moved_by_all(*given: Any, viewers_changed: bool) -> Any:
    return _store(*given, viewers_changed=True)


def _with_show(item: Any, *given: Any) -> Any:
    return {**_built(item, *given), **({"show": item["show"]} if "show" in item else {})}


def _versions_of_controllers(state: Any, role: Any) -> Any:
    return {**_own_versions(state, role), "version": state["version"]}


_patch_seen, _item_patch_seen = projection.patch_seen, projection.item_patch_seen
_shown_items, _own_versions, _built = projection.shown_items, projection.own_versions, items._built
_project_command, _project_sync = commands.project_command, commands.project_sync
_unknown_item_news, _shown, _store = compose.unknown_item_news, health.shown, storing.store


def _in_the_old_seat(seats: Seats, connection: Connection) -> None:
    role, connection.role = connection.role, _first_roles.setdefault(connection.id, connection.role)
    _put_level(seats, connection)
    connection.role = role


_put_level = Seats.put_level
_first_roles: dict[str, PortalRole] = {}
MUTANTS: dict[str, Callable[..., Any]] = {
    "libraries.rules.projection.is_seen": lambda item: True,
    "libraries.rules.projection.build": _as_it_is,
    "libraries.rules.projection.build_each": _each_as_it_is,
    "libraries.rules.items._built": _with_show,
    "libraries.rules.projection.shown_items, with places": _with_places,
    "libraries.rules.projection.shown_items, in the light": _in_the_light,
    "libraries.rules.projection.own_versions": _versions_of_controllers,
    "libraries.rules.commands.shown_items": lambda state, disclosure: state["items"],
    "libraries.rules.commands.is_seen": lambda item: True,
    "libraries.rules.health.shown": _in_numbers,
    "libraries.rules.items.switches_of": _all_shown,
    "libraries.rules.items._is_on": lambda own, name, switch: switch is True or own.get(name) is True,
    "libraries.rules.items.alias_of": lambda item: None,
    "libraries.rules.net.is_struck": lambda key, shown: False,
    "libraries.rules.disclosure.Disclosure.in_place": lambda disclosure, item: dict(item),
    "libraries.rules.record_paths._is_flat": lambda value: True,
    "libraries.rules.record_paths.Match._is_meant": lambda match, entry: isinstance(entry, dict),
    "libraries.services.portal_views.patch_seen": _for_all,
    "libraries.services.portal_views.store": _moved_by_all,
    "libraries.services.portal_views.project_command": _as_it_is,
    "libraries.services.items.item_patch_seen": _item_for_all,
    "libraries.services.items.store": _moved_by_all,
    "libraries.api.portal_views._is_as_viewer": lambda request: False,
    "libraries.api.serializers.project": _as_it_is,
    "libraries.admin.portal_views.project": _as_it_is,
    "realtime.rooms.snapshots.project": _as_it_is,
    "realtime.sessions.jobs.project_command": _as_it_is,
    "realtime.sessions.jobs.project_command, in the light": _command_in_the_light,
    "realtime.sessions.jobs.project_sync": _as_it_is,
    "realtime.sessions.jobs.project_sync, of all": _sync_of_all,
    "realtime.sessions.jobs.unknown_item_news": _unknown_item_for_all,
    "realtime.rooms.connection.Connection.role_for": lambda connection, role: role,
    "realtime.rooms.seats.Seats.put_level": _in_the_old_seat,
}
"""Broken rules and outlets, by the name of the replaced function."""


def test_with_a_broken_rule_there_are_leaks(check: Check) -> None:
    for name, mutant in MUTANTS.items():
        check(name, methodcaller("setattr", name.partition(",")[0], mutant), Leak)
