"""What one client sends and receives in an example of folding, made by the real rules. No I/O in here."""

from __future__ import annotations

from typing import Any

from libraries.rules.roles import PortalRole
from realtime.client.python.portal_client.fold import Folded, Message
from testing.conversation import ack_of, as_json, connected
from testing.table import Table, amid_a_fight, changed, checked, shown_to


class Vector:
    """One example: steps of one client, and the state that it has at the end."""

    def __init__(self, role: PortalRole) -> None:
        self.role = role
        self.table = Table(amid_a_fight())
        self.steps: list[dict[str, Any]] = []
        self._refs = 0
        self.gets(connected(self.table, role))

    def gets(self, *messages: Message) -> None:
        """The client receives messages."""
        self.steps += [{"receive": as_json(message)} for message in messages]

    def others(self, *messages: Message) -> Message:
        """Somebody else's messages are stored as one version; returns what this role gets of them, or {}."""
        return changed(self.table, messages)[1].get(self.role, {})

    def hears(self, *messages: Message) -> None:
        """Somebody else's messages, each stored alone, come to the client, as far as its role sees them."""
        self.gets(*filter(None, map(self.others, messages)))

    def sends(self, message: Message, **more: Any) -> Message:
        """The client sends a message, with a ref."""
        self._refs += 1
        sent = dict(as_json({**message, "ref": self._refs, **more}))
        self.steps.append({"send": sent})
        return sent

    def acks(self, *sent: Message) -> list[Message]:
        """The messages are stored as one version; returns their acks."""
        written, _ = changed(self.table, sent)
        version, answers = written.portal_view.version, zip(sent, written.answers, strict=True)
        return [ack_of(one["ref"], version, answer, is_batch=checked(one).is_batch) for one, answer in answers]

    def does(self, *messages: Message) -> None:
        """The client sends messages, which are stored one by one, and gets their acks."""
        for message in messages:
            self.gets(*self.acks(self.sends(message)))

    def disconnects(self) -> None:
        """The connection is lost."""
        self.steps.append({"disconnect": True})

    def whole(self) -> Message:
        """The whole state, after a loss."""
        state = shown_to(self.table.state, self.role)
        return {"type": "portal-view-updated", "payload": state, "version": state["version"]}

    def end(self, name: str) -> dict[str, Any]:
        """The vector, as JSON; the state is what is stored."""
        state = as_json(shown_to(self.table.state, self.role))
        return {"name": name, "role": str(self.role), "steps": self.steps, "state": state}


def view(**payload: Any) -> Message:
    """A `portal-view-update`."""
    return {"type": "portal-view-update", "payload": payload}


def item(item_id: str | int, **payload: Any) -> Message:
    """An `item-update`."""
    return {"type": "item-update", "itemId": item_id, "payload": payload}


def add(index: int | None = None, **payload: Any) -> Message:
    """An `item-add`."""
    return {"type": "item-add", "payload": payload, **({} if index is None else {"index": index})}


def remove(item_id: str) -> Message:
    """An `item-remove`."""
    return {"type": "item-remove", "itemId": item_id}


def move(item_id: str, index: int) -> Message:
    """An `item-move`."""
    return {"type": "item-move", "itemId": item_id, "index": index}


def batch(*changes: Message) -> Message:
    """A `batch`."""
    return {"type": "batch", "changes": list(changes)}


def folded(vector: dict[str, Any]) -> Folded:
    """What the reference folds from the steps of a vector."""
    client = Folded()
    for step in vector["steps"]:
        if "send" in step:
            client.send(step["send"])
        elif "receive" in step:
            client.receive(step["receive"])
        else:
            client.disconnect()
    return client
