"""The real service and the database: everybody folds what is stored, and a retry is stored once."""

from __future__ import annotations

import json
from random import Random
from typing import Any

import pytest

from libraries.models import Library, PortalView, User
from libraries.receipts import find_receipt
from libraries.rules.errors import AlreadyApplied, InvalidPayload, PortalError
from libraries.rules.projection import project
from libraries.rules.roles import PortalRole
from libraries.services.changes import Written, change_portal_view
from realtime.client.python.portal_client.fold import Folded, Message
from realtime.news.compose import news_of
from realtime.news.structs import MessageNews
from testing.asking import any_message
from testing.conversation import ack_of, as_json, can_be_merged
from testing.table import amid_a_fight, as_text, checked

SEEDS = range(6)
ROLES = (PortalRole.CONTROLLER, PortalRole.CONTROLLER, PortalRole.VIEWER)

pytestmark = pytest.mark.django_db


class Stored:
    """A portal view in the database, and what two controllers and a viewer fold of it."""

    def __init__(self, library: Library, actor: User, on_commit: Any) -> None:
        fight = amid_a_fight()
        columns = {"items": fight["items"], "encounter": fight["encounter"], "show_encounter": True, "current_item": 0}
        self.id = PortalView.objects.create(library=library, name="Evening", **columns).id
        self.actor, self._on_commit = actor, on_commit
        self.clients = [Folded() for _ in ROLES]
        for client, role in zip(self.clients, ROLES, strict=True):
            state = project(self.read().state(), role)
            begin = {"type": "connected", "role": str(role), "epoch": "e", "recovered": False}
            client.receive(as_json({**begin, "version": state["version"], "state": state}))

    def read(self) -> PortalView:
        """What is stored."""
        return PortalView.objects.select_related("library").get(id=self.id)

    def store(self, messages: list[Message], sender: str, first_sent_by: str) -> Written:
        """Store the messages; everybody but the first controller gets theirs."""
        news: list[MessageNews] = []
        with self._on_commit(execute=True):
            written = change_portal_view(
                actor_id=self.actor.id,
                portal_view_id=self.id,
                messages=[checked(message) for message in messages],
                sender=sender,
                receipts=[(first_sent_by, json.dumps(message["ref"])) for message in messages],
                tell=lambda event: news.extend(one for one in news_of(event) if isinstance(one, MessageNews)),
            )
        for one in news:
            for client, role in list(zip(self.clients, ROLES, strict=True))[1:]:
                text = one.controllers if role is PortalRole.CONTROLLER else one.viewers
                if text is not None:
                    client.receive(json.loads(text))
        return written

    def write(self, messages: list[Message]) -> Written:
        """The first controller stores messages, and gets its acks."""
        for message in messages:
            self.clients[0].send(as_json(message))
        written = self.store(messages, "c1", "c1")
        for message, answer in zip(messages, written.answers, strict=True):
            is_batch, version = message["type"] == "batch", written.portal_view.version
            if written.is_stored:
                self.clients[0].receive(ack_of(message["ref"], version, answer, is_batch=is_batch))
        return written

    def check(self) -> None:
        """AssertionError unless everybody has what is stored."""
        portal_view = self.read()
        for client, role in zip(self.clients, ROLES, strict=True):
            assert as_text(client.state) == as_text(project(portal_view.state(), role, portal_view.rules)), role

    def say_again(self, message: Message, written: Written, item_ids: list[str]) -> None:
        """The first controller sends a stored message once more, on the next connection."""
        before = self.read().state()
        with pytest.raises(PortalError) as refusal:
            self.store([message], "c2", "c1")
        # What is removed cannot be removed again, and what was added is there: the job looks for the receipt then.
        assert isinstance(refusal.value, AlreadyApplied | InvalidPayload)
        assert self.read().state() == before
        receipt = find_receipt(
            user_id=self.actor.id, portal_view_id=self.id, connection_id="c1", ref=json.dumps(message["ref"])
        )
        assert receipt is not None
        assert (receipt.version, receipt.item_ids or []) == (written.portal_view.version, item_ids)


@pytest.mark.parametrize("seed", SEEDS)
def test_everybody_folds_what_is_stored(
    library: Library, editor: User, seed: int, django_capture_on_commit_callbacks: Any
) -> None:
    random = Random(seed)  # noqa: S311  # to be repeated
    stored = Stored(library, editor, django_capture_on_commit_callbacks)
    count = 0
    for ref in range(0, 75, 3):
        state = stored.read().state()
        asked = [{**any_message(random, state), "ref": ref + n} for n in range(random.choice([1, 1, 1, 2, 3]))]
        try:
            if not can_be_merged(map(checked, asked)):
                asked = asked[:1]
            written = stored.write(asked)
        except PortalError:
            assert stored.read().state() == state
            stored.clients[0].receive({"type": "error", "ref": ref})
            continue
        stored.check()
        count += written.is_stored
        if written.is_stored and random.random() < 0.3:
            stored.say_again(asked[0], written, list(written.answers[0].item_ids))
    assert count > 10
