"""The books of one portal view: the updates sent, acknowledged and seen, and whether they match the stored state.

Every update is unique: its controller and its number can be read from the stored state and from every message about it.
No I/O in here.
"""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

SLOTS = 256
"""The slots of a controller's own item. Update `n` is in slot `n % SLOTS`, until update `n + SLOTS` replaces it."""
SHARED_ITEM = "shared"
"""The item that all controllers write to."""
SIGNED = "caption"
"""The key of an item that identifies its last update; viewers see it, and not the slots."""
GUEST = "slug"
"""The key of the items that controllers add and remove."""
COMMAND = "pointer"
"""The key of the relayed commands, whose objects viewers see."""

Key = tuple[str, int]
"""An update: its controller's name and its number there."""


@dataclass
class Tally:
    """The counts since the last call."""

    acknowledged: int = 0
    lost: int = 0
    out_of_order: int = 0
    duplicates: int = 0
    retried: int = 0
    broken: list[str] = field(default_factory=list)
    """A sentence for each broken promise of any kind."""


class Ledger:
    """One portal view's books."""

    def __init__(self) -> None:
        self.tally = Tally()
        self.last_ack_at = 0.0
        self.newest_acked = 0
        self._targets: dict[Key, str] = {}
        self._acked: dict[Key, int] = {}
        self._seen: dict[tuple[str, Key], int] = {}
        self._newest: dict[str, tuple[int, Key]] = {}
        self._guests: set[Key] = set()
        self._turns = 0

    def note_sent(self, key: Key, target: str) -> None:
        """Record that an update is sent; `target` is what it writes to.

        That is `slot`, `shared` or `name`, or `guest` for an item that it adds, or `turn` for a turn that it takes.
        """
        self._targets[key] = target

    def note_left(self, key: Key) -> None:
        """Record that the server acknowledged the removal of the guest that this update added."""
        self._guests.discard(key)

    def note_acked(self, key: Key, version: int) -> None:
        """Record that the server acknowledged the update with `version`."""
        self.last_ack_at = time.monotonic()
        self.tally.acknowledged += 1
        self.newest_acked = max(self.newest_acked, version)
        if key in self._acked:
            self.break_promise(f"{_name(key)} was acknowledged twice")
        self._acked[key] = version
        target = self._targets[key]
        if target == "guest":
            self._guests.add(key)
        elif target == "turn":
            self._turns += 1
        elif target != "slot":
            self._newest[target] = max(self._newest.get(target, (0, key)), (version, key))

    def note_seen(self, key: Key, role: str, version: int) -> None:
        """Record that a connection received the update with `version`, which counts for its role."""
        first = self._seen.setdefault((role, key), version)
        if first != version:
            self._seen[role, key] = version
            self.tally.duplicates += 1
            self.break_promise(f"{_name(key)} was stored twice, as versions {first} and {version} of {role}s")

    def note_out_of_order(self, who: str, before: int, version: int) -> None:
        """Record that a connection received `version` after `before`, which is not older."""
        if before == version:
            self.tally.duplicates += 1
            self.break_promise(f"{who} was told version {version} twice")
        else:
            self.tally.out_of_order += 1
            self.break_promise(f"{who} was told version {version} after {before}")

    def note_repeated(self, who: str, what: str) -> None:
        """Record that a connection got the same relayed command twice."""
        self.tally.duplicates += 1
        self.break_promise(f"{who} got the command {what} twice")

    def break_promise(self, sentence: str) -> None:
        """Record any other broken promise."""
        self.tally.broken.append(sentence)

    def check(self, stored: Mapping[str, Any]) -> None:
        """Compare the books with the stored state, as a controller sees it, once everything is answered."""
        items = {item["id"]: item for item in stored["items"]}
        written = {"name": stored["name"], "shared": items[SHARED_ITEM].get(SIGNED)}
        for key, version in self._acked.items():
            controller, number = key
            if version > stored["version"]:
                self._lose(key, f"version {version}, but {stored['version']} is the newest")
            elif (came := self._seen.get(("controller", key), version)) != version:
                self.break_promise(f"{_name(key)} is said to be in {version}, but came in {came}")
            elif self._targets[key] == "slot" and items[controller].get(slot(number)) != number:
                self._lose(key, f"slot {slot(number)} holds {items[controller].get(slot(number))}")
        for target, (version, key) in self._newest.items():
            if written[target] != signature(key):
                self._lose(key, f"the {target} was last written by it, in {version}, and says {written[target]}")
        self._check_guests(items)
        self._check_turns(stored.get("encounter"))
        self._acked.clear()
        self._newest.clear()

    def _check_guests(self, items: Mapping[str, Any]) -> None:
        """Each acknowledged guest is there once, unless its removal was acknowledged; nobody else is."""
        expected = Counter(map(signature, self._guests))
        found = Counter(item[SIGNED] for item in items.values() if GUEST in item)
        for by in (expected - found).elements():
            self.tally.lost += 1
            self.break_promise(f"The item that {by} added was acknowledged and is lost")
        for by in (found - expected).elements():
            self.tally.duplicates += 1
            self.break_promise(f"The item that {by} added was stored twice, or not removed")

    def _check_turns(self, encounter: Mapping[str, Any] | None) -> None:
        """As many turns were taken as acknowledged."""
        if encounter is None or encounter["turn"] is None:
            taken = 0
        else:
            order = [entry["itemId"] for entry in encounter["order"]]
            taken = (encounter["round"] - 1) * len(order) + order.index(encounter["turn"]) + 1
        if taken != self._turns:
            self.tally.lost += max(0, self._turns - taken)
            self.tally.duplicates += max(0, taken - self._turns)
            self.break_promise(f"{taken} turns were taken, and {self._turns} acknowledged")
            self._turns = taken

    def take_tally(self) -> Tally:
        """Return the counts, and restart them."""
        tally, self.tally = self.tally, Tally()
        return tally

    def _lose(self, key: Key, why: str) -> None:
        self.tally.lost += 1
        self.break_promise(f"{_name(key)} was acknowledged and is lost: {why}")


