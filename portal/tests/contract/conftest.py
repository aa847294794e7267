"""Fixtures of the contract suite: people with unusual accounts, and a new portal view for each test."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator  # type: ignore[import-untyped]  # it comes with drf-spectacular

from realtime.management.commands.asyncapi import document
from realtime.protocol.events import SERVER_MESSAGES
from testing.sockets import Message, PortalSocket
from testing.stacks import Stack

# Run by `manage.py shell`; {library} is the demo library's id.
ODD_PEOPLE = """
import json
from libraries.models import Membership, User
inactive = User.objects.create_user("inactive@contract.test", is_active=False)
Membership.objects.create(user=inactive, library_id="{library}", role="EDITOR")
deleted = User.objects.create_user("deleted@contract.test")
deleted_id = str(deleted.id)
deleted.delete()
print(json.dumps({{"inactive_id": str(inactive.id), "deleted_id": deleted_id}}))
"""


@dataclass(frozen=True)
class OddPeople:
    """Ids of a member with an inactive account, and of a person with a deleted account."""

    inactive_id: str
    deleted_id: str


_made: dict[Path, OddPeople] = {}


@pytest.fixture(scope="session")
def odd_people(running_stack: Stack) -> OddPeople:
    """Made once per installation, which two stacks share."""
    installation = running_stack.installation
    if installation.folder not in _made:
        code = ODD_PEOPLE.format(library=running_stack.cast.library_id)
        _made[installation.folder] = OddPeople(**json.loads(installation.shell(code)))
    return _made[installation.folder]


@cache
def _validator(kind: str) -> Any:
    """A validator of the server's messages of that type, after `docs/asyncapi.yaml`."""
    reference = f"#/components/schemas/{SERVER_MESSAGES[kind].__name__}"
    return Draft7Validator({"$ref": reference, "components": document()["components"]})


@pytest.fixture(autouse=True)
def _every_message_is_described(monkeypatch: pytest.MonkeyPatch) -> None:
    """Check each message of a server that a test receives."""
    receive = PortalSocket._next

    async def checked(self: PortalSocket) -> Message:
        message = await receive(self)
        _validator(message["type"]).validate(message)
        return message

    monkeypatch.setattr(PortalSocket, "_next", checked)


@pytest.fixture
def portal_view(stack: Stack) -> str:
    """The id of a portal view that no other test uses."""
    return stack.new_portal_view()
