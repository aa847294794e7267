"""After any changes of a portal view, a viewer has never got a hidden value, and has everything they may see."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from libraries.rules.projection import UNSEEN_ITEM, item_patch_seen, needs_flags, patch_seen, project, project_relayed
from libraries.rules.roles import PortalRole
from libraries.rules.state import apply_item_patch, apply_patch, check_patch
from libraries.tests.strategies import (
    MAX_ITEMS,
    as_sent,
    forbidden,
    found,
    id_of,
    item_patches,
    patches,
    payloads,
    states,
)

CONTROLLER, VIEWER = PortalRole.CONTROLLER, PortalRole.VIEWER
ON_EVERY_WRITE = {"version", "updatedAt"}
changes = st.lists(patches | st.tuples(st.integers(0, MAX_ITEMS - 1), item_patches), max_size=8)


def unseen(state: dict[str, Any]) -> set[str]:
    """The marks of the items that a viewer of the state does not see."""
    items = enumerate(state["items"])
    return {id_of(index) for index, item in items if state["blackout"] or item.get("visible") is False}


def held(state: dict[str, Any], role: PortalRole) -> dict[str, Any]:
    """The part of the state that a client of that role has from patches."""
    return {key: value for key, value in project(state, role).items() if key not in ON_EVERY_WRITE}


def fold_item(item: dict[str, Any], seen: dict[str, Any], role: PortalRole) -> dict[str, Any]:
    """A client's items after an `item-updated`: for viewers, items become visible and invisible."""
    if role is VIEWER and UNSEEN_ITEM in (seen, item):
        return seen
    return {**item, **seen}


def on_write(state: dict[str, Any]) -> dict[str, Any]:
    version = state["version"] + 1
    return {**state, "version": version, "updatedAt": f"t{version}"}


def change(state: dict[str, Any], step: Any) -> tuple[dict[str, Any], dict[PortalRole, Any], set[str]]:
    """The state after a step, the message for each role, and the keys whose value did not change."""
    if isinstance(step, dict):
        known = check_patch(step).known
        after = on_write(apply_patch(state, known))
        again = {key for key in known if as_sent(state[key]) == as_sent(after[key])}
        return after, {role: patch_seen(state, after, known.keys(), role) for role in PortalRole}, again
    index, patch = step
    before = state["items"][index]
    after = on_write({**state, "items": apply_item_patch(state["items"], index, patch)})
    again = {key for key in patch if key in before and as_sent(before[key]) == as_sent(patch[key])}
    heard = {role: item_patch_seen(before, after["items"][index], patch, state, role) for role in PortalRole}
    return after, heard, again


def fold(client: dict[str, Any], step: Any, seen: dict[str, Any], role: PortalRole) -> dict[str, Any]:
    """The state of a client of that role after the message about a step."""
    if isinstance(step, dict):
        return {**client, **seen}
    if not seen:
        return client
    items = list(client["items"])
    items[step[0]] = fold_item(items[step[0]], seen, role)
    return {**client, "items": items}


@given(states())
def test_no_projection_has_a_forbidden_mark(state: dict[str, Any]) -> None:
    assert found(forbidden(state) | unseen(state), project(state, VIEWER)) == set()


@given(states())
def test_a_controller_sees_the_state_itself(state: dict[str, Any]) -> None:
    assert project(state, CONTROLLER) == state


@settings(max_examples=200)
@given(states(), changes)
def test_changes_send_each_role_all_that_it_may_know_and_no_more(state: dict[str, Any], steps: list[Any]) -> None:
    clients = {role: held(state, role) for role in PortalRole}
    for step in steps:
        if isinstance(step, tuple) and step[0] >= len(state["items"]):
            continue
        before, given_before = state, as_sent(state)
        state, heard, again = change(state, step)
        assert as_sent(before) == given_before, "the state before must not be changed"
        # An item that becomes invisible is known to those who see it go.
        assert found(forbidden(state) | (unseen(before) & unseen(state)), heard[VIEWER]) == set()
        assert not heard[VIEWER].keys() & ON_EVERY_WRITE
        if as_sent(held(before, VIEWER)) == as_sent(held(state, VIEWER)) and not again:
            assert heard[VIEWER] == {}
        for role in PortalRole:
            clients[role] = fold(clients[role], step, heard[role], role)
            assert as_sent(clients[role]) == as_sent(held(state, role))


@given(states(), payloads)
def test_a_relayed_payload_is_projected_too(state: dict[str, Any], payload: dict[str, Any]) -> None:
    assert found(forbidden(state), project_relayed(payload, state)) == set()
    if state["blackout"]:
        assert found({id_of(index) for index in range(MAX_ITEMS)}, project_relayed(payload, state)) == set()


@given(states(), payloads)
def test_without_flags_no_key_that_they_could_hide_is_relayed(state: dict[str, Any], payload: dict[str, Any]) -> None:
    seen = project_relayed(payload, None)
    nothing_shown = {**state, **dict.fromkeys(("showHealth", "showAC", "showActions", "showEncounter"), False)}
    assert found(forbidden(nothing_shown), seen) == set()
    assert found({id_of(index) for index in range(MAX_ITEMS)}, seen) == set()
    if not needs_flags(payload):
        assert as_sent(project_relayed(payload, state)) == as_sent(payload) == as_sent(seen)
