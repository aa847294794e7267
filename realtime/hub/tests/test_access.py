"""Roles that changed between a handshake and the room: nobody comes in with one that is not theirs any more."""

from __future__ import annotations

from uuid import UUID

from libraries.rules.errors import Unavailable
from libraries.rules.roles import Role
from libraries.selectors import roles_on
from realtime.tests.doubles import Person, controller, stored, viewer
from realtime.tests.houses import House


def now_is(house: House, person: Person, role: Role | None, access_version: int = 2) -> None:
    """Somebody's role is another by now, in the database."""
    house.database.stored = stored(1, access_version=access_version)
    if role is not None:
        house.database.roles[person.connection.subject.id] = role


async def test_a_role_as_new_as_the_state_is_not_looked_up_again(house: House) -> None:
    await house.join(controller())
    assert house.database.count(roles_on) == 0


async def test_who_is_the_first_and_was_demoted_on_the_way_in(house: House) -> None:
    one = controller()
    now_is(house, one, Role.VIEWER)
    house.enter(one)
    assert (await house.hear(one, "connected"))["role"] == "viewer"
    assert one.outlet.take() == []


async def test_who_was_demoted_on_the_way_in_and_the_news_came_first(house: House) -> None:
    await house.join(viewer())
    one = controller()
    now_is(house, one, Role.VIEWER)
    await house.tell_of("access", subject=[str(one.connection.subject)], role="viewer", accessVersion=2)
    await house.settle()
    house.enter(one)
    assert one.outlet.take() == []
    assert (await house.hear(one, "connected"))["role"] == "viewer"


async def test_who_was_removed_on_the_way_in(house: House) -> None:
    one = controller()
    now_is(house, one, None)
    house.enter(one)
    assert (await house.hear(one, "error"))["code"] == "access-withdrawn"
    assert one.outlet.closed == (1008, "access-withdrawn")


async def test_whose_role_is_still_the_same_comes_in_all_the_same(house: House) -> None:
    one, other = controller(), viewer()
    now_is(house, one, Role.EDITOR)
    house.enter(one)
    assert (await house.hear(one, "connected"))["role"] == "controller"
    await house.join(other, access_version=2)
    assert house.database.count(roles_on) == 1


async def test_who_comes_while_roles_are_looked_up_is_looked_up_next(house: House) -> None:
    one, other = controller(), controller()
    now_is(house, one, Role.VIEWER)
    now_is(house, other, Role.VIEWER)
    house.database.gate.clear()
    house.enter(one)
    asked = house.database.on_ask

    def enter_other() -> None:
        if house.database.count(roles_on):
            house.database.on_ask = asked
            house.enter(other)

    house.database.on_ask = enter_other
    house.database.gate.set()
    for person in (one, other):
        assert (await house.hear(person, "connected"))["role"] == "viewer"


async def test_nobody_comes_in_with_an_old_role_while_the_database_is_away(house: House) -> None:
    one = controller()
    now_is(house, one, Role.VIEWER)

    def fail_roles() -> None:
        if house.database.asked[-1] == roles_on.__name__ and house.database.count(roles_on) == 1:
            house.database.errors.append(Unavailable("away"))

    house.database.on_ask = fail_roles
    house.enter(one)
    assert (await house.hear(one, "connected"))["role"] == "viewer"
    assert house.database.count(roles_on) == 2
