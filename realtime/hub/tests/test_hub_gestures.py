"""Activity and pointers in a hub: who is told what, when it ends, and what viewers never get."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from libraries.rules.errors import NotFound, Unavailable
from libraries.rules.roles import PortalRole
from libraries.rules.sight import Pointed
from realtime.hub import gestures as relaying
from realtime.hub.gestures import Gestures
from realtime.news.gestures import pointer_id
from realtime.news.layer import publish as publish_really
from realtime.news.structs import ActivityNews
from realtime.rooms import gestures as rules
from realtime.tests.clients import Listener, Message, until
from realtime.tests.doubles import PORTAL_VIEW_ID, Person, controller, stored, viewer
from realtime.tests.hubs import DrivenHub

ITEMS = [{"id": "map"}, {"id": "spy", "visible": False}]
AT = {"x": 0.25, "y": 1.0}


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no test wait for seconds."""
    monkeypatch.setattr(rules, "RELAY_SECONDS", 0.05)
    monkeypatch.setattr("realtime.hub.gestures.RELAY_SECONDS", 0.05)
    monkeypatch.setattr(rules, "HOLD_SECONDS", 0.1)


def keep(driven: DrivenHub, version: int = 1, *, show_activity: bool = False, **more: Any) -> None:
    """Store a state with the items."""
    driven.database.stored = replace(stored(version, items=ITEMS, **more), show_activity=show_activity)


def gestures(driven: DrivenHub, person: Person) -> Gestures:
    found = driven.hub.gestures_of(person.connection)
    assert found is not None
    return found


def point(driven: DrivenHub, person: Person, item_id: str = "map") -> None:
    gestures(driven, person).point(person.connection, Pointed(item_id, **AT))


def act(driven: DrivenHub, person: Person, is_editing: bool = True, target: str | None = None) -> None:
    gestures(driven, person).act(person.connection, rules.Doing(is_editing, target))


SOMEBODY = controller().connection.subject


def from_elsewhere(is_editing: bool) -> ActivityNews:
    """News of a controller of another process."""
    return ActivityNews(
        portal_view_id=PORTAL_VIEW_ID, subject=SOMEBODY, sender="elsewhere", is_editing=is_editing, target="spy"
    )


async def nothing(driven: DrivenHub, *people: Person) -> None:
    """Assert that these people have got nothing, once all news has been delivered."""
    await driven.settle()
    assert [person.outlet.take() for person in people] == [[] for _ in people]


def shown(sender: Person, role: str, item_id: str = "map") -> Message:
    return {"type": "pointer", "pointerId": pointer_id(sender.id), "role": role, "itemId": item_id, **AT}


# --- Pointers ----------------------------------------------------------------------------------------------


async def test_all_but_the_sender_see_a_pointer_and_only_controllers_whose_it_is(driven: DrivenHub) -> None:
    keep(driven)
    sender, other, watcher = [await driven.join(person) for person in (controller(), controller(), viewer())]
    point(driven, sender)
    whose = {"from": str(sender.connection.subject)}
    assert await driven.hear(other, "pointer") == {**shown(sender, "controller"), **whose}
    assert await driven.hear(watcher, "pointer") == shown(sender, "controller")
    assert sender.outlet.take() == []
    assert driven.database.reads == 1  # the state that the room has


@pytest.mark.parametrize(("item_id", "more"), [("spy", {}), ("map", {"blackout": True})])
async def test_viewers_get_no_pointer_at_what_they_do_not_see(
    driven: DrivenHub, item_id: str, more: dict[str, Any]
) -> None:
    keep(driven, **more)
    sender, other, watcher = [await driven.join(person) for person in (controller(), controller(), viewer())]
    point(driven, sender, item_id)
    assert (await driven.hear(other, "pointer"))["itemId"] == item_id
    await nothing(driven, watcher, sender)


async def test_a_viewers_pointer_is_shown_if_the_portal_view_allows_it(driven: DrivenHub) -> None:
    keep(driven, viewersMayPoint=True)
    sender, other, watcher = [await driven.join(person) for person in (viewer(), viewer(), controller())]
    point(driven, sender, "spy")
    await nothing(driven, sender, other, watcher)
    point(driven, sender)
    assert await driven.hear(other, "pointer") == shown(sender, "viewer")
    assert (await driven.hear(watcher, "pointer"))["from"] == str(sender.connection.subject)
    keep(driven, 2)
    await driven.tell(2)
    for person in (sender, other, watcher):
        await driven.hear(person, "portal-view-updated")
    point(driven, sender)
    await nothing(driven, sender, other, watcher)


async def test_what_was_hidden_on_the_way_reaches_no_viewer(driven: DrivenHub) -> None:
    """The state that viewers have is newer than the one that the pointer was checked with."""
    keep(driven)
    sender, other, watcher = [await driven.join(person) for person in (controller(), controller(), viewer())]
    async with Listener(PORTAL_VIEW_ID) as elsewhere:
        point(driven, sender)
        told = await elsewhere.hear()
        assert told["asOf"] == 1
        for person in (other, watcher):
            await driven.hear(person, "pointer")
        await driven.tell(2)
        for person in (sender, other, watcher):
            await driven.hear(person, "portal-view-updated")
        layer = {key: told[key] for key in ("asOf", "sender")}
        await driven.tell_of("message", controllers='{"type":"late"}', viewers='{"type":"late"}', **layer)
        await driven.hear(other, "late")
        await nothing(driven, watcher)


