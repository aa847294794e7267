"""Which roles may send which messages: the whole table, compared with the protocol's."""

from __future__ import annotations

import pytest

from libraries.rules.roles import PortalRole
from realtime.protocol.policy import ALLOWED, may_send, refusal
from realtime.protocol.requests import CLIENT_MESSAGES

# As in the protocol, section 2: type, controller, viewer.
PROTOCOL = [
    ("ping", True, True),
    ("portal-view-update", True, False),
    ("item-update", True, False),
    ("item-add", True, False),
    ("item-remove", True, False),
    ("item-move", True, False),
    ("encounter-next", True, False),
    ("encounter-previous", True, False),
    ("batch", True, False),
    ("request-sync", False, True),
    ("sync-response", True, False),
    ("activity", True, False),
    ("pointer", True, True),
    ("auth", True, True),
]


@pytest.mark.parametrize(("kind", "controller", "viewer"), PROTOCOL)
def test_each_role_may_send_what_the_protocol_says(kind: str, controller: bool, viewer: bool) -> None:
    assert may_send(PortalRole.CONTROLLER, kind) is controller
    assert may_send(PortalRole.VIEWER, kind) is viewer


def test_the_table_has_every_message() -> None:
    assert ALLOWED.keys() == CLIENT_MESSAGES.keys() == {kind for kind, _, _ in PROTOCOL}
    assert all(roles <= set(PortalRole) and roles for roles in ALLOWED.values())


def test_a_message_that_is_not_in_the_table_has_no_sender() -> None:
    with pytest.raises(KeyError):
        may_send(PortalRole.CONTROLLER, "no-such-message")


@pytest.mark.parametrize(
    ("role", "kind", "sentence"),
    [
        ("viewer", "item-update", "A viewer may not send item-update; only controllers may."),
        ("controller", "request-sync", "A controller may not send request-sync; only viewers may."),
    ],
)
def test_a_refusal_names_the_roles_that_may_send(role: str, kind: str, sentence: str) -> None:
    assert refusal(PortalRole(role), kind) == sentence
