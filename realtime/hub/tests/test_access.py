"""Roles that changed between a handshake and the room: nobody comes in with one that is not theirs any more."""

from __future__ import annotations

from libraries.rules.errors import Unavailable
from libraries.rules.roles import Role
from libraries.selectors import roles_on
from realtime.tests.doubles import Person, controller, stored, viewer
from realtime.tests.hubs import DrivenHub


def now_is(driven: DrivenHub, person: Person, role: Role | None, access_version: int = 2) -> None:
    """Somebody's role is another by now, in the database."""
    driven.database.stored = stored(1, access_version=access_version)
    if role is not None:
        driven.database.roles[person.connection.subject.id] = role


async def test_a_role_as_new_as_the_state_is_not_looked_up_again(driven: DrivenHub) -> None:
    await driven.join(controller())
    assert driven.database.count(roles_on) == 0


async def test_who_is_the_first_and_was_demoted_on_the_way_in(driven: DrivenHub) -> None:
    one = controller()
    now_is(driven, one, Role.VIEWER)
    driven.enter(one)
    assert (await driven.hear(one, "connected"))["role"] == "viewer"
    assert one.outlet.take() == []


async def test_who_was_demoted_on_the_way_in_and_the_news_came_first(driven: DrivenHub) -> None:
    await driven.join(viewer())
    one = controller()
    now_is(driven, one, Role.VIEWER)
    await driven.tell_of("access", subject=[str(one.connection.subject)], role="viewer", accessVersion=2)
    await driven.settle()
    driven.enter(one)
    assert one.outlet.take() == []
    assert (await driven.hear(one, "connected"))["role"] == "viewer"


async def test_who_was_removed_on_the_way_in(driven: DrivenHub) -> None:
    one = controller()
    now_is(driven, one, None)
    driven.enter(one)
    assert (await driven.hear(one, "error"))["code"] == "access-withdrawn"
    assert one.outlet.closed == (1008, "access-withdrawn")


async def test_whose_role_is_still_the_same_comes_in_all_the_same(driven: DrivenHub) -> None:
    one, other = controller(), viewer()
    now_is(driven, one, Role.EDITOR)
    driven.enter(one)
    assert (await driven.hear(one, "connected"))["role"] == "controller"
    await driven.join(other, access_version=2)
    assert driven.database.count(roles_on) == 1


async def test_who_comes_while_roles_are_looked_up_is_looked_up_next(driven: DrivenHub) -> None:
    one, other = controller(), controller()
    now_is(driven, one, Role.VIEWER)
    now_is(driven, other, Role.VIEWER)
    driven.database.gate.clear()
    driven.enter(one)
    asked = driven.database.on_ask

    def enter_other() -> None:
        if driven.database.count(roles_on):
            driven.database.on_ask = asked
            driven.enter(other)

    driven.database.on_ask = enter_other
    driven.database.gate.set()
    for person in (one, other):
        assert (await driven.hear(person, "connected"))["role"] == "viewer"


async def test_nobody_comes_in_with_an_old_role_while_the_database_is_away(driven: DrivenHub) -> None:
    one = controller()
    now_is(driven, one, Role.VIEWER)

    def fail_roles() -> None:
        if driven.database.asked[-1] == roles_on.__name__ and driven.database.count(roles_on) == 1:
            driven.database.errors.append(Unavailable("away"))

    driven.database.on_ask = fail_roles
    driven.enter(one)
    assert (await driven.hear(one, "connected"))["role"] == "viewer"
    assert driven.database.count(roles_on) == 2
