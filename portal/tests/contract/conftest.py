"""Fixtures of the contract suite: people whose accounts are in odd states, and a fresh portal view for each test."""

from __future__ import annotations

import json
from dataclasses import dataclass

import pytest

from portal.testing.stacks import Stack

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
    """Ids of a member whose account is off, and of somebody whose account is gone."""

    inactive_id: str
    deleted_id: str


_made: dict[str, OddPeople] = {}


@pytest.fixture(scope="session")
def odd_people(running_stack: Stack) -> OddPeople:
    """Made once per installation, which two stacks share."""
    library_id = running_stack.cast.library_id
    if library_id not in _made:
        code = ODD_PEOPLE.format(library=library_id)
        made = running_stack.installation.manage("shell", "--verbosity", "0", "-c", code)
        _made[library_id] = OddPeople(**json.loads(made))
    return _made[library_id]


@pytest.fixture
def portal_view(stack: Stack) -> str:
    """The id of a portal view that no other test knows."""
    return stack.new_portal_view()
