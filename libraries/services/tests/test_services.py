"""Writes to portal views: permissions, the stored data, and notifications."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, cast
from uuid import UUID, uuid4

import pytest

from libraries.conftest import Published
from libraries.events import PortalViewChanged, PortalViewDeleted
from libraries.models import Library, PortalView, User
from libraries.rules.changes import Change
from libraries.rules.edits import Added, Moved, Removed, Seen, Updated
from libraries.rules.errors import Forbidden, InvalidPayload, NoSuchItem, NotFound, PortalError, VersionConflict
from libraries.rules.state import MAX_STATE_BYTES, check_patch
from libraries.rules.tests.drafts import NEXT, PREVIOUS, add, item, move, remove, view
from libraries.services.changes import Message, change_portal_view, preview_changes
from libraries.services.portal_views import create_portal_view, delete_portal_view, tell_deleted, update_portal_view
from libraries.services.storing import require_controller
from libraries.tests.writes import update_item

pytestmark = pytest.mark.django_db


def create(actor_id: UUID | None, portal_view: PortalView) -> object:
    return create_portal_view(actor_id=actor_id, library_id=portal_view.library_id, patch=check_patch({"name": "New"}))


def patch(actor_id: UUID | None, portal_view: PortalView) -> object:
    return update_portal_view(
        actor_id=actor_id, portal_view_id=portal_view.id, patch=check_patch({"name": "New", "zoom": 1})
    )


def patch_item(actor_id: UUID | None, portal_view: PortalView) -> object:
    return update_item(actor_id=actor_id, portal_view_id=portal_view.id, item_id="ogre", payload={"hp": 1})


def change_items(actor_id: UUID | None, portal_view: PortalView) -> object:
    messages = [Message([add(id="new"), move("new", 0)], is_batch=True), Message([remove("map")])]
    return change_portal_view(actor_id=actor_id, portal_view_id=portal_view.id, messages=messages)


def delete(actor_id: UUID | None, portal_view: PortalView) -> None:
    delete_portal_view(actor_id=actor_id, portal_view_id=portal_view.id)


WRITES = [create, patch, patch_item, change_items, delete]
Write = Callable[[UUID | None, PortalView], object]


def rows() -> list[Any]:
    return list(PortalView.objects.order_by("id").values_list("id", "name", "version", "items", "updated_at"))


def changes(write: Callable[[], object], published: Published) -> list[PortalViewChanged]:
    """The change events of a write; asserts that there are no others."""
    told = published(write)
    assert all(isinstance(event, PortalViewChanged) for event in told)
    return cast(list[PortalViewChanged], told)


@pytest.mark.parametrize("write", WRITES)
def test_viewers_strangers_and_deactivated_people_change_nothing(
    write: Write, portal_view: PortalView, editor: User, viewer: User, stranger: User, published: Published
) -> None:
    User.objects.filter(id=editor.id).update(is_active=False)
    before = rows()
    refusals: list[tuple[UUID, type[PortalError]]] = [
        (viewer.id, Forbidden),
        (stranger.id, NotFound),
        (editor.id, NotFound),
        (uuid4(), NotFound),
    ]
    for person, refusal in refusals:

        def refused(person: UUID = person, refusal: type[PortalError] = refusal) -> None:
            with pytest.raises(refusal):
                write(person, portal_view)

        assert published(refused) == []
    assert rows() == before


@pytest.mark.parametrize("write", WRITES)
def test_owners_editors_and_the_site_may_write(
    write: Write, portal_view: PortalView, owner: User, editor: User
) -> None:
    library = portal_view.library
    for actor_id in (owner.id, editor.id, None):
        write(actor_id, PortalView.objects.create(library=library, name="Another", items=portal_view.items))


@pytest.mark.parametrize("write", WRITES)
def test_missing_portal_views_are_not_found_by_anybody(write: Write, portal_view: PortalView, owner: User) -> None:
    gone = PortalView(id=uuid4(), library_id=uuid4())
    for actor_id in (owner.id, None):
        with pytest.raises(NotFound, match="There is no such"):
            write(actor_id, gone)


def test_a_new_portal_view_has_the_given_values(library: Library, editor: User, published: Published) -> None:
    payload = {"name": "New", "items": [{"id": "a"}], "currentItem": 0, "zoom": 2, "version": 99, "id": "x"}
    news = published(partial(create_portal_view, actor_id=editor.id, library_id=library.id, patch=check_patch(payload)))
    assert news == []
    portal_view = library.portal_views.get()
    state = portal_view.state()
    assert (state["name"], state["items"], state["currentItem"]) == ("New", [{"id": "a"}], 0)
    assert (portal_view.version, state["showHealth"], state["blackout"]) == (1, False, False)
    assert "zoom" not in state


def test_a_new_portal_view_has_the_role_of_its_creator(library: Library, editor: User) -> None:
    assert (
        create_portal_view(actor_id=editor.id, library_id=library.id, patch=check_patch({"name": "New"})).role
        == "EDITOR"
    )


@pytest.mark.parametrize(
    ("payload", "key"),
    [({}, "name"), ({"zoom": 1}, "name"), ({"name": ""}, "name"), ({"name": "New", "currentItem": 0}, "currentItem")],
)
def test_a_bad_new_portal_view_is_refused(library: Library, owner: User, payload: Any, key: str) -> None:
    with pytest.raises(InvalidPayload) as refusal:
        create_portal_view(actor_id=owner.id, library_id=library.id, patch=check_patch(payload))
    assert refusal.value.details is not None
    assert refusal.value.details.keys() == {key}
    assert not library.portal_views.exists()


def test_an_update_is_stored_and_sent_to_both_roles(
    portal_view: PortalView, editor: User, published: Published
) -> None:
    items = [{"id": "ogre", "hp": 3, "gm": "weak"}]
    payload = {"name": "Night", "items": items, "zoom": 2, "secret": "s", "hp": 1, "version": 50}
    before = portal_view.updated_at
    update = partial(update_portal_view, actor_id=editor.id, portal_view_id=portal_view.id, patch=check_patch(payload))
    news = published(partial(update, sender="c1"))
    portal_view.refresh_from_db()
    assert (portal_view.name, portal_view.items, portal_view.version) == ("Night", items, 2)
    assert portal_view.updated_at > before
    known = {"name": "Night", "items": items}
    assert news == [
        PortalViewChanged(
            portal_view_id=portal_view.id,
            version=2,
            viewers_version=2,
            sender="c1",
            controllers=Seen({**known, "zoom": 2, "secret": "s", "hp": 1}),
            viewers=Seen({"name": "Night", "items": [{"id": "ogre"}], "zoom": 2}),
            is_stored=True,
            viewers_changed=True,
        )
    ]


def test_an_update_returns_the_stored_state(portal_view: PortalView, owner: User) -> None:
    after = update_portal_view(actor_id=owner.id, portal_view_id=portal_view.id, patch=check_patch({"blackout": True}))
    stored = PortalView.objects.get(id=portal_view.id)
    assert after.state() == stored.state()
    assert after.role == "OWNER"


def test_a_change_hidden_from_viewers_sends_them_nothing(portal_view: PortalView, published: Published) -> None:
    items = [*portal_view.items[:2], {**portal_view.items[2], "name": "Still a spy"}]
    update = partial(update_portal_view, actor_id=None, portal_view_id=portal_view.id)
    (news,) = changes(partial(update, patch=check_patch({"items": items})), published)
    assert news.viewers == Seen()
    (news,) = changes(partial(update, patch=check_patch({"items": portal_view.items, "zoom": 1})), published)
    assert (news.version, news.viewers_version) == (3, 1)
    assert news.viewers == Seen({"zoom": 1})
    assert not news.viewers_changed, "a version would tell that something was stored"


@pytest.mark.parametrize("read_only", [{}, {"version": 7, "id": "x"}])
def test_a_command_alone_is_relayed_and_nothing_is_stored(
    portal_view: PortalView, published: Published, read_only: dict[str, Any]
) -> None:
    before = rows()
    payload = {"zoom": 1, "ac": 2, **read_only}
    update = partial(update_portal_view, actor_id=None, portal_view_id=portal_view.id)
    (news,) = changes(partial(update, patch=check_patch(payload), sender="c1"), published)
    assert (news.version, news.is_stored, news.sender) == (1, False, "c1")
    assert (news.controllers, news.viewers) == (Seen({"zoom": 1, "ac": 2}), Seen({"zoom": 1}))
    assert published(partial(update, patch=check_patch(read_only))) == []
    assert rows() == before


def test_an_unchanged_value_is_stored_and_said_again_to_controllers(
    portal_view: PortalView, published: Published
) -> None:
    update = partial(update_portal_view, actor_id=None, portal_view_id=portal_view.id)
    (news,) = changes(partial(update, patch=check_patch({"name": portal_view.name})), published)
    assert (news.viewers, news.controllers) == (Seen(), Seen({"name": "Evening"}))
    assert (news.version, news.viewers_version, news.is_stored, news.viewers_changed) == (2, 1, True, False)


def test_a_shorter_list_clears_a_current_item_beyond_it(portal_view: PortalView, published: Published) -> None:
    update = partial(update_portal_view, actor_id=None, portal_view_id=portal_view.id)
    published(partial(update, patch=check_patch({"currentItem": 1})))
    (news,) = changes(partial(update, patch=check_patch({"items": []})), published)
    gone: dict[str, Any] = {"items": [], "currentItem": None, "currentItemId": None}
    assert (news.viewers, news.version) == (Seen(gone), 3)
    portal_view.refresh_from_db()
    assert (portal_view.items, portal_view.current_item, portal_view.current_item_id) == ([], None, None)


def test_an_update_with_an_outdated_version_is_refused(portal_view: PortalView, published: Published) -> None:
    update = partial(
        update_portal_view, actor_id=None, portal_view_id=portal_view.id, patch=check_patch({"name": "Night"})
    )
    assert len(published(partial(update, if_version=1))) == 1

    def stale() -> None:
        for if_version in (1, 3, 0):
            with pytest.raises(VersionConflict, match="version is 2 now") as refusal:
                update(if_version=if_version)
            assert refusal.value.code == "version-conflict"

    assert published(stale) == []
    portal_view.refresh_from_db()
    assert portal_view.version == 2


@pytest.mark.parametrize("payload", [{"currentItem": 3}, {"name": 5}, {"x": "\0"}])
def test_a_bad_update_changes_nothing(portal_view: PortalView, published: Published, payload: Any) -> None:
    def bad() -> None:
        with pytest.raises(InvalidPayload, match="Nothing was changed"):
            update_portal_view(
                actor_id=None, portal_view_id=portal_view.id, patch=check_patch({**payload, "blackout": True})
            )

    before = rows()
    assert published(bad) == []
    assert rows() == before


def test_a_state_that_would_become_too_large_is_refused(portal_view: PortalView) -> None:
    text = "x" * MAX_STATE_BYTES
    with pytest.raises(InvalidPayload, match="bytes long"):
        update_portal_view(
            actor_id=None, portal_view_id=portal_view.id, patch=check_patch({"items": [{"id": "a", "x": text}]})
        )
    with pytest.raises(InvalidPayload, match="bytes long"):
        update_item(actor_id=None, portal_view_id=portal_view.id, item_id="map", payload={"x": text})
    portal_view.refresh_from_db()
    assert portal_view.version == 1


def change_of(portal_view: PortalView, published: Published, *some: Change, **options: Any) -> PortalViewChanged:
    """The event of a batch; the portal view is read again."""
    messages = [Message(some, is_batch=True)]
    write = partial(change_portal_view, actor_id=None, portal_view_id=portal_view.id, messages=messages, **options)
    (news,) = changes(write, published)
    portal_view.refresh_from_db()
    return news


def test_an_items_update_is_merged_and_sent(portal_view: PortalView, published: Published) -> None:
    items = portal_view.items
    news = change_of(portal_view, published, item("ogre", hp=12, text="Awake", ac=None), sender="c1")
    merged = {key: value for key, value in items[1].items() if key != "ac"}
    assert portal_view.items == [items[0], {**merged, "hp": 12, "text": "Awake"}, items[2]]
    assert news == PortalViewChanged(
        portal_view_id=portal_view.id,
        version=2,
        viewers_version=2,
        controllers=Seen({}, (Updated("ogre", {"hp": 12, "text": "Awake", "ac": None}, 1),)),
        viewers=Seen({}, (Updated("ogre", {"text": "Awake"}, 1),)),
        is_stored=True,
        viewers_changed=True,
        sender="c1",
    )


def test_a_hidden_items_update_is_sent_only_to_controllers(portal_view: PortalView, published: Published) -> None:
    news = change_of(portal_view, published, item("spy", name="Master spy"))
    assert (news.viewers, news.viewers_changed) == (Seen(), False)
    assert news.controllers == Seen({}, (Updated("spy", {"name": "Master spy"}, 2),))
    news = change_of(portal_view, published, item("spy", visible=True))
    assert news.viewers == Seen({}, (Added({"id": "spy", "type": "token", "name": "Master spy"}, 2),))
    assert news.controllers == Seen({}, (Updated("spy", {"visible": True}, 2),))
    news = change_of(portal_view, published, item("spy", visible=False))
    assert news.viewers == Seen({}, (Removed("spy"),))
    assert (portal_view.version, portal_view.viewers_version) == (4, 3)


def test_an_unknown_item_is_not_created(portal_view: PortalView, published: Published) -> None:
    def unknown() -> None:
        with pytest.raises(NoSuchItem, match="There is no item “nobody”"):
            update_item(actor_id=None, portal_view_id=portal_view.id, item_id="nobody", payload={"hp": 1})

    before = rows()
    assert published(unknown) == []
    assert rows() == before


def test_a_batch_is_one_version_and_one_event(portal_view: PortalView, published: Published) -> None:
    news = change_of(
        portal_view,
        published,
        add(0, id="new", name="New"),
        view(currentItemId="ogre", encounter={"round": 0, "order": [{"itemId": "ogre"}]}),
        NEXT,
        move("map", 3),
    )
    state = portal_view.state()
    assert [one["id"] for one in state["items"]] == ["new", "ogre", "spy", "map"]
    assert (state["currentItem"], state["currentItemId"], state["version"]) == (1, "ogre", 2)
    assert state["encounter"] == {"round": 1, "turn": "ogre", "order": [{"itemId": "ogre"}]}
    edits = (Added({"id": "new", "name": "New"}, 0), Moved("map", 3))
    current = {"currentItem": 1, "currentItemId": "ogre"}
    assert news.controllers == Seen({**current, "encounter": state["encounter"]}, edits)
    assert news.viewers == Seen(current, (edits[0], Moved("map", 2)))


def test_a_batch_is_stored_as_a_whole_or_not_at_all(portal_view: PortalView, published: Published) -> None:
    def bad() -> None:
        with pytest.raises(NoSuchItem) as refusal:
            change_portal_view(
                actor_id=None,
                portal_view_id=portal_view.id,
                messages=[Message([view(name="Night")]), Message([remove("map"), remove("map")], is_batch=True)],
            )
        assert refusal.value.details == {"changes[1].itemId": "There is no item “map”."}

    before = rows()
    assert published(bad) == []
    assert rows() == before


def test_each_message_of_a_write_has_its_answer(portal_view: PortalView) -> None:
    written = change_portal_view(
        actor_id=None,
        portal_view_id=portal_view.id,
        messages=[
            Message([view(currentItem=0)]),
            Message([item("ogre", hidden=True, public={"answer": 42})]),
            Message([add(id="a"), add(id="b", public={"notes": "n"})], is_batch=True),
            Message([view(name="Night")]),
        ],
    )
    assert [answer.item_ids for answer in written.answers] == [(), (), ("a", "b"), ()]
    correction = {"type": "item-updated", "payload": {"itemId": "ogre", "hidden": None, "visible": False}, "index": 1}
    assert [answer.payload for answer in written.answers] == [
        {"currentItemId": "map"},
        {"changes": [correction]},
        {},
        {},
    ]
    assert written.warnings == [
        [],
        ["public.answer looks like an answer and is shown."],
        ["changes[1].public.notes looks like notes and is shown."],
        [],
    ]
    assert written.portal_view.version == 2


def test_a_condition_on_the_stored_state_can_refuse_a_write(portal_view: PortalView, published: Published) -> None:
    seen: list[Any] = []

    def refuse(state: dict[str, Any]) -> None:
        seen.append(state)
        raise VersionConflict("No.")

    def write() -> None:
        with pytest.raises(VersionConflict, match=r"No\."):
            update_item(actor_id=None, portal_view_id=portal_view.id, item_id="ogre", payload={"hp": 1}, check=refuse)

    before = rows()
    assert published(write) == []
    assert (rows(), seen) == (before, [portal_view.content()])


def test_a_step_that_changes_nothing_is_not_stored(portal_view: PortalView, published: Published) -> None:
    order = {"round": 1, "turn": "ogre", "order": [{"itemId": "ogre"}]}
    change_of(portal_view, published, view(encounter=order))
    before = rows()
    step = partial(
        change_portal_view, actor_id=None, portal_view_id=portal_view.id, messages=[Message([PREVIOUS])], if_version=2
    )
    assert published(step) == []
    assert rows() == before
    assert step().portal_view.version == 2


def test_an_item_without_an_id_gets_the_same_one_in_each_write(portal_view: PortalView, library: Library) -> None:
    def made_up(one: PortalView) -> str:
        messages = [Message([add(slug="ogre")])]
        [answer] = change_portal_view(actor_id=None, portal_view_id=one.id, messages=messages).answers
        [item_id] = answer.item_ids
        return item_id

    first = made_up(portal_view)
    update_portal_view(actor_id=None, portal_view_id=portal_view.id, patch=check_patch({"items": []}))
    assert made_up(portal_view) == first
    other = PortalView.objects.create(library=library, name="Other", items=[{"slug": "ogre"}])
    assert other.items[0]["id"] != first, "ids of one portal view say nothing about those of another"


def test_a_preview_stores_nothing(portal_view: PortalView) -> None:
    before = rows()
    shown = preview_changes(portal_view, [remove("map"), view(currentItem=0)])
    assert [one["id"] for one in shown["items"]] == ["ogre", "spy"]
    assert shown["currentItemId"] == "ogre"
    with pytest.raises(NoSuchItem) as refusal:
        preview_changes(portal_view, [remove("nobody")])
    assert refusal.value.details == {"changes[0].itemId": "There is no item “nobody”."}
    assert rows() == before


def test_a_deleted_portal_view_is_gone_and_announced(
    portal_view: PortalView, owner: User, published: Published
) -> None:
    with pytest.raises(VersionConflict):
        delete_portal_view(actor_id=owner.id, portal_view_id=portal_view.id, if_version=2)
    news = published(partial(delete_portal_view, actor_id=owner.id, portal_view_id=portal_view.id, if_version=1))
    assert news == [PortalViewDeleted(portal_view_id=portal_view.id)]
    assert not PortalView.objects.exists()


def test_all_deleted_portal_views_are_announced(published: Published) -> None:
    gone = [uuid4(), uuid4()]
    assert published(lambda: tell_deleted(gone)) == [PortalViewDeleted(portal_view_id=one) for one in gone]


@pytest.mark.parametrize(("role", "may"), [("OWNER", True), ("EDITOR", True), ("VIEWER", False)])
def test_controllers_are_owners_and_editors(role: str, may: bool) -> None:
    if may:
        require_controller(role)
    else:
        with pytest.raises(Forbidden, match="only owners and editors"):
            require_controller(role)
