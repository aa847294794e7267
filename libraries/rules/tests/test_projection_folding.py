"""After any changes of a portal view, a viewer has never got a hidden value, and has everything they may see."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from libraries.rules.changes import ViewPatch, check_item_patch
from libraries.rules.commands import needs_flags, project_command, project_sync
from libraries.rules.disclosure import Disclosure, compiled
from libraries.rules.draft import Draft
from libraries.rules.edits import Added, Seen, seen_by_controllers, seen_by_viewers
from libraries.rules.items import SWITCHED, is_seen
from libraries.rules.projection import VIEWERS_OWN, project
from libraries.rules.roles import PortalRole
from libraries.rules.state import check_patch
from libraries.rules.tests.drafts import KEY, folded
from libraries.tests.strategies import (
    MAX_ITEMS,
    NEVER,
    SWITCHES,
    as_sent,
    commands,
    forbidden,
    found,
    id_of,
    item_patches,
    patches,
    states,
)

CONTROLLER, VIEWER = PortalRole.CONTROLLER, PortalRole.VIEWER
VERSIONS = {"version", "updatedAt"}
changes = st.lists(patches | st.tuples(st.integers(0, MAX_ITEMS - 1), item_patches), max_size=8)
DISCLOSURES = {
    "none": {},
    "some": {"name": ["title"], "ac": ["system"], "actions": ["special_abilities.**"], "maxHealth": ["attributes.*"]},
}
disclosures = st.sampled_from(sorted(DISCLOSURES)).map(lambda name: compiled(DISCLOSURES[name]))


def unseen(state: dict[str, Any]) -> set[str]:
    """The marks of the items that a viewer of the state does not see."""
    return {id_of(i) for i, item in enumerate(state["items"]) if state["blackout"] or not is_seen(item)}


def without_wishes(state: dict[str, Any]) -> dict[str, Any]:
    """The state with items that follow the switches of the portal view."""
    return {**state, "items": [{key: item[key] for key in item if key != "show"} for item in state["items"]]}


def held(state: dict[str, Any], role: PortalRole, disclosure: Disclosure) -> dict[str, Any]:
    """The part of the state that a client of that role has from patches."""
    return {key: value for key, value in project(state, role, disclosure).items() if key not in VERSIONS}


def on_write(state: dict[str, Any]) -> dict[str, Any]:
    version = state["version"] + 1
    return {**state, "version": version, "updatedAt": f"t{version}"}


def change(state: dict[str, Any], step: Any, clients: dict[PortalRole, Any], disclosure: Disclosure) -> Any:
    """The state after a step, and what viewers got of it; the clients have folded it."""
    draft = Draft(state, KEY)
    if isinstance(step, dict):
        draft.apply([ViewPatch(check_patch(step))])
    else:
        index, given = step
        draft.apply([check_item_patch(state["items"][index]["id"], given)])
    viewers = seen_by_viewers(draft, disclosure)
    clients[CONTROLLER] = folded(clients[CONTROLLER], seen_by_controllers(draft))
    clients[VIEWER] = folded(clients[VIEWER], viewers)
    return on_write(draft.state), viewers


def sent(seen: Seen) -> Any:
    """All values of a change, with the ids of its items."""
    edits = [
        edit.item if isinstance(edit, Added) else [edit.item_id, getattr(edit, "patch", {})] for edit in seen.edits
    ]
    return [dict(seen.patch), edits]


@given(states())
def test_no_projection_has_a_forbidden_mark(state: dict[str, Any]) -> None:
    state = without_wishes(state)
    assert found(forbidden(state) | unseen(state), project(state, VIEWER)) == set()


@given(states(), disclosures)
def test_no_wish_and_no_disclosure_shows_what_nobody_listed(state: dict[str, Any], disclosure: Disclosure) -> None:
    hidden = {NEVER} if not disclosure.rows else set()
    assert found(hidden | unseen(state), project(state, VIEWER, disclosure)) == set()


@given(states())
def test_a_controller_sees_the_state_itself(state: dict[str, Any]) -> None:
    own = {key: value for key, value in state.items() if key not in VIEWERS_OWN.values()}
    assert as_sent(project(state, CONTROLLER)) == as_sent(own)


@settings(max_examples=200)
@given(states(), changes, disclosures)
def test_changes_send_each_role_all_that_it_may_know_and_no_more(
    state: dict[str, Any], steps: list[Any], disclosure: Disclosure
) -> None:
    clients = {role: held(state, role, disclosure) for role in PortalRole}
    for step in steps:
        if isinstance(step, tuple) and step[0] >= len(state["items"]):
            continue
        before, given_before = state, as_sent(state)
        state, viewers = change(state, step, clients, disclosure)
        assert as_sent(before) == given_before, "the state before must not be changed"
        assert found(unseen(state) & unseen(before), sent(viewers)) == set()
        assert found(unseen(state), viewers.patch) == set()
        assert not viewers.patch.keys() & VERSIONS
        unchanged = as_sent(held(before, VIEWER, disclosure)) == as_sent(held(state, VIEWER, disclosure))
        assert bool(viewers) is not unchanged
        for role in PortalRole:
            assert as_sent(clients[role]) == as_sent(held(state, role, disclosure))


@given(states(), commands)
def test_a_command_is_projected_too(state: dict[str, Any], payload: dict[str, Any]) -> None:
    state = without_wishes(state)
    payload = {**payload, **({"items": without_wishes(payload)["items"]} if "items" in payload else {})}
    for seen in (project_command(payload, state), project_sync(payload, state)):
        assert found(forbidden(state), seen) == set()
        stored_unseen = {item["id"] for item in state["items"] if not is_seen(item)}
        assert found(stored_unseen, seen) == set()
        if state["blackout"]:
            assert found({id_of(index) for index in range(MAX_ITEMS)}, seen) == set()
            assert not any(isinstance(value, dict | list) and value for value in seen.values())


@given(states(), commands)
def test_without_a_state_nothing_is_relayed_that_it_could_hide(state: dict[str, Any], payload: dict[str, Any]) -> None:
    seen = project_command(payload, None)
    assert found(forbidden({**state, **dict.fromkeys(SWITCHES, False)}), seen) == set()
    assert found({id_of(index) for index in range(MAX_ITEMS)}, seen) == set()
    if not needs_flags(payload):
        assert as_sent(project_command(payload, state)) == as_sent(seen)


def test_every_switched_key_is_generated() -> None:
    assert {row.switch for row in SWITCHED.values()} | {"showHealth"} == set(SWITCHES)
