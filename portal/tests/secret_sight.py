"""What a viewer may see at a moment, and what of a received text they may not."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from portal.tests.secret_marks import is_seen, is_struck, marks_below, marks_of_item, shown_items, switches_of
from portal.tests.secret_names import ALWAYS, FLAGS, GESTURES, MARK, OBJECTS, SEEN_KEYS, State
from portal.tests.secret_paths import Rows, first_key
from portal.tests.secret_turns import Part, parts_in, parts_of, settled_shown, synced


def marks_of_relay(payload: State, state: State, rows: Rows, *, is_sync: bool = False) -> Iterator[str]:
    """The marks in a command or a `sync-response` that a viewer may see while that state is stored."""
    if is_sync:
        yield from MARK.findall(json.dumps(settled_shown(synced(payload, state))))
    switches = {**{row: bool(state[row]) for row in FLAGS}, "healthDisplay": state["healthDisplay"]}
    unseen = {item["id"] for item in state["items"] if not is_seen(item)}
    for key, value in payload.items():
        if key == "items":
            if not state["blackout"]:
                for item in value:
                    if item["id"] not in unseen:
                        yield from marks_of_item(item, state, rows)
        elif is_sync or is_struck(key, switches):
            continue  # of the other known keys only the name could hold a mark, and no test puts one there
        elif not isinstance(value, dict | list):
            yield from MARK.findall(f"{key} {value}")
        elif key in OBJECTS and isinstance(value, dict) and not state["blackout"]:
            yield from marks_below(value, switches)


def displays_of(items: Iterable[State], flags: State) -> frozenset[tuple[str, str]]:
    """The items that show their health, by id, each with its display."""
    switches = ((item["id"], switches_of(item, flags)) for item in items if is_seen(item))
    return frozenset((item_id, mine["healthDisplay"]) for item_id, mine in switches if mine["showHealth"])


@dataclass(frozen=True)
class Sight:
    """The values that a viewer may see at a moment: these marks, and displays of health by item.

    Besides the listed keys of an item, these `keys` may be there. `parts` is what may be told of the current item, the
    camera and the encounter. They may be told that one of the items `known` so far is gone. Unless it `is_light`, they
    are told of no gesture.
    """

    marks: frozenset[str]
    displays: frozenset[tuple[str, str]]
    state: State = field(repr=False)
    rows: Rows = ()
    keys: frozenset[str] = frozenset()
    parts: frozenset[Part] = frozenset()
    known: frozenset[str] = frozenset()
    is_light: bool = True

    @classmethod
    def of(cls, state: State, rows: Rows = ()) -> Sight:
        """The sight while that state is stored, and the library discloses these rows."""
        seen = {mark for item in shown_items(state) for mark in marks_of_item(item, state, rows)}
        settled = settled_shown(state)
        told = MARK.findall(json.dumps(settled))
        keys = frozenset(first_key(path) for row, paths in rows if row == ALWAYS for path in paths)
        return cls(
            frozenset(seen.union(told)),
            displays_of(shown_items(state), state),
            state,
            rows,
            keys,
            frozenset(parts_of(settled)),
            frozenset(item["id"] for item in shown_items(state)),
            not state["blackout"],
        )

    def and_relayed(self, payloads: Iterable[State], *, is_sync: bool) -> Sight:
        """The sight while those payloads are relayed, too."""
        marks, displays, parts = self.marks, self.displays, self.parts
        for payload in payloads:
            marks |= frozenset(marks_of_relay(payload, self.state, self.rows, is_sync=is_sync))
            displays |= displays_of(payload.get("items", ()), self.state)
            if is_sync:
                parts |= frozenset(parts_of(settled_shown(synced(payload, self.state))))
        return replace(self, marks=marks, displays=displays, parts=parts)

    def __or__(self, other: Sight) -> Sight:
        """The sight while one becomes the other."""
        return replace(
            self,
            marks=self.marks | other.marks,
            displays=self.displays | other.displays,
            keys=self.keys | other.keys,
            parts=self.parts | other.parts,
            known=self.known | other.known,
            is_light=self.is_light or other.is_light,
        )

    def after(self, before: Sight) -> Sight:
        """The sight in which items that were seen before can be told to be gone, and what was done then."""
        return replace(self, known=self.known | before.known, is_light=self.is_light or before.is_light)

    def leaks(self, text: str) -> set[str]:
        """The forbidden marks, keys of items, and parts in a text that a viewer received."""
        message = json.loads(text)
        gone = {mark for item_id in _gone_in(message) if item_id in self.known for mark in MARK.findall(item_id)}
        told = (f"{part}" for part in set(parts_in(message)) - self.parts)
        forbidden = {*self._forbidden_keys(message), *self._forbidden_gestures(message), *told}
        return set(MARK.findall(text)) - self.marks - gone | forbidden

    def _forbidden_gestures(self, message: State) -> Iterator[str]:
        kind = message.get("type")
        if kind in GESTURES:
            yield from message.keys() - GESTURES[kind]
            if not self.is_light:
                yield f"{kind} during blackout"

    def _forbidden_keys(self, message: Any) -> Iterator[str]:
        for item in _items_in(message):
            yield from item.keys() - SEEN_KEYS - self.keys
            health = item.get("health")
            if health is None:
                continue
            display = health.get("display") if isinstance(health, dict) else None
            if display is None or health.keys() - {"display"} != _OF_A_DISPLAY[display]:
                yield f"{health} as health"
            elif (item.get("id"), display) not in self.displays:
                yield f"health of {item.get('id')} in {display}"


_OF_A_DISPLAY = {"numbers": {"current", "max", "temp"}, "bar": {"fraction"}, "words": {"word"}}


def _items_in(message: Any) -> Iterator[dict[str, Any]]:
    """The items in a message or an answer: of a state, of a patch, or one of its own."""
    if not isinstance(message, dict):
        return
    match message.get("type"):
        case "item-updated":
            patch = message["payload"]
            yield {"id": patch["itemId"], **{key: value for key, value in patch.items() if key != "itemId"}}
        case "item-added":
            yield message["item"]
    for change in message.get("changes", ()):
        yield from _items_in(change)
    for part in (message, message.get("payload"), message.get("state")):
        if isinstance(part, dict) and isinstance(part.get("items"), list):
            yield from part["items"]


def _gone_in(message: State) -> Iterator[str]:
    """The ids of the items that a message says are gone."""
    if message.get("type") == "item-removed":
        yield message["itemId"]
    for change in message.get("changes", ()):
        yield from _gone_in(change)
