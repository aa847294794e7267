"""The constraints of the database, and the names of objects."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import ProtectedError

from libraries.models import Library, Membership, PortalView, Receipt, User, iso, new_epoch
from libraries.rules.projection import VIEWERS_OWN, project
from libraries.rules.roles import PortalRole, Role
from libraries.rules.state import FIELDS, NOT_IN_HEAD, READ_ONLY

pytestmark = pytest.mark.django_db


def refused(change: Any) -> bool:
    try:
        with transaction.atomic():
            change()
    except IntegrityError:
        return True
    return False


def test_an_address_is_stored_in_lower_case(owner: User) -> None:
    user = User.objects.create_user("  Ada@Example.ORG ", "pw")
    assert user.email == str(user) == "ada@example.org"
    assert User.objects.get_by_natural_key(" ADA@example.org") == user
    user.email = " ADA@Example.org "
    user.clean()
    assert user.email == "ada@example.org"


def test_an_address_is_unique_in_any_case(owner: User) -> None:
    assert refused(lambda: User.objects.create_user("OWNER@example.org"))
    assert refused(lambda: User.objects.create(email="Owner@example.org"))


def test_a_user_needs_an_address() -> None:
    with pytest.raises(ValueError, match="needs an e-mail address"):
        User.objects.create_user("")
    with pytest.raises(User.DoesNotExist):
        User.objects.get_by_natural_key(None)


def test_passwords_are_hashed_and_may_be_missing() -> None:
    password = "longer than chance puts into a salt"
    user = User.objects.create_user("a@example.org", password)
    assert password not in user.password
    assert user.check_password(password)
    assert not User.objects.create_user("b@example.org").has_usable_password()


def test_a_superuser_has_all_rights_and_others_none() -> None:
    boss = User.objects.create_superuser("boss@example.org", "pw")
    assert (boss.is_staff, boss.is_superuser, boss.is_active) == (True, True, True)
    user = User.objects.create_user("a@example.org", "pw")
    assert (user.is_staff, user.is_superuser, user.is_active) == (False, False, True)


def test_others_never_see_a_whole_address(owner: User) -> None:
    assert owner.get_full_name() == "Owner"
    assert User(email="ada@example.org").get_full_name() == "ada"


def test_a_person_can_be_a_member_only_once(library: Library, owner: User) -> None:
    assert refused(lambda: Membership.objects.create(library=library, user=owner, role="VIEWER"))


@pytest.mark.parametrize("role", ["", "owner", "GUEST"])
def test_a_membership_has_a_role(library: Library, stranger: User, role: str) -> None:
    assert refused(lambda: Membership.objects.create(library=library, user=stranger, role=role))
    with pytest.raises(ValidationError):
        Membership(library=library, user=stranger, role=role).full_clean()


def test_models_have_readable_names(library: Library, portal_view: PortalView, owner: User) -> None:
    assert (str(library), str(portal_view)) == ("Library", "Evening")
    assert str(library.memberships.get(user=owner)) == f"Owner ({owner.id}) in Library"
    assert str(Receipt(connection_id="c1", ref='"a"')) == 'c1 "a"'


def test_every_role_can_be_chosen() -> None:
    assert [value for value, _ in Membership.ROLES] == [role.value for role in Role]


def test_a_member_is_not_deleted(library: Library, owner: User) -> None:
    with pytest.raises(ProtectedError):
        owner.delete()
    assert owner in library.members.all()


@pytest.mark.parametrize(
    "columns",
    [{"name": ""}, {"version": 0}, {"health_display": "none"}, {"current_item": 500}, {"current_item": -1}],
)
def test_a_portal_view_that_the_protocol_does_not_allow_is_refused(
    portal_view: PortalView, columns: dict[str, Any]
) -> None:
    assert refused(lambda: PortalView.objects.filter(id=portal_view.id).update(**columns))


def test_a_library_has_a_name() -> None:
    assert refused(lambda: Library.objects.create(name=""))


def test_a_new_portal_view_shows_no_key_that_can_be_hidden(library: Library) -> None:
    first, second = (PortalView.objects.create(library=library, name=name) for name in "ab")
    state = first.state()
    assert {key: state[key] for key in FIELDS} == {
        **dict.fromkeys(("showEncounter", "showHealth", "showAC", "showActions", "blackout", "viewersMayPoint"), False),
        "name": "a",
        "showConditions": True,
        "healthDisplay": "numbers",
        "autoResetImageState": True,
        **dict.fromkeys(("currentItem", "currentItemId", "camera", "encounter")),
        "items": [],
    }
    assert first.version == 1
    assert first.epoch != second.epoch
    assert len(new_epoch()) == PortalView._meta.get_field("epoch").max_length


def test_the_state_has_the_format_of_the_wire(portal_view: PortalView) -> None:
    portal_view.refresh_from_db()
    state = portal_view.state()
    assert state.keys() == {*FIELDS, *READ_ONLY, *VIEWERS_OWN.values()} - {"epoch"}
    assert (state["id"], state["libraryId"]) == (str(portal_view.id), str(portal_view.library_id))
    assert state["items"] == portal_view.items
    assert state["createdAt"] == iso(portal_view.created_at)
    assert portal_view.content() == {key: state[key] for key in FIELDS}
    assert portal_view.head() == {key: value for key, value in state.items() if key not in NOT_IN_HEAD}
    assert {"items", "currentItemId", "camera", "encounter"} == NOT_IN_HEAD


def test_a_head_reads_no_items(portal_view: PortalView) -> None:
    columns = [FIELDS[key].column for key in NOT_IN_HEAD]
    row = PortalView.objects.defer(*columns).get(id=portal_view.id)
    assert row.head()["name"] == "Evening"
    assert row.get_deferred_fields() == set(columns)


@pytest.mark.parametrize("stale", ["map", "gone", None])
def test_the_index_counts_after_a_write_of_the_release_before(portal_view: PortalView, stale: str | None) -> None:
    """Such a process knows of `currentItem` only: it writes the column of the index, and leaves that of the id."""
    PortalView.objects.update(current_item=1, current_item_id=stale)
    portal_view.refresh_from_db()
    assert (portal_view.state()["currentItem"], portal_view.state()["currentItemId"]) == (1, "ogre")
    PortalView.objects.update(items=portal_view.items[:1])
    portal_view.refresh_from_db()
    assert (portal_view.state()["currentItem"], portal_view.state()["currentItemId"]) == (None, None)


def test_items_that_such_a_process_removed_leave_the_encounter(portal_view: PortalView) -> None:
    order = [{"itemId": "ogre"}, {"itemId": "map"}]
    encounter = {"round": 1, "turn": "ogre", "order": order}
    PortalView.objects.update(items=portal_view.items[:1], encounter=encounter, show_encounter=True)
    portal_view.refresh_from_db()
    left = {"round": 1, "turn": "map", "order": order[1:]}
    assert portal_view.state()["encounter"] == left
    assert project(portal_view.state(), PortalRole.VIEWER)["encounter"] == left


def test_a_full_save_fills_in_ids_and_the_current_one(library: Library) -> None:
    one = PortalView.objects.create(library=library, name="New", items=[{"slug": "ogre"}, {"id": 7}], current_item=1)
    made_up, seven = one.items
    assert (made_up["slug"], seven, one.current_item_id) == ("ogre", {"id": "7"}, "7")
    one.refresh_from_db()
    assert one.items == [made_up, seven]
    one.current_item = 0
    one.save()
    assert one.current_item_id == made_up["id"]
    one.items = []
    one.save()
    now: tuple[object, object] = (one.current_item, one.current_item_id)
    assert now == (None, None)


def test_ids_are_made_up_with_a_secret_of_the_portal_view(library: Library, settings: Any) -> None:
    first, second = (PortalView(library=library, name=name) for name in "ab")
    assert first.item_key != second.item_key
    before = first.item_key
    assert first.item_key == before
    settings.SECRET_KEY = "another"
    assert first.item_key != before


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), "2026-01-02T03:04:05.000Z"),
        (datetime(2026, 1, 2, 3, 4, 5, 678999, tzinfo=timezone(timedelta(hours=2))), "2026-01-02T01:04:05.678Z"),
    ],
)
def test_times_have_the_format_of_browsers(moment: datetime, text: str) -> None:
    assert iso(moment) == text
