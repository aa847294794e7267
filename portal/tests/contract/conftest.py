"""Fixtures of the contract suite: people with unusual accounts, and a new portal view for each test."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import pytest

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


@pytest.fixture
def portal_view(stack: Stack) -> str:
    """The id of a portal view that no other test uses."""
    return stack.new_portal_view()
