"""The constraints of the database, and the names of objects."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import ProtectedError

from libraries.models import Library, Membership, PortalView, Receipt, User, iso, new_epoch
from libraries.rules.projection import VIEWERS_OWN
from libraries.rules.roles import Role
from libraries.rules.state import FIELDS, READ_ONLY

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
    user = User.objects.create_user("a@example.org", "pw")
    assert "pw" not in user.password
    assert user.check_password("pw")
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
        **dict.fromkeys(("showEncounter", "showHealth", "showAC", "showActions", "blackout"), False),
        "name": "a",
        "showConditions": True,
        "healthDisplay": "numbers",
        "autoResetImageState": True,
        "currentItem": None,
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
    assert "items" not in portal_view.state(keys=[key for key in FIELDS if key != "items"])


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), "2026-01-02T03:04:05.000Z"),
        (datetime(2026, 1, 2, 3, 4, 5, 678999, tzinfo=timezone(timedelta(hours=2))), "2026-01-02T01:04:05.678Z"),
    ],
)
def test_times_have_the_format_of_browsers(moment: datetime, text: str) -> None:
    assert iso(moment) == text
