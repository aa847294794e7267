"""Membership roles and portal roles."""

from __future__ import annotations

import pytest

from libraries.rules.roles import PORTAL_ROLES, PortalRole, Role, portal_role


@pytest.mark.parametrize(
    ("role", "expected"),
    [("OWNER", "controller"), ("EDITOR", "controller"), ("VIEWER", "viewer")],
)
def test_each_membership_role_has_its_portal_role(role: str, expected: str) -> None:
    assert portal_role(role) == expected


def test_the_table_names_every_role() -> None:
    assert PORTAL_ROLES.keys() == set(Role)
    assert set(PORTAL_ROLES.values()) == set(PortalRole)


@pytest.mark.parametrize("word", ["", "owner", "GUEST", "controller"])
def test_an_unknown_role_is_refused(word: str) -> None:
    with pytest.raises(ValueError, match="is not a valid Role"):
        portal_role(word)
