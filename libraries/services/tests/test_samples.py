"""The sample evening: made once for each person, and made whole again."""

from __future__ import annotations

from pathlib import Path

import pytest

from libraries import demo_data
from libraries.models import Image, Library, PortalView, User
from libraries.rules.roles import Role
from libraries.selectors import load
from libraries.services.samples import make_sample

pytestmark = pytest.mark.django_db


@pytest.fixture
def person(settings: object, tmp_path: Path) -> User:
    """Somebody without a library."""
    return User.objects.create_user("first@example.com")


def test_it_is_made_once_and_made_whole_again(person: User) -> None:
    library = make_sample(actor_id=person.id)
    view = PortalView.objects.get(library=library)
    stored = load(view.id)
    assert stored is not None
    assert len(stored.state["items"]) == len(demo_data.ITEMS)
    assert Image.objects.filter(library=library).exists()
    assert make_sample(actor_id=person.id) == library
    assert PortalView.objects.filter(library=library).count() == 1
    view.delete()
    assert make_sample(actor_id=person.id) == library
    assert PortalView.objects.filter(library=library).count() == 1


def test_somebody_who_gave_it_away_gets_another(person: User) -> None:
    library = make_sample(actor_id=person.id)
    other = User.objects.create_user("other@example.com")
    library.memberships.filter(user=person).update(user=other, role=Role.OWNER)
    assert make_sample(actor_id=person.id) != library
    assert Library.objects.count() == 2