def slot(number: int) -> str:
    """The key that update `number` is written to."""
    return f"k{number % SLOTS}"


def signature(key: Key) -> str:
    """The identification of an update without a slot."""
    return f"{key[0]}:{key[1]}"


def _name(key: Key) -> str:
    return f"Update {key[1]} of {key[0]}"


class Reader:
    """Reads from messages which updates they contain; one for each connection, because it counts commands."""

    def __init__(self, ledger: Ledger, who: str, role: str) -> None:
        self._ledger = ledger
        self._who = who
        self._role = role
        self._commands: dict[str, int] = defaultdict(int)
        self.version = 0
        self.skips = 0

    def read(self, message: Mapping[str, Any]) -> None:
        """Record the content of a message about a change, and its order."""
        version = message.get("version")
        if version is None:
            self._read_command(message["payload"])
            return
        if version <= self.version:
            self._ledger.note_out_of_order(self._who, self.version, version)
        self.skips += "id" in message.get("payload", ()) and version > self.version + 1
        self.version = max(version, self.version)
        for key in updates_in(message):
            self._ledger.note_seen(key, self._role, version)

    def _read_command(self, payload: Mapping[str, Any]) -> None:
        if COMMAND not in payload:
            return
        controller, number = payload[COMMAND]["by"], payload[COMMAND]["number"]
        if number <= self._commands[controller]:
            self._ledger.note_repeated(self._who, f"{controller}:{number}")
        self._commands[controller] = max(number, self._commands[controller])


def updates_in(message: Mapping[str, Any]) -> list[Key]:
    """The updates in a message; none if it has the whole state, which many updates led to."""
    match message["type"]:
        case "batch-applied":
            return [key for change in message["changes"] for key in updates_in(change)]
        case "item-added":
            return [_key(message["item"][SIGNED])]
        case "portal-view-updated":
            payload = message["payload"]
            return [_key(payload["name"])] if "name" in payload and "id" not in payload else []
        case "item-updated":
            return _updates_of_item(message["payload"])
        case _:
            return []


def _updates_of_item(payload: Mapping[str, Any]) -> list[Key]:
    slots = [(payload["itemId"], number) for key, number in payload.items() if key[0] == "k" and key[1:].isdigit()]
    return slots or ([_key(payload[SIGNED])] if payload.get(SIGNED) else [])


def _key(text: str) -> Key:
    controller, _, number = text.partition(":")
    return controller, int(number)
