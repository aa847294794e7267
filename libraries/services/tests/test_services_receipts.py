"""Receipts of stored messages, and new epochs."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from libraries.models import Library, PortalView, Receipt, User
from libraries.receipts import AT_ONCE as RECEIPTS_AT_ONCE
from libraries.receipts import KEPT as RECEIPTS_KEPT
from libraries.receipts import find_receipt, forget_receipts, forget_receipts_in_turn
from libraries.rules.errors import AlreadyApplied, NoSuchItem
from libraries.rules.state import check_patch
from libraries.rules.tests.drafts import PREVIOUS, add, item
from libraries.services.changes import Message, change_portal_view
from libraries.services.portal_views import restart_epochs, update_portal_view
from libraries.tests.writes import update_item

pytestmark = pytest.mark.django_db


def version_of(user: User, portal_view: PortalView, connection_id: str, ref: str) -> int | None:
    receipt = find_receipt(user_id=user.id, portal_view_id=portal_view.id, connection_id=connection_id, ref=ref)
    return receipt.version if receipt else None


def test_a_receipt_has_the_version_that_stored_the_message(portal_view: PortalView, editor: User) -> None:
    this: dict[str, Any] = {"actor_id": editor.id, "portal_view_id": portal_view.id, "sender": "c1"}
    update_portal_view(**this, patch=check_patch({"name": "Night"}), receipts=[("c1", '"a"'), ("c1", '"b"')])
    update_item(**this, item_id="ogre", payload={"hp": 1}, receipts=[("c1", "1")])
    assert [version_of(editor, portal_view, "c1", ref) for ref in ('"a"', '"b"', "1", "2")] == [2, 2, 3, None]
    assert version_of(editor, portal_view, "c2", "1") is None


def test_a_receipt_has_the_ids_of_the_items_that_were_added(portal_view: PortalView, editor: User) -> None:
    this: dict[str, Any] = {"actor_id": editor.id, "portal_view_id": portal_view.id, "sender": "c1"}
    one: dict[str, Any] = {"user_id": editor.id, "portal_view_id": portal_view.id, "connection_id": "c1"}
    for ref, changes in (("1", [add(id="a"), add(id="b")]), ("2", [item("a", hp=1)])):
        change_portal_view(**this, messages=[Message(changes, is_batch=True)], receipts=[("c1", ref)])
    receipts = [find_receipt(**one, ref=ref) for ref in ("1", "2")]
    assert [receipt and (receipt.version, receipt.item_ids) for receipt in receipts] == [(2, ["a", "b"]), (3, None)]
    change_portal_view(**this, messages=[Message([add(id="c")])], receipts=[("c1", "2")])
    again = find_receipt(**one, ref="2")
    assert again is not None
    assert (again.version, again.item_ids) == (4, ["c"])


def test_a_receipt_belongs_to_one_person(portal_view: PortalView, editor: User, owner: User) -> None:
    this: dict[str, Any] = {"portal_view_id": portal_view.id, "sender": "c1", "receipts": [("c1", "1")]}
    update_portal_view(actor_id=editor.id, **this, patch=check_patch({"name": "Night"}))
    assert version_of(owner, portal_view, "c1", "1") is None
    update_portal_view(actor_id=owner.id, **this, patch=check_patch({"name": "Night"}))
    assert (version_of(editor, portal_view, "c1", "1"), version_of(owner, portal_view, "c1", "1")) == (2, 3)


def test_a_receipt_belongs_to_one_portal_view(library: Library, portal_view: PortalView, editor: User) -> None:
    other = PortalView.objects.create(library=library, name="Other")
    this: dict[str, Any] = {"actor_id": editor.id, "receipts": [("c1", "1")]}
    update_portal_view(**this, sender="c1", portal_view_id=portal_view.id, patch=check_patch({"name": "Night"}))
    assert version_of(editor, other, "c1", "1") is None
    for name in ("b", "c"):
        other = update_portal_view(
            actor_id=editor.id,
            sender="c2",
            receipts=[("c2", name)],
            portal_view_id=other.id,
            patch=check_patch({"name": name}),
        )
    assert (
        update_portal_view(**this, sender="c2", portal_view_id=other.id, patch=check_patch({"name": "d"})).version == 4
    )
    assert (version_of(editor, portal_view, "c1", "1"), version_of(editor, other, "c1", "1")) == (2, 4)
    with pytest.raises(AlreadyApplied):
        update_portal_view(**this, sender="c3", portal_view_id=other.id, patch=check_patch({"name": "e"}))


def test_any_number_of_messages_may_be_stored_as_one(portal_view: PortalView, editor: User) -> None:
    # SQLite allows 250,000 parameters of a statement, Postgres 65,535.
    parameters: list[int] = []

    def count(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        parameters.append(len(params or ()))
        return execute(sql, params, many, context)

    refs = [("c1", str(number)) for number in range(3 * RECEIPTS_AT_ONCE)]
    this: dict[str, Any] = {"actor_id": editor.id, "portal_view_id": portal_view.id, "sender": "c1"}
    with connection.execute_wrapper(count):
        assert update_portal_view(**this, patch=check_patch({"name": "Night"}), receipts=refs).version == 2
    assert max(parameters) < 10 * RECEIPTS_AT_ONCE
    assert [version_of(editor, portal_view, *refs[at]) for at in (0, RECEIPTS_AT_ONCE, -1)] == [2, 2, 2]


@pytest.mark.parametrize("overtaken", [0, RECEIPTS_AT_ONCE - 1, RECEIPTS_AT_ONCE, 2 * RECEIPTS_AT_ONCE])
def test_one_of_many_messages_overtaken_by_its_retry_is_not_stored_twice(
    portal_view: PortalView, editor: User, overtaken: int
) -> None:
    refs = [("c1", str(number)) for number in range(2 * RECEIPTS_AT_ONCE + 1)]
    this: dict[str, Any] = {"actor_id": editor.id, "portal_view_id": portal_view.id}
    update_portal_view(**this, sender="c2", patch=check_patch({"name": "Night"}), receipts=[refs[overtaken]])
    with pytest.raises(AlreadyApplied):
        update_portal_view(**this, sender="c1", patch=check_patch({"name": "Day"}), receipts=refs)
    portal_view.refresh_from_db()
    assert (portal_view.name, portal_view.version) == ("Night", 2)


def test_a_message_sent_again_by_the_next_connection_is_not_stored_twice(portal_view: PortalView, editor: User) -> None:
    this: dict[str, Any] = {"actor_id": editor.id, "portal_view_id": portal_view.id, "receipts": [("c1", "1")]}
    update_portal_view(**this, sender="c1", patch=check_patch({"name": "Night"}))
    with pytest.raises(AlreadyApplied):
        update_portal_view(**this, sender="c2", patch=check_patch({"name": "Day"}))
    with pytest.raises(AlreadyApplied):
        update_item(**this, sender="c2", item_id="ogre", payload={"hp": 1})
    portal_view.refresh_from_db()
    assert (portal_view.name, portal_view.version) == ("Night", 2)
    assert version_of(editor, portal_view, "c1", "1") == 2


def test_a_lost_message_is_stored_when_it_is_sent_again(portal_view: PortalView, editor: User) -> None:
    this: dict[str, Any] = {"actor_id": editor.id, "portal_view_id": portal_view.id, "receipts": [("c1", "1")]}
    assert update_portal_view(**this, sender="c2", patch=check_patch({"name": "Night"})).version == 2
    assert version_of(editor, portal_view, "c1", "1") == 2


def test_a_message_overtaken_by_its_retry_is_not_stored_twice(portal_view: PortalView, editor: User) -> None:
    this: dict[str, Any] = {"actor_id": editor.id, "portal_view_id": portal_view.id, "receipts": [("c1", "1")]}
    update_portal_view(**this, sender="c2", patch=check_patch({"name": "Night"}))
    with pytest.raises(AlreadyApplied):
        update_portal_view(**this, sender="c1", patch=check_patch({"name": "Night"}))
    portal_view.refresh_from_db()
    assert (portal_view.version, version_of(editor, portal_view, "c1", "1")) == (2, 2)


def test_a_client_that_uses_a_ref_twice_loses_nothing(portal_view: PortalView, editor: User) -> None:
    this: dict[str, Any] = {"actor_id": editor.id, "portal_view_id": portal_view.id, "sender": "c1"}
    update_portal_view(**this, patch=check_patch({"name": "Night"}), receipts=[("c1", "1")])
    update_portal_view(**this, patch=check_patch({"name": "Day"}), receipts=[("c1", "1"), ("c1", "1")])
    portal_view.refresh_from_db()
    assert (portal_view.name, portal_view.version) == ("Day", 3)
    assert version_of(editor, portal_view, "c1", "1") == 3
    assert Receipt.objects.count() == 1


def test_there_is_no_receipt_for_the_site_or_without_a_stored_change(portal_view: PortalView, editor: User) -> None:
    this: dict[str, Any] = {"portal_view_id": portal_view.id, "sender": "c1", "receipts": [("c1", "1")]}
    update_portal_view(actor_id=None, **this, patch=check_patch({"name": "Night"}))
    update_portal_view(actor_id=editor.id, **this, patch=check_patch({"zoom": 1}))
    with pytest.raises(NoSuchItem):
        update_item(actor_id=editor.id, **this, item_id="nobody", payload={})
    assert not Receipt.objects.exists()


def test_a_step_that_changed_nothing_has_a_receipt_so_that_its_retry_does_nothing_later(
    portal_view: PortalView, editor: User
) -> None:
    this: dict[str, Any] = {"actor_id": editor.id, "portal_view_id": portal_view.id}
    order = [{"itemId": item_id} for item_id in ("ogre", "map")]
    encounter = {"round": 1, "turn": "ogre", "order": order}
    update_portal_view(**this, patch=check_patch({"encounter": encounter}))
    back: dict[str, Any] = {**this, "messages": [Message([PREVIOUS])], "receipts": [("c1", "1")]}
    assert not change_portal_view(**back, sender="c1").is_stored
    assert version_of(editor, portal_view, "c1", "1") == 2
    update_portal_view(**this, patch=check_patch({"encounter": {**encounter, "turn": "map"}}))
    with pytest.raises(AlreadyApplied):
        change_portal_view(**back, sender="c2")
    portal_view.refresh_from_db()
    assert portal_view.encounter == {**encounter, "turn": "map"}


def test_a_step_that_changes_nothing_may_be_overtaken_by_its_retry(portal_view: PortalView, editor: User) -> None:
    order = {"round": 1, "turn": "ogre", "order": [{"itemId": "ogre"}]}
    this: dict[str, Any] = {"actor_id": editor.id, "portal_view_id": portal_view.id}
    update_portal_view(**this, patch=check_patch({"encounter": order}))
    back: dict[str, Any] = {**this, "messages": [Message([PREVIOUS])], "receipts": [("c1", "1")]}
    change_portal_view(**back, sender="c2")
    with pytest.raises(AlreadyApplied):
        change_portal_view(**back, sender="c1")
    assert Receipt.objects.count() == 1


def test_old_receipts_are_deleted(portal_view: PortalView, editor: User) -> None:
    for number, age in enumerate((timedelta(0), RECEIPTS_KEPT * 0.9, RECEIPTS_KEPT * 1.1)):
        update_portal_view(
            actor_id=editor.id,
            portal_view_id=portal_view.id,
            patch=check_patch({"name": "Night"}),
            sender="c1",
            receipts=[("c1", str(number))],
        )
        receipt = Receipt.objects.filter(ref=str(number))
        receipt.update(created_at=receipt.get().created_at - age)
    forget_receipts_in_turn()
    assert set(Receipt.objects.values_list("ref", flat=True)) == {"0", "1"}


def test_one_process_per_minute_deletes_old_receipts(portal_view: PortalView, editor: User) -> None:
    forget_receipts_in_turn()
    Receipt.objects.create(user=editor, portal_view=portal_view, connection_id="c1", ref="1", version=1)
    Receipt.objects.update(created_at=timezone.now() - 2 * RECEIPTS_KEPT)
    forget_receipts_in_turn()
    assert Receipt.objects.count() == 1
    forget_receipts()
    assert not Receipt.objects.exists()


def test_epochs_are_restarted(library: Library, portal_view: PortalView, editor: User) -> None:
    other = PortalView.objects.create(library=library, name="Other")
    update_portal_view(
        actor_id=editor.id,
        portal_view_id=portal_view.id,
        patch=check_patch({"name": "Night"}),
        sender="c1",
        receipts=[("c1", "1")],
    )
    before = {portal_view.epoch, other.epoch}
    assert restart_epochs() == 2
    after = set(PortalView.objects.values_list("epoch", flat=True))
    assert len(after) == 2
    assert not before & after
    assert not Receipt.objects.exists(), "their versions are of an epoch that is over"
    portal_view.refresh_from_db()
    assert (portal_view.name, portal_view.version, portal_view.items[1]["id"]) == ("Night", 2, "ogre")