async def test_after_a_change_the_state_is_read_once_for_all_who_point(driven: DrivenHub) -> None:
    keep(driven, viewersMayPoint=True)
    people = [await driven.join(person) for person in (controller(), viewer(), viewer())]
    keep(driven, 2, viewersMayPoint=True)
    await driven.tell(2)
    for person in people:
        await driven.hear(person, "portal-view-updated")
    for person in people:
        point(driven, person)
    for person in people:
        await driven.hear(person, "pointer")
        await driven.hear(person, "pointer")
    assert driven.database.reads == 2


async def test_pointers_are_relayed_ten_times_a_second_and_the_last_one_arrives(driven: DrivenHub) -> None:
    keep(driven)
    sender, watcher = await driven.join(controller()), await driven.join(viewer())
    loop = asyncio.get_running_loop()
    began = loop.time()
    for number in range(1, 41):
        gestures(driven, sender).point(sender.connection, Pointed("map", number / 40, 0))
        await asyncio.sleep(0.01)
    told = watcher.outlet.messages
    await until(lambda: told and told[-1]["x"] == 1, "the last pointer")
    got = watcher.outlet.take()
    assert 2 <= len(got) <= (loop.time() - began) / rules.POINTER_SECONDS + 1


@pytest.mark.parametrize("error", [Unavailable("Away."), None])
async def test_without_a_state_a_pointer_is_lost_and_the_next_one_is_shown(
    driven: DrivenHub, error: Exception | None
) -> None:
    keep(driven)
    sender, watcher = await driven.join(controller()), await driven.join(viewer())
    await driven.tell(2)
    for person in (sender, watcher):
        await driven.hear(person, "portal-view-updated")
    if error is None:
        driven.database.stored = None
    else:
        driven.database.errors = [error]
    reads = driven.database.reads
    point(driven, sender)
    await until(lambda: driven.database.reads > reads, "a read")
    await nothing(driven, watcher)
    keep(driven, 2)
    point(driven, sender)
    await driven.hear(watcher, "pointer")


async def test_the_sight_of_a_portal_view_that_is_gone(driven: DrivenHub) -> None:
    keep(driven)
    sender = await driven.join(controller())
    await driven.tell(2)
    await driven.hear(sender, "portal-view-updated")
    driven.database.stored = None
    with pytest.raises(NotFound):
        await gestures(driven, sender).sight()


# --- Activity ----------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("quick")
async def test_controllers_are_told_who_edits_what_and_when_it_ends(driven: DrivenHub) -> None:
    keep(driven)
    sender, other, watcher = [await driven.join(person) for person in (controller(), controller(), viewer())]
    who = {"type": "activity", "from": str(sender.connection.subject)}
    act(driven, sender, target="spy")
    assert await driven.hear(other, "activity") == {**who, "state": "editing", "target": "spy"}
    assert await driven.hear(other, "activity") == {**who, "state": "idle"}  # by itself
    act(driven, sender)
    assert await driven.hear(other, "activity") == {**who, "state": "editing"}
    act(driven, sender, False)
    assert await driven.hear(other, "activity") == {**who, "state": "idle"}
    await nothing(driven, sender, other, watcher)


async def test_an_activity_ends_with_its_socket(driven: DrivenHub) -> None:
    keep(driven)
    sender, other = await driven.join(controller()), await driven.join(controller())
    act(driven, sender)
    await driven.hear(other, "activity")
    await driven.leave(sender)
    assert (await driven.hear(other, "activity"))["state"] == "idle"
    await nothing(driven, other)


async def test_the_end_reaches_other_processes_if_it_was_the_last_socket_here(driven: DrivenHub) -> None:
    keep(driven)
    sender = await driven.join(controller())
    async with Listener(PORTAL_VIEW_ID) as elsewhere:
        act(driven, sender, target="spy")
        told = await elsewhere.hear()
        assert (told["event"], told["isEditing"], told["target"]) == ("activity", True, "spy")
        await driven.leave(sender)
        assert (await elsewhere.hear())["isEditing"] is False


@pytest.mark.usefixtures("quick")
async def test_viewers_get_a_bare_flag_if_the_library_shows_it(driven: DrivenHub) -> None:
    keep(driven, show_activity=True)
    sender, other, watcher = [await driven.join(person) for person in (controller(), controller(), viewer())]
    act(driven, sender, target="spy")
    act(driven, other, target="map")
    editing, idle = ({"type": "activity", "state": state} for state in ("editing", "idle"))
    await until(lambda: idle in watcher.outlet.messages, "the end")
    got = watcher.outlet.take()
    assert got == [editing] * (len(got) - 1) + [idle]  # once, when nobody edits


