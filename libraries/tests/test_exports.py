"""The export of an account: all that is stored about the person, and nothing about others or of secrets."""

from __future__ import annotations

import json
from typing import Any
from uuid import uuid4

import pytest
from django.apps import apps
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import Group, Permission
from django.db.models import Model
from django.utils import timezone

from libraries.exports import export_account
from libraries.models import (
    Image,
    Invitation,
    KnownNetwork,
    Library,
    Membership,
    PortalView,
    Receipt,
    Session,
    ShareLink,
    Ticket,
    User,
)
from libraries.rules.errors import NotFound
from libraries.tests.images import make_image

SECRET = "a-digest-or-a-hash"


def store_all(user: User, library: Library, portal_view: PortalView) -> None:
    now = timezone.now()
    user.groups.add(Group.objects.create(name="Staff"))
    user.user_permissions.add(Permission.objects.get(codename="view_user"))
    Session.objects.create(user=user, expires_at=now)
    more: dict[str, Any] = {"session_id": uuid4(), "auth_version": 0, "expires_at": now, "ends_at": now}
    Ticket.objects.create(digest=SECRET, user=user, portal_view=portal_view, **more)
    Invitation.objects.create(library=library, email="ada@example.org", invited_by=user, digest="a", expires_at=now)
    Invitation.objects.create(library=library, email=user.email, digest=SECRET, expires_at=now)
    Invitation.objects.create(
        library=library, email="old@example.org", digest="c", expires_at=now, accepted_by=user, accepted_at=now
    )
    ShareLink.objects.create(portal_view=portal_view, label="Screen", created_by=user, digest=SECRET)
    make_image(library, name="Mill", created_by=user, source_digest=SECRET)
    KnownNetwork.objects.create(user=user, network=SECRET[:32], seen_at=1)
    Receipt.objects.create(user=user, portal_view=portal_view, connection_id="x", ref="1", version=3)
    LogEntry.objects.create(user=user, action_flag=CHANGE, object_id="7", object_repr="x", change_message="Changed.")


def test_the_export_has_everything(owner: User, library: Library, portal_view: PortalView) -> None:
    store_all(owner, library, portal_view)
    found = json.loads(json.dumps(export_account(owner.id)))
    assert (found["account"]["email"], found["account"]["emailVerifiedAt"]) == ("owner@example.org", None)
    assert (found["account"]["language"], found["account"]["theme"]) == ("", "")
    assert (found["account"]["groups"], found["account"]["permissions"]) == (["Staff"], ["view_user"])
    assert [(row["library"], row["role"]) for row in found["memberships"]] == [("Library", "OWNER")]
    assert len(found["sessions"]) == len(found["tickets"]) == len(found["shareLinks"]) == 1
    assert [row["name"] for row in found["images"]] == ["Mill"]
    assert found["storedMessages"][0]["version"] == 3
    assert found["workInTheAdmin"][0]["what"] == "Changed."
    assert found["networks"] == {"known": 1}
    assert {(row["email"], row["byMe"]) for row in found["invitations"]} == {("ada@example.org", True), ("", False)}
    text = json.dumps(found)
    assert SECRET not in text
    assert owner.password not in text


def test_invitations_to_a_verified_address(owner: User, library: Library, portal_view: PortalView) -> None:
    store_all(owner, library, portal_view)
    owner.email_verified_at = timezone.now()
    owner.save()
    found = export_account(owner.id)
    assert {row["email"] for row in found["invitations"]} == {"ada@example.org", "owner@example.org", ""}
    assert found["account"]["emailVerifiedAt"] is not None


def test_the_export_has_nothing_of_others(
    owner: User, stranger: User, library: Library, portal_view: PortalView
) -> None:
    store_all(owner, library, portal_view)
    found = export_account(stranger.id)
    assert {key: value for key, value in found.items() if key != "account" and value} == {"networks": {"known": 0}}
    assert "owner" not in json.dumps(found)
    with pytest.raises(NotFound):
        export_account(uuid4())


def test_every_model_that_names_a_person_is_known() -> None:
    """A new model with a person in it must be exported, too."""
    known: set[type[Model]] = {
        Membership,
        Session,
        Ticket,
        Invitation,
        ShareLink,
        KnownNetwork,
        Receipt,
        LogEntry,
        Image,
    }
    found = {
        model for model in apps.get_models() for field in model._meta.concrete_fields if field.related_model is User
    }
    assert found == known
