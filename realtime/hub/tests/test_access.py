"""Roles that change between a handshake and the room: nobody comes in with an outdated role."""

from __future__ import annotations

from libraries.rules.errors import Unavailable
from libraries.rules.roles import Role
from libraries.selectors import roles_on
from realtime.tests.doubles import Person, controller, stored, viewer
from realtime.tests.hubs import DrivenHub


def now_is(driven: DrivenHub, person: Person, role: Role | None, access_version: int = 2) -> None:
    """Change somebody's role in the database."""
    driven.database.stored = stored(1, access_version=access_version)
    if role is not None:
        driven.database.roles[person.connection.subject.id] = role


async def test_a_role_as_new_as_the_state_is_not_looked_up_again(driven: DrivenHub) -> None:
    await driven.join(controller())
    assert driven.database.count(roles_on) == 0


async def test_a_first_newcomer_demoted_on_the_way_in_comes_in_as_a_viewer(driven: DrivenHub) -> None:
    one = controller()
    now_is(driven, one, Role.VIEWER)
    driven.enter(one)
    assert (await driven.hear(one, "connected"))["role"] == "viewer"
    assert one.outlet.take() == []


async def test_a_newcomer_demoted_on_the_way_in_after_the_news_comes_in_as_a_viewer(driven: DrivenHub) -> None:
    await driven.join(viewer())
    one = controller()
    now_is(driven, one, Role.VIEWER)
    await driven.tell_of("access", subject=[str(one.connection.subject)], role="viewer", accessVersion=2)
    await driven.settle()
    driven.enter(one)
    assert one.outlet.take() == []
    assert (await driven.hear(one, "connected"))["role"] == "viewer"


async def test_a_newcomer_removed_on_the_way_in_is_refused(driven: DrivenHub) -> None:
    one = controller()
    now_is(driven, one, None)
    driven.enter(one)
    assert (await driven.hear(one, "error"))["code"] == "access-withdrawn"
    assert one.outlet.closed == (1008, "access-withdrawn")


async def test_a_newcomer_with_an_unchanged_role_comes_in(driven: DrivenHub) -> None:
    one, other = controller(), viewer()
    now_is(driven, one, Role.EDITOR)
    driven.enter(one)
    assert (await driven.hear(one, "connected"))["role"] == "controller"
    await driven.join(other, access_version=2)
    assert driven.database.count(roles_on) == 1


async def test_a_newcomer_during_a_look_up_of_roles_is_looked_up_next(driven: DrivenHub) -> None:
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


async def test_nobody_comes_in_with_an_old_role_without_the_database(driven: DrivenHub) -> None:
    one = controller()
    now_is(driven, one, Role.VIEWER)

    def fail_roles() -> None:
        if driven.database.asked[-1] == roles_on.__name__ and driven.database.count(roles_on) == 1:
            driven.database.errors.append(Unavailable("away"))

    driven.database.on_ask = fail_roles
    driven.enter(one)
    assert (await driven.hear(one, "connected"))["role"] == "viewer"
    assert driven.database.count(roles_on) == 2