@pytest.mark.usefixtures("quick")
async def test_viewers_are_told_again_while_it_goes_on(driven: DrivenHub) -> None:
    keep(driven, show_activity=True)
    sender, watcher = await driven.join(controller()), await driven.join(viewer())
    for _ in range(3):
        act(driven, sender)
        assert (await driven.hear(watcher, "activity"))["state"] == "editing"
    assert (await driven.hear(watcher, "activity"))["state"] == "idle"


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("more", [{}, {"show_activity": True, "blackout": True}])
async def test_viewers_get_nothing_otherwise(driven: DrivenHub, more: dict[str, Any]) -> None:
    keep(driven, **more)
    sender, other, watcher = [await driven.join(person) for person in (controller(), controller(), viewer())]
    act(driven, sender)
    assert (await driven.hear(other, "activity"))["state"] == "editing"
    assert (await driven.hear(other, "activity"))["state"] == "idle"
    await nothing(driven, watcher)


async def test_without_a_database_viewers_are_not_told(driven: DrivenHub) -> None:
    keep(driven, show_activity=True)
    sender, other, watcher = [await driven.join(person) for person in (controller(), controller(), viewer())]
    await driven.tell(2)
    for person in (sender, other, watcher):
        await driven.hear(person, "portal-view-updated")
    driven.database.errors = [Unavailable("Away.")]
    act(driven, sender)
    await driven.hear(other, "activity")
    await until(lambda: not driven.database.errors, "a read")
    await nothing(driven, watcher)


async def test_news_of_another_process(driven: DrivenHub) -> None:
    keep(driven)
    one = await driven.join(controller())
    for is_editing in (False, True, True, False, False):
        await driven.send(from_elsewhere(is_editing))
    assert (await driven.hear(one, "activity"))["state"] == "editing"
    await nothing(driven, one)  # before a second is over
    assert (await driven.hear(one, "activity"))["state"] == "idle"
    await nothing(driven, one)


async def test_viewers_are_told_only_what_controllers_are(driven: DrivenHub) -> None:
    keep(driven, show_activity=True)
    watcher = await driven.join(viewer())
    for is_editing in (True, True, False):  # the last two wait until a second is over
        await driven.send(from_elsewhere(is_editing))
    assert (await driven.hear(watcher, "activity"))["state"] == "editing"
    assert (await driven.hear(watcher, "activity"))["state"] == "idle"
    await nothing(driven, watcher)


@pytest.mark.usefixtures("quick")
async def test_editing_ends_although_the_process_that_told_it_has_died(driven: DrivenHub) -> None:
    keep(driven, show_activity=True)
    one, watcher = await driven.join(controller()), await driven.join(viewer())
    await driven.send(from_elsewhere(True))
    for person in (one, watcher):
        assert (await driven.hear(person, "activity"))["state"] == "editing"
        assert (await driven.hear(person, "activity"))["state"] == "idle"
    await nothing(driven, one, watcher)


async def test_news_that_cannot_be_sent_is_lost(driven: DrivenHub, monkeypatch: pytest.MonkeyPatch) -> None:
    keep(driven)
    sender, other = await driven.join(controller()), await driven.join(controller())
    tried: list[object] = []

    async def publish(news: object) -> None:
        tried.append(news)
        raise Unavailable("Away.")

    monkeypatch.setattr("realtime.hub.gestures.publish", publish)
    act(driven, sender)
    point(driven, sender)
    await until(lambda: len(tried) == 2, "both attempts")
    await nothing(driven, other)


async def test_who_lost_the_role_points_as_a_viewer(driven: DrivenHub) -> None:
    keep(driven)
    sender, other = await driven.join(controller()), await driven.join(controller())
    point(driven, sender, "spy")
    sender.connection.role = PortalRole.VIEWER
    await nothing(driven, other)


async def test_a_room_that_is_over_has_no_timers(driven: DrivenHub, monkeypatch: pytest.MonkeyPatch) -> None:
    keep(driven)
    sender = await driven.join(controller())
    mine = gestures(driven, sender)
    asked = watch(mine, monkeypatch)
    await driven.leave(sender)
    assert driven.hub.gestures_of(sender.connection) is None
    mine.point(sender.connection, Pointed("map", **AT))
    mine.act(sender.connection, rules.Doing(True))
    await mine._relay_pointers()
    await mine._relay_activities()
    mine._tell_of_editors()
    assert asked == []


def watch(mine: Gestures, monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The times that a timer of these gestures is started for from now on."""
    asked: list[float] = []
    for timer in (mine._relay, mine._tell, mine._point):
        monkeypatch.setattr(timer, "start", asked.append)
    return asked


async def test_a_pointer_that_comes_while_one_is_relayed_is_relayed_next(
    driven: DrivenHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep(driven)
    sender, other = await driven.join(controller()), await driven.join(controller())
    found = gestures(driven, sender)
    came: list[Any] = []

    async def publish(news: Any) -> None:
        if not came:
            came.append(news)
            point(driven, sender)
            await found._relay_pointers()  # one at a time
        await publish_really(news)

    monkeypatch.setattr(relaying, "publish", publish)
    point(driven, sender)
    for _ in range(2):
        await driven.hear(other, "pointer")
