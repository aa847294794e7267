"""A portal view without a database: the same rules and messages, and receipts in a dict. No I/O in here.

`Table.change` does what `libraries.services.changes.change_portal_view` does, and is used in its place.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from types import SimpleNamespace
from typing import Any, cast
from uuid import UUID

import msgspec

from libraries.events import Event, PortalViewChanged
from libraries.models import PortalView
from libraries.receipts import ReceiptKey
from libraries.rules.changes import ItemPatch, ViewPatch, check_change, check_changes
from libraries.rules.commands import project_command
from libraries.rules.disclosure import NOTHING, Disclosure
from libraries.rules.draft import Draft
from libraries.rules.edits import Seen, seen_by_controllers, seen_by_viewers
from libraries.rules.errors import AlreadyApplied, Forbidden
from libraries.rules.projection import project
from libraries.rules.roles import PortalRole
from libraries.rules.state import FIELDS, State, check_size
from libraries.selectors import Stored
from libraries.services.changes import Message, Written
from realtime.news.compose import news_of
from realtime.news.structs import MessageNews

PORTAL_VIEW_ID = UUID("0195d5a0-0000-7000-8000-000000000001")
EPOCH = "one"
_encode = msgspec.json.Encoder(order="deterministic").encode
KEY = b"the key of made-up ids, in tests"


def new_state(**more: Any) -> State:
    """The state of a new portal view."""
    return {
        "id": str(PORTAL_VIEW_ID),
        "libraryId": str(UUID(int=7)),
        "name": "Evening",
        **dict.fromkeys(("showEncounter", "showHealth", "showAC", "showActions", "blackout", "viewersMayPoint"), False),
        "showConditions": True,
        "healthDisplay": "numbers",
        "autoResetImageState": True,
        **dict.fromkeys(("currentItem", "currentItemId", "camera", "encounter")),
        "items": [],
        "version": 1,
        "createdAt": "2026-11-23T19:00:00.000Z",
        "updatedAt": "2026-11-23T19:00:00.000Z",
        "viewersVersion": 1,
        "viewersUpdatedAt": "2026-11-23T19:00:00.000Z",
        **more,
    }


def amid_a_fight() -> State:
    """A state with a current item and an encounter, two of whose items viewers do not see."""
    items: list[dict[str, Any]] = [
        {"id": "a", "name": "Ogre", "hp": 7, "maxHp": 9, "image": "/a.png"},
        {"id": "b", "name": "Spy", "visible": False, "notes": "waits behind the door"},
        {"id": "c", "name": "Mage", "public": {"mood": "calm"}, "show": {"initiative": False}},
        {"id": "d", "name": "Ghost", "visible": False, "revealOnTurn": True},
    ]
    order = [{"itemId": "c", "initiative": 17}, {"itemId": "b"}, {"itemId": "a", "initiative": 4}, {"itemId": "d"}]
    return new_state(
        items=items,
        encounter={"round": 1, "turn": "c", "order": order},
        showEncounter=True,
        currentItem=0,
        currentItemId="a",
        camera={"x": 0.5, "y": 0.5, "zoom": 2, "rotation": 0},
    )


def checked(message: Mapping[str, Any]) -> Message:
    """The changes of a client's message, checked as the server's handlers do; InvalidPayload if one is bad."""
    if message["type"] == "batch":
        return Message(check_changes(message["changes"]), is_batch=True)
    return Message([check_change(message["type"], message)])


def is_relayed(message: Message) -> bool:
    """Whether nothing of it is stored: a patch of the portal view with commands only, or with nothing."""
    return all(isinstance(change, ViewPatch) and not change.patch.known for change in message.changes)


class Table:
    """The stored portal view, and the roles of people who may write: all of them by default."""

    def __init__(self, state: State | None = None, disclosure: Disclosure = NOTHING) -> None:
        self.state = state or new_state()
        self.disclosure = disclosure
        self.demoted: set[UUID] = set()
        self.receipts: dict[ReceiptKey, SimpleNamespace] = {}

    @property
    def stored(self) -> Stored:
        """What a process reads from the database."""
        return Stored(self.state, EPOCH, 1, self.disclosure)

    def change(
        self,
        *,
        messages: Sequence[Message],
        actor_id: UUID | None = None,
        portal_view_id: UUID = PORTAL_VIEW_ID,
        sender: str | None = None,
        receipts: Collection[ReceiptKey] = (),
        tell: Callable[[Event], None] = lambda event: None,
    ) -> Written:
        """Store the messages as one version."""
        if actor_id in self.demoted:
            raise Forbidden("You may look at this.")
        draft = Draft({key: self.state[key] for key in FIELDS}, KEY)
        answers = [draft.apply(message.changes, is_batch=message.is_batch) for message in messages]
        controllers, viewers = seen_by_controllers(draft), seen_by_viewers(draft, self.disclosure)
        if draft.is_written:
            check_size({**self.state, **draft.state})
            self._keep(receipts, sender, [item_id for answer in answers for item_id in answer.item_ids])
            self.put(draft.state, viewers_changed=bool(viewers))
        version, seen = self.state["version"], self.state["viewersVersion"]
        shown = project_command(draft.relayed, self.state, self.disclosure)
        if draft.is_written or draft.relayed:
            event = PortalViewChanged(
                portal_view_id=portal_view_id,
                version=version,
                viewers_version=seen,
                controllers=Seen({**controllers.patch, **draft.relayed}, controllers.edits),
                viewers=Seen({**viewers.patch, **shown}, viewers.edits),
                is_stored=draft.is_written,
                viewers_changed=bool(viewers),
                sender=sender,
            )
            tell(event)
        portal_view = cast(PortalView, SimpleNamespace(version=version, viewers_version=seen))
        return Written(portal_view, answers, [()] * len(messages), draft.is_written)

    def put(self, content: Mapping[str, Any], *, viewers_changed: bool) -> None:
        """Store the next version."""
        version, seen = self.state["version"] + 1, self.state["viewersVersion"] + viewers_changed
        self.state = {**self.state, **content, "version": version, "viewersVersion": seen}

    def _keep(self, receipts: Collection[ReceiptKey], sender: str | None, item_ids: list[str]) -> None:
        for key in receipts:
            found = self.receipts.get(key)
            if found is not None and (found.by_retry or key[0] != sender):
                raise AlreadyApplied
        for key in receipts:
            self.receipts[key] = SimpleNamespace(
                version=self.state["version"] + 1, item_ids=item_ids or None, by_retry=key[0] != sender
            )


def is_item_patch(message: Message) -> bool:
    """Whether it is a patch of an item: if that is not stored, it is only relayed."""
    return not message.is_batch and isinstance(message.changes[0], ItemPatch)


def changed(table: Table, messages: Sequence[Mapping[str, Any]]) -> tuple[Written, dict[PortalRole, dict[str, Any]]]:
    """Store clients' messages as one version; returns what the service returns, and the message of each role."""
    events: list[Event] = []
    written = table.change(messages=[checked(message) for message in messages], tell=events.append)
    told: dict[PortalRole, dict[str, Any]] = {}
    for news in (news for event in events for news in news_of(event)):
        assert isinstance(news, MessageNews)
        texts = {PortalRole.CONTROLLER: news.controllers, PortalRole.VIEWER: news.viewers}
        told |= {role: json.loads(text) for role, text in texts.items() if text is not None}
    return written, told


def shown_to(state: State, role: PortalRole, disclosure: Disclosure = NOTHING) -> dict[str, Any]:
    """The state as a client of that role has it: without the date, which no change carries."""
    return {key: value for key, value in project(state, role, disclosure).items() if key != "updatedAt"}


def as_text(state: Mapping[str, Any]) -> str:
    """A client's state, or part of one, as text to compare: without the date."""
    return _encode({key: value for key, value in state.items() if key != "updatedAt"}).decode()
