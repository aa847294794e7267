"""The state of one client, folded from what it sends and receives: the reference for clients. No I/O in here.

It knows only the JSON of `docs/protocol.md`, and nothing of the server's rules. `docs/fold-vectors.json` has examples
for clients in other languages.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

Message = dict[str, Any]
BESIDE = ("currentItem", "currentItemId", "camera", "encounter")
"""The keys of the state that a message about an item can carry beside it."""
READ_ONLY = frozenset({"id", "libraryId", "version", "createdAt", "updatedAt"})
CHANGES = frozenset(
    {"portal-view-updated", "item-added", "item-removed", "item-moved", "item-updated", "batch-applied"}
)
"""The types of the messages that change the state."""
_STORED = frozenset(
    {
        *("portal-view-update", "item-update", "item-add", "item-remove", "item-move"),
        *("encounter-next", "encounter-previous", "batch"),
    }
)


class Folded:
    """`state` is that of `version`, as the role sees it; empty before the first `connected`."""

    def __init__(self) -> None:
        self.role = ""
        self.state: dict[str, Any] = {}
        self.version = 0
        self.epoch: str | None = None
        self._sent: dict[str | int, Message] = {}
        self._held: list[Message] = []
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
        if message["type"] in _STORED and not message.get("retry"):
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
            self._apply(message)
            self._reach(message["version"], by_ack=False)
            self._release()

    def _begin(self, message: Message) -> None:
        """Start from a snapshot: what was acknowledged before counts no more, because it comes as a message."""
        self._is_connected, self._held = True, []
        self.role, self.epoch = message["role"], message["epoch"]
        if "state" in message:
            self.state = dict(message["state"])
        self._reach(message["version"], by_ack=False)

    def _take_ack(self, ack: Message) -> None:
        own = self._sent.pop(ack["ref"], None)
        if own is None or not self._is_connected or self.role != "controller":
            return
        self._held.append({"own": own, "ack": ack})
        self._release()

    def _release(self) -> None:
        """Apply the acknowledged messages whose turn it is. Several can have one version: they were stored together."""
        while self._held and (version := self._held[0]["ack"]["version"]) <= self.version + 1:
            held = self._held.pop(0)
            if version > self.version or (version == self.version and self._is_by_ack):
                self._apply_own(held["own"], held["ack"])
                self._reach(version, by_ack=True)

    def _reach(self, version: int, *, by_ack: bool) -> None:
        self.version = self.state["version"] = version
        self._is_by_ack = by_ack

    # Messages of the server.

    def _apply(self, message: Message) -> None:
        kind = message["type"]
        if kind == "batch-applied":
            self._apply_all(message["changes"])
        elif kind == "portal-view-updated":
            self._patch(message["payload"])
        elif kind == "item-added":
            self._insert(message["item"], message["index"])
        elif kind == "item-removed":
            self._take_out(message["itemId"])
        elif kind == "item-moved":
            self._move(message["itemId"], message["index"])
        elif kind == "item-updated":
            self._merge(message["payload"]["itemId"], message["payload"])
        self._patch({key: message[key] for key in BESIDE if key in message})

    def _apply_all(self, changes: Iterable[Message]) -> None:
        for change in changes:
            self._apply(change)

    # Messages of this client: first as it sent them, then what the server made of them.

    def _apply_own(self, own: Message, ack: Message) -> None:
        item_ids = iter(ack.get("itemIds") or [ack.get("itemId")])
        for change in own["changes"] if own["type"] == "batch" else [own]:
            self._apply_one(change, item_ids)
        beyond = ack.get("payload", {})
        self._apply_all(beyond.get("changes", ()))
        self._patch({key: value for key, value in beyond.items() if key != "changes"})

    def _apply_one(self, own: Message, item_ids: Iterable[Any]) -> None:
        kind, payload = own["type"], own.get("payload", {})
        if kind == "portal-view-update":
            self._patch({key: value for key, value in payload.items() if key not in READ_ONLY})
        elif kind == "item-update":
            self._merge(own.get("itemId", payload.get("itemId")), payload)
        elif kind == "item-add":
            self._insert({**payload, "id": next(iter(item_ids))}, own.get("index"))
        elif kind == "item-remove":
            self._take_out(own["itemId"])
        elif kind == "item-move":
            self._move(own["itemId"], own["index"])

    # The state.

    def _patch(self, payload: Message) -> None:
        """Set keys of the state; others are commands, and no part of it."""
        self.state.update({key: value for key, value in payload.items() if key in self.state})

    def _merge(self, item_id: str | int, payload: Message) -> None:
        patch = {key: value for key, value in payload.items() if key not in {"itemId", "id"}}
        gone = {key for key, value in patch.items() if value is None}
        self.state["items"] = [
            {key: value for key, value in {**item, **patch}.items() if key not in gone}
            if _is_named(item, item_id)
            else item
            for item in self.state["items"]
        ]

    def _insert(self, item: Message, index: int | None) -> None:
        items = self.state["items"]
        place = len(items) if index is None else index
        self.state["items"] = [*items[:place], item, *items[place:]]

    def _take_out(self, item_id: str | int) -> None:
        self.state["items"] = [item for item in self.state["items"] if not _is_named(item, item_id)]

    def _move(self, item_id: str | int, index: int) -> None:
        moved = [item for item in self.state["items"] if _is_named(item, item_id)]
        self._take_out(item_id)
        for item in moved:
            self._insert(item, index)


def _is_named(item: Message, item_id: str | int) -> bool:
    """Whether it is the item with that id; one that was just sent can have an integer as id, or none."""
    return item.get("id") is not None and str(item["id"]) == str(item_id)
