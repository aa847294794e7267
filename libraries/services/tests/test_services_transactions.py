"""One transaction for each write: events after its commit and never before, one write at a time, few queries."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import pytest
from django.db import connection, connections, transaction
from django.test.utils import CaptureQueriesContext

from libraries.conftest import Heard
from libraries.events import PortalViewChanged
from libraries.models import Library, PortalView, User
from libraries.rules.errors import Conflict, NoSuchItem, VersionConflict
from libraries.rules.roles import Role
from libraries.rules.state import check_patch
from libraries.rules.tests.drafts import NEXT, add, item, move, remove, view
from libraries.services import changes
from libraries.services.changes import Message, change_portal_view
from libraries.services.members import change_role
from libraries.services.portal_views import create_portal_view, delete_portal_view, update_portal_view
from libraries.tests.writes import update_item
from realtime.news import compose, publish

pytestmark = pytest.mark.django_db(transaction=True)

WRITERS = 2
UPDATES_OF_ONE = 10
DEADLINE_SECONDS = 60


def all_writes(portal_view: PortalView, viewer: User) -> list[Callable[[], object]]:
    """One write of each kind with an event; the last deletes the portal view."""
    this: dict[str, Any] = {"actor_id": None, "portal_view_id": portal_view.id}
    library_id = portal_view.library_id
    return [
        partial(update_portal_view, **this, patch=check_patch({"blackout": True})),
        partial(update_portal_view, **this, patch=check_patch({"zoom": 1})),
        partial(update_item, **this, item_id="ogre", payload={"hp": 2}),
        partial(change_portal_view, **this, messages=[Message([add(id="new"), move("new", 0)], is_batch=True)]),
        partial(change_role, actor_id=None, library_id=library_id, user_id=viewer.id, role=Role.EDITOR),
        partial(delete_portal_view, **this),
    ]


def test_news_is_sent_once_the_transaction_is_committed(portal_view: PortalView, viewer: User, heard: Heard) -> None:
    for write in all_writes(portal_view, viewer):
        heard.clear()
        with transaction.atomic():
            write()
            assert heard == []
        assert len(heard) == 1


def test_a_rolled_back_write_is_neither_stored_nor_announced(
    portal_view: PortalView, viewer: User, heard: Heard
) -> None:
    before = portal_view.state()
    for write in all_writes(portal_view, viewer):
        with transaction.atomic():
            write()
            transaction.set_rollback(True)
    assert heard == []
    portal_view.refresh_from_db()
    assert portal_view.state() == before


def test_a_write_that_fails_in_its_last_step_leaves_nothing(
    portal_view: PortalView, heard: Heard, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(**_: object) -> None:
        raise KeyError

    before = portal_view.state()
    monkeypatch.setattr(changes, "PortalViewChanged", fail)
    for write in (
        partial(update_portal_view, patch=check_patch({"name": "Night"})),
        partial(update_item, item_id="ogre", payload={"hp": 1}),
    ):
        with pytest.raises(KeyError):
            write(actor_id=None, portal_view_id=portal_view.id)
    portal_view.refresh_from_db()
    assert (heard, portal_view.state()) == ([], before)


def test_a_committed_write_stays_stored_if_its_event_fails(
    portal_view: PortalView, viewer: User, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(news: object) -> None:
        raise KeyError

    monkeypatch.setattr(publish, "send", fail)
    with caplog.at_level(logging.ERROR):
        for count, write in enumerate(all_writes(portal_view, viewer), start=1):
            write()
            assert len(caplog.records) == count
    assert not PortalView.objects.exists()


def test_an_update_is_projected_and_encoded_once_for_each_role(
    portal_view: PortalView, heard: Heard, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[str] = []

    def count(module: Any, name: str) -> None:
        function = getattr(module, name)

        def counted(*args: Any) -> Any:
            calls.append(name)
            return function(*args)

        monkeypatch.setattr(module, name, counted)

    count(compose, "encode")
    count(changes, "seen_by_controllers")
    count(changes, "seen_by_viewers")
    update_portal_view(actor_id=None, portal_view_id=portal_view.id, patch=check_patch({"showHealth": True}))
    once = ["seen_by_controllers", "seen_by_viewers", "encode", "encode"]
    assert calls == once
    for some in ([item("ogre", hp=1)], [add(id="new"), item("ogre", text="Awake"), remove("map")]):
        calls.clear()
        messages = [Message([change]) for change in some]
        change_portal_view(actor_id=None, portal_view_id=portal_view.id, messages=messages)
        assert calls == once


def statements(write: Callable[[], object]) -> list[str]:
    """The queries of a write, except those that begin and end its transaction."""
    with CaptureQueriesContext(
        connection,
    ) as captured:
        write()
    texts = [query["sql"] for query in captured.captured_queries]
    return [text for text in texts if text.split()[0].rstrip(";") not in {"BEGIN", "COMMIT", "ROLLBACK"}]


def test_an_update_takes_two_queries_and_writes_only_what_it_changes(portal_view: PortalView, editor: User) -> None:
    this: dict[str, Any] = {"actor_id": editor.id, "portal_view_id": portal_view.id}
    select, update = statements(
        partial(update_portal_view, **this, patch=check_patch({"showHealth": True, "blackout": False}))
    )
    assert select.startswith("SELECT")
    assert update.startswith("UPDATE")
    written = {
        column for column in ("items", "show_health", "blackout", "version", "name") if f'"{column}" =' in update
    }
    assert written == {"show_health", "version"}  # there was no blackout before
    select, update = statements(partial(update_item, **this, item_id="ogre", payload={"hp": 1}))
    assert '"items" =' in update
    assert '"version" =' in update
    assert '"name" =' not in update


def test_a_relayed_command_takes_one_query(portal_view: PortalView, editor: User, stranger: User) -> None:
    this: dict[str, Any] = {"actor_id": editor.id, "portal_view_id": portal_view.id}
    assert len(statements(partial(update_portal_view, **this, patch=check_patch({"zoom": 1})))) == 1

    def refused() -> None:
        with pytest.raises(VersionConflict):
            update_portal_view(**this, patch=check_patch({"name": "Night"}), if_version=9)

    def unknown() -> None:
        with pytest.raises(NoSuchItem):
            update_item(**this, item_id="nobody", payload={})

    assert len(statements(refused)) == 1
    assert len(statements(unknown)) == 1


def test_any_number_of_changes_takes_two_queries(portal_view: PortalView, editor: User) -> None:
    order = {"round": 1, "turn": None, "order": [{"itemId": "ogre"}]}
    several = [add(id="new"), move("new", 0), remove("map"), view(encounter=order, currentItemId="ogre"), NEXT]
    write = partial(
        change_portal_view,
        actor_id=editor.id,
        portal_view_id=portal_view.id,
        messages=[Message(several, is_batch=True), Message([item("ogre", hp=1)])],
    )
    assert [text.split()[0] for text in statements(write)] == ["SELECT", "UPDATE"]


def test_an_update_with_a_receipt_takes_three_queries(portal_view: PortalView, editor: User) -> None:
    this: dict[str, Any] = {"actor_id": editor.id, "portal_view_id": portal_view.id, "sender": "c1"}
    kept = partial(
        update_portal_view, **this, patch=check_patch({"name": "Night"}), receipts=[("c1", "1"), ("c1", "2")]
    )
    assert [text.split()[0] for text in statements(kept)] == ["SELECT", "UPDATE", "INSERT"]


def test_a_new_portal_view_takes_four_queries(library: Library, editor: User) -> None:
    new = partial(create_portal_view, actor_id=editor.id, library_id=library.id, patch=check_patch({"name": "New"}))
    assert [text.split()[0] for text in statements(new)] == [
        "SELECT",
        "SELECT",
        "SELECT",
        "INSERT",
    ]  # the library; the number and the size of its portal views


def at_once(*works: Callable[[], object]) -> None:
    """Run all of these at the same time, each in a thread with its own connection."""
    start = threading.Barrier(len(works))

    def run(work: Callable[[], object]) -> None:
        try:
            start.wait(DEADLINE_SECONDS)
            work()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(works)) as pool:
        for done in [pool.submit(run, work) for work in works]:
            done.result(DEADLINE_SECONDS)


def test_simultaneous_writers_lose_no_change_of_each_other(
    portal_view: PortalView, editor: User, owner: User, heard: Heard
) -> None:
    this: dict[str, Any] = {"portal_view_id": portal_view.id}

    def write_items() -> None:
        for number in range(UPDATES_OF_ONE):
            update_item(actor_id=editor.id, **this, item_id="ogre", payload={f"e{number}": number})

    def write_more_items() -> None:
        for number in range(UPDATES_OF_ONE):
            update_item(actor_id=owner.id, **this, item_id="ogre", payload={f"o{number}": number})

    def write_names() -> None:
        for number in range(UPDATES_OF_ONE):
            update_portal_view(actor_id=owner.id, **this, patch=check_patch({"name": f"Night {number}"}))

    at_once(write_items, write_more_items, write_names)
    portal_view.refresh_from_db()
    assert portal_view.version == 1 + 3 * UPDATES_OF_ONE
    assert portal_view.name == f"Night {UPDATES_OF_ONE - 1}"
    written = {f"{who}{number}" for who in "eo" for number in range(UPDATES_OF_ONE)}
    assert written <= portal_view.items[1].keys()
    assert sorted(event.version for event in heard if isinstance(event, PortalViewChanged)) == list(
        range(2, 2 + 3 * UPDATES_OF_ONE)
    )


def test_of_two_updates_of_the_same_version_one_is_refused(portal_view: PortalView, heard: Heard) -> None:
    answers: list[str] = []

    def write(name: str) -> None:
        try:
            update_portal_view(
                actor_id=None, portal_view_id=portal_view.id, patch=check_patch({"name": name}), if_version=1
            )
            answers.append("stored")
        except VersionConflict:
            answers.append("refused")

    at_once(*(partial(write, f"Night {number}") for number in range(WRITERS)))
    assert sorted(answers) == ["refused", "stored"]
    assert len(heard) == 1


def test_if_two_owners_leave_at_the_same_time_one_stays(library: Library, owner: User, editor: User) -> None:
    change_role(actor_id=None, library_id=library.id, user_id=editor.id, role=Role.OWNER)
    answers: list[str] = []

    def leave(user: User) -> None:
        try:
            change_role(actor_id=user.id, library_id=library.id, user_id=user.id, role=Role.VIEWER)
            answers.append("left")
        except Conflict:
            answers.append("stays")

    at_once(partial(leave, owner), partial(leave, editor))
    assert library.memberships.filter(role="OWNER").count() == 1
