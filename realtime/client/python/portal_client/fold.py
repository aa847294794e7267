"""The state of one client, folded from what it sends and receives ("How to fold" in the protocol). No I/O in here.

It knows only the messages of the protocol, and nothing of the server's rules: the server's tests fold with it, and
compare. `docs/fold-vectors.json` has examples for clients in other languages.

A state is never changed in place: each change makes a new one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from .tables import READ_ONLY_KEYS, STORED

Message = dict[str, Any]
State = dict[str, Any]
BESIDE = ("currentItem", "currentItemId", "camera", "encounter")
"""The keys of the state that a message about an item can carry beside it."""
CHANGES = frozenset(
    {"portal-view-updated", "item-added", "item-removed", "item-moved", "item-updated", "batch-applied"}
)
"""The types of the messages that change the state."""


class Folded:
    """`state` is that of `version`, as the role sees it; empty before the first `connected`."""

    def __init__(self) -> None:
        self.role = ""
        self.state: State = {}
        self.version = 0
        self.epoch: str | None = None
        self._sent: dict[str | int, Message] = {}
        self._held: list[tuple[Message, Message]] = []
        self._is_connected = False
        self._is_by_ack = False

    @property
    def unanswered(self) -> list[Message]:
        """The messages without an `ack` or `error`: after a reconnect the client may send them again."""
        return list(self._sent.values())

    @property
    def is_amid(self) -> bool:
        """Whether the state may be amid a version: more messages of this client can be stored in it."""
        return self._is_by_ack and bool(self._sent)

    def disconnect(self) -> tuple[int, str] | None:
        """The version and the epoch to come back with, or None to ask for the whole state.

        It asks for it while its state may be amid a version, and until it has got it.
        """
        if self.is_amid:
            self.epoch = None
        self._is_connected, self._sent, self._held = False, {}, []
        return None if self.epoch is None else (self.version, self.epoch)

    def send(self, message: Message) -> None:
        """Note a message of this client. Its `ack` will change the state, unless the message is sent again."""
        if message["type"] in STORED and not message.get("retry"):
            self._sent[message["ref"]] = message

    def receive(self, message: Message) -> None:
        """Take a message of the server."""
        kind = message["type"]
        if kind in {"connected", "role-changed"}:
            self._begin(message)
        elif kind == "ack":
            self._take_ack(message)
        elif kind == "error":
            self._sent.pop(message.get("ref", ""), None)
        elif kind == "sync-response" and message["source"] == "server" and message["version"] >= self.version:
            self.state, self.version = dict(message["payload"]), message["version"]
        elif kind in CHANGES and message.get("version", 0) > self.version:
            self.state = applied(self.state, message)
            self._reach(message["version"], by_ack=False)
            self._release()

    def _begin(self, message: Message) -> None:
        """Start from a snapshot: what was acknowledged before counts no more, because it comes as a message."""
        self._is_connected, self._held = True, []
        self.role, self.epoch = message["role"], message["epoch"]
        if "state" in message:
            self.state = message["state"]
        self._reach(message["version"], by_ack=False)

    def _take_ack(self, ack: Message) -> None:
        own = self._sent.pop(ack["ref"], None)
        if own is None or not self._is_connected or self.role != "controller":
            return
        self._held.append((own, ack))
        self._release()

    def _release(self) -> None:
        """Apply the acknowledged messages whose turn it is. Several can have one version: they were stored together."""
        while self._held and (version := self._held[0][1]["version"]) <= self.version + 1:
            own, ack = self._held.pop(0)
            if version > self.version or (version == self.version and self._is_by_ack):
                self.state = acknowledged(self.state, own, ack)
                self._reach(version, by_ack=True)

    def _reach(self, version: int, *, by_ack: bool) -> None:
        self.version = version
        self.state = {**self.state, "version": version}
        self._is_by_ack = by_ack


# Messages of the server.


def applied(state: State, message: Message) -> State:
    """The state after a change that the server tells."""
    kind = message["type"]
    if kind == "batch-applied":
        for change in message["changes"]:
            state = applied(state, change)
    elif kind == "portal-view-updated":
        state = _patched(state, message["payload"])
    elif kind == "item-added":
        state = _inserted(state, message["item"], message["index"])
    elif kind == "item-removed":
        state = _without(state, message["itemId"])
    elif kind == "item-moved":
        state = _moved(state, message["itemId"], message["index"])
    elif kind == "item-updated":
        state = _merged(state, message["payload"]["itemId"], message["payload"])
    return _patched(state, {key: message[key] for key in BESIDE if key in message})


# Messages of this client: first as it sent them, then what the server made of them.


def acknowledged(state: State, own: Message, ack: Message) -> State:
    """The state after a message of this client that the server has stored."""
    item_ids = iter(ack.get("itemIds") or [ack.get("itemId")])
    for change in changes_of(own):
        state = as_sent(state, change, item_ids)
    beyond = ack.get("payload", {})
    for change in beyond.get("changes", ()):
        state = applied(state, change)
    return _patched(state, {key: value for key, value in beyond.items() if key != "changes"})


def changes_of(own: Message) -> list[Message]:
    """The changes of a message of this client: those of a batch, or itself."""
    return own["changes"] if own["type"] == "batch" else [own]


def as_sent(state: State, own: Message, item_ids: Iterator[Any]) -> State:
    """The state after one change as it was sent; an item that is added takes the next of `item_ids`."""
    kind, payload = own["type"], own.get("payload", {})
    if kind == "portal-view-update":
        return _patched(state, {key: value for key, value in payload.items() if key not in READ_ONLY_KEYS})
    if kind == "item-update":
        return _merged(state, own.get("itemId", payload.get("itemId")), payload)
    if kind == "item-add":
        return _inserted(state, {**payload, "id": next(item_ids)}, own.get("index"))
    if kind == "item-remove":
        return _without(state, own["itemId"])
    if kind == "item-move":
        return _moved(state, own["itemId"], own["index"])
    return state


# The state.


def _patched(state: State, payload: Message) -> State:
    """Set keys of the state; others are commands, and no part of it."""
    return {**state, **{key: value for key, value in payload.items() if key in state}}


def _with_items(state: State, items: Iterable[Message]) -> State:
    return {**state, "items": list(items)}


def _merged(state: State, item_id: str | int, payload: Message) -> State:
    patch = {key: value for key, value in payload.items() if key not in {"itemId", "id"}}
    gone = {key for key, value in patch.items() if value is None}
    return _with_items(
        state,
        (
            {key: value for key, value in {**item, **patch}.items() if key not in gone}
            if is_named(item, item_id)
            else item
            for item in state["items"]
        ),
    )


def _inserted(state: State, item: Message, index: int | None) -> State:
    items = state["items"]
    place = len(items) if index is None else index
    return _with_items(state, (*items[:place], item, *items[place:]))


def _without(state: State, item_id: str | int) -> State:
    return _with_items(state, (item for item in state["items"] if not is_named(item, item_id)))


def _moved(state: State, item_id: str | int, index: int) -> State:
    moved = [item for item in state["items"] if is_named(item, item_id)]
    state = _without(state, item_id)
    for item in moved:
        state = _inserted(state, item, index)
    return state


def is_named(item: Message, item_id: str | int) -> bool:
    """Whether it is the item with that id; one that was just sent can have an integer as id, or none."""
    return item.get("id") is not None and str(item["id"]) == str(item_id)
