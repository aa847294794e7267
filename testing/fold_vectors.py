"""The examples in `docs/fold-vectors.json`: what clients send and receive, and the state that they fold from it.

The messages come from the real rules, so they are right. `testing.write_fold_vectors` writes the file; a test compares
it with the rules, and lets the client (`realtime.client.python`) run it.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from libraries.rules.roles import PortalRole
from testing.conversation import ack_of, connected
from testing.table import changed
from testing.vectors import Vector, add, batch, item, move, remove, view

CONTROLLER, VIEWER = PortalRole.CONTROLLER, PortalRole.VIEWER
NEXT, PREVIOUS = {"type": "encounter-next"}, {"type": "encounter-previous"}

SAME_FOR_BOTH: dict[str, Callable[[Vector], None]] = {
    "only the snapshot": lambda one: None,
    "keys of the portal view": lambda one: one.hears(view(name="Night", showHealth=True), view(healthDisplay="bar")),
    "commands are no part of the state": lambda one: one.hears(view(zoom=2), view(zoom=3, name="Night")),
    "a changed item, and null removes a key": lambda one: one.hears(
        item("a", name="Ogre chief", color="red"), item("a", color=None), item("a", hp=None)
    ),
    "an added item": lambda one: one.hears(add(0, id="e", name="Elf"), add(name="Fay", id="f"), add(id=9, name="Nine")),
    "a removed item": lambda one: one.hears(remove("a"), remove("b")),
    "moved items": lambda one: one.hears(move("a", 3), move("d", 0), move("c", 1)),
    "an item comes into sight, and goes out of it": lambda one: one.hears(
        item("b", visible=True), item("a", visible=False), item("b", hidden=True), item("a", hidden=None)
    ),
    "the current item and the camera": lambda one: one.hears(
        view(currentItem=2), view(camera={"x": 0, "y": 1, "zoom": 3}), view(currentItemId="b"), remove("b")
    ),
    "turns": lambda one: one.hears(NEXT, NEXT, NEXT, NEXT, PREVIOUS),
    "the one that has the turn is removed": lambda one: one.hears(remove("c"), remove("b"), remove("a")),
    "an item is revealed when it has the turn": lambda one: one.hears(
        view(encounter={"round": 1, "turn": "a", "order": [{"itemId": "a"}, {"itemId": "d"}]}), NEXT
    ),
    "a batch": lambda one: one.hears(
        batch(add(0, id="e", name="Elf"), item("a", name="Chief"), move("c", 0), remove("b"), view(name="Night"), NEXT)
    ),
    "a batch that leads back": lambda one: one.hears(batch(remove("a"), add(0, id="a", name="Another")), move("a", 2)),
    "all items are replaced": lambda one: one.hears(view(items=[{"id": "a", "name": "A"}, {"id": "n", "name": "N"}])),
    "a blackout and its end": lambda one: one.hears(view(blackout=True), item("a", name="X"), view(blackout=False)),
}


def _twice(one: Vector) -> None:
    first, second = one.others(move("a", 3)), one.others(move("a", 0))
    one.gets(first, first, second, first, second)


def _whole(one: Vector) -> None:
    one.others(add(0, id="e", name="Elf"))
    late = one.others(item("a", name="Chief"))
    one.gets(one.whole(), late)
    one.hears(view(name="Night"))


def _comes_back(one: Vector) -> None:
    one.hears(view(name="Night"))
    one.disconnects()
    one.gets({**connected(one.table, one.role, recovered=True), "state": None})
    one.steps[-1]["receive"].pop("state")
    one.hears(remove("a"))
    one.disconnects()
    one.others(move("c", 0))
    one.gets(connected(one.table, one.role))


def _role_changes(one: Vector) -> None:
    one.role = VIEWER if one.role is CONTROLLER else CONTROLLER
    one.gets({**connected(one.table, one.role), "type": "role-changed"})
    one.hears(item("a", name="Chief"), item("b", notes="here"))


FOR_BOTH: dict[str, Callable[[Vector], None]] = {
    **SAME_FOR_BOTH,
    "messages that come again": _twice,
    "the whole state after a loss, and a late message": _whole,
    "a client comes back": _comes_back,
    "the role changes": _role_changes,
}


def _synced(one: Vector) -> None:
    payload = {"name": "Only said", "items": []}
    one.gets({"type": "sync-response", "payload": payload, "version": 1, "source": "controller"})
    one.others(item("a", name="Chief"))
    whole = one.whole()
    one.gets({"type": "sync-response", "payload": whole["payload"], "version": whole["version"], "source": "server"})


FOR_VIEWERS: dict[str, Callable[[Vector], None]] = {"answers to request-sync": _synced}


def _merged(one: Vector) -> None:
    sent = [one.sends(item("a", hp=hp, visible=True)) for hp in (6, 5)] + [one.sends(item("a", hp=None, hidden=True))]
    one.gets(*one.acks(*sent))


def _late(one: Vector) -> None:
    first = one.others(add(0, id="e", name="Elf"))
    own = one.sends(move("a", 4))
    acks = one.acks(own)
    one.gets(*acks, first)
    one.hears(item("a", hp=1))


def _late_twice(one: Vector) -> None:
    first = one.others(remove("b"))
    sent = [one.sends(move("a", 0)), one.sends(NEXT)]
    acks = one.acks(sent[0])
    second = one.others(remove("c"))
    one.gets(*acks, *one.acks(sent[1]), first, second)


def _in_the_whole(one: Vector) -> None:
    one.others(view(name="Night"))
    own = one.sends(add(0, name="Elf", id="e"))
    acks = one.acks(own)
    one.gets(one.whole(), *acks)


def _held_and_whole(one: Vector) -> None:
    one.others(view(name="Night"))
    own = one.sends(add(0, name="Elf", id="e"))
    acks = one.acks(own)
    one.gets(*acks, one.whole())


def _again(one: Vector) -> None:
    stored, lost = one.sends(add(0, name="Elf", id="e")), one.sends(move("a", 0))
    one.acks(stored)
    one.disconnects()
    one.gets(connected(one.table, one.role))
    again = [{**message, "retry": True, "connectionId": "HYTDsCZwjiG0"} for message in (stored, lost)]
    one.steps += [{"send": message} for message in again]
    one.gets({"type": "ack", "ref": stored["ref"], "version": 2, "itemId": "e"})
    written, told = changed(one.table, [lost])
    one.gets(ack_of(lost["ref"], written.portal_view.version, written.answers[0], is_batch=False), told[one.role])


def _refused(one: Vector) -> None:
    sent = one.sends(move("nobody", 0))
    one.gets({"type": "error", "message": "Nothing was changed.", "code": "invalid-payload", "ref": sent["ref"]})
    one.hears(move("a", 1))


def _not_stored(one: Vector) -> None:
    one.hears(NEXT)
    for message in (view(zoom=2), view(), PREVIOUS, PREVIOUS):
        sent = one.sends(message)
        version = one.table.state["version"]
        acks = [] if message["type"] == "portal-view-update" else one.acks(sent)
        one.gets(*(acks or [{"type": "ack", "ref": sent["ref"], "version": version}]))
    one.hears(NEXT)


def _snapshot_between(one: Vector) -> None:
    before = connected(one.table, one.role)
    own = one.sends(item("a", hp=1))
    written, told = changed(one.table, [own])
    ack = ack_of(own["ref"], written.portal_view.version, written.answers[0], is_batch=False)
    one.gets(ack, {**before, "type": "role-changed"}, told[one.role])


FOR_CONTROLLERS: dict[str, Callable[[Vector], None]] = {
    "own patches": lambda one: one.does(view(name="Night"), item("a", hp=3, color="red"), item("a", color=None)),
    "own items": lambda one: one.does(add(0, id="e", name="Elf"), move("e", 2), remove("a"), add(id="f"), add(id=9)),
    "own items get ids": lambda one: one.does(add(slug="elf", name="Elf"), view(items=[{"slug": "elf"}, {"id": 7}])),
    "own turns": lambda one: one.does(NEXT, NEXT, NEXT, NEXT, PREVIOUS),
    "own batch": lambda one: one.does(
        batch(
            add(0, slug="x", name="X"), item("a", hp=None), add(id="f"), move("a", 0), remove("b"), view(blackout=True)
        )
    ),
    "an ack corrects what was sent": lambda one: one.does(
        item("a", hidden=True), view(currentItem=1), view(camera={"x": 0, "y": 0, "zoom": 1}), add(Hidden=False, id="h")
    ),
    "an ack reveals an item": lambda one: one.does(NEXT, NEXT, NEXT),
    "several acks of one version": _merged,
    "an ack before an earlier message of others": _late,
    "acks before earlier messages of others": _late_twice,
    "an ack that the whole state has overtaken": _in_the_whole,
    "an ack that waits, and the whole state": _held_and_whole,
    "messages that are sent again": _again,
    "a refused message": _refused,
    "acks of messages that store nothing": _not_stored,
    "an ack before a snapshot that does not have it": _snapshot_between,
}


def vectors() -> list[dict[str, Any]]:
    """All vectors."""
    found = []
    for role, tables in ((CONTROLLER, (FOR_BOTH, FOR_CONTROLLERS)), (VIEWER, (FOR_BOTH, FOR_VIEWERS))):
        for name, steps in (one for table in tables for one in table.items()):
            vector = Vector(role)
            steps(vector)
            found.append(vector.end(f"{role}: {name}"))
    return found


def text() -> str:
    """The content of the file: one step on a line."""
    return "[\n" + ",\n".join(map(_text_of, vectors())) + "\n]\n"


def _text_of(vector: dict[str, Any]) -> str:
    def line(value: Any) -> str:
        return json.dumps(value, ensure_ascii=False)

    steps = ",\n".join(f"    {line(step)}" for step in vector["steps"])
    head = f'  {{"name": {line(vector["name"])}, "role": {line(vector["role"])}, "steps": [\n{steps}'
    return f'{head}\n  ], "state": {line(vector["state"])}}}'
