"""The cost of one change before it is sent: projected for both roles, compared, and encoded as news.

Run it with `.venv/bin/python -m bench.projection`. It prints CPU microseconds for each update of portal views of 10,
100 and 500 items (200 KiB), medians of rounds in which they take turns, and says whether an item's update costs the
same in all of them. No database and no socket is measured. The peer is a server that projects the whole state, before
and after, for each change of an item.
"""

from __future__ import annotations

import gc
import sys
import time
from collections.abc import Callable, Iterator
from itertools import cycle
from statistics import median
from typing import Any
from uuid import UUID

import msgspec

from libraries.events import PortalViewChanged
from libraries.rules.changes import Change, ItemMove, ItemPatch, ViewPatch
from libraries.rules.disclosure import NOTHING, Disclosure, compiled
from libraries.rules.draft import Draft
from libraries.rules.edits import seen_by_controllers, seen_by_viewers
from libraries.rules.presets import presets
from libraries.rules.projection import difference, project
from libraries.rules.roles import PortalRole
from libraries.rules.state import Patch, State
from realtime.news.compose import news_of, patch_news

PORTAL_VIEW_ID = UUID(int=1)
KEY = b"k" * 32
COUNTS = (10, 100, 500)
ITEM_BYTES = 400
"""500 of these and the rest are 200 KiB."""
ROUNDS = 25
SECONDS_OF_ROUND = 0.02
FLAT_WITHIN = 0.5
"""The place of an item among those that viewers see is counted: some microseconds for 500 items."""

Update = Callable[[], object]
Costs = dict[tuple[str, int], float]
CONTROLLER, VIEWER = PortalRole.CONTROLLER, PortalRole.VIEWER


def make_state(count: int) -> State:
    """A portal view with this many stat blocks, a fifth of them invisible, health shown as a bar."""
    items = []
    for index in range(count):
        item: dict[str, Any] = {
            "id": f"creature-{index}",
            "name": f"Creature {index}",
            "visible": index % 5 != 0,
            "hp": {"current": 30, "max": 60},
            "ac": 14,
            "actions": [{"name": "club", "text": "2d8+4"}, {"name": "javelin", "text": "2d6+4"}],
            "public": {"position": {"x": index, "y": 3}},
            "armor_class": 14,
            "gmNotes": "",
        }
        item["gmNotes"] = "n" * (ITEM_BYTES - len(msgspec.json.encode(item)))
        items.append(item)
    flags = {"showHealth": True, "showAC": False, "showActions": True, "showEncounter": False, "showConditions": True}
    rest = {"healthDisplay": "bar", "autoResetImageState": True, "blackout": False, "viewersMayPoint": False}
    current = {"currentItem": 1, "currentItemId": "creature-1", "camera": None, "encounter": None}
    versions = {"version": 1, "viewersVersion": 1, "updatedAt": "t", "viewersUpdatedAt": "t"}
    return {"id": "p", "libraryId": "l", "name": "Evening", **flags, **rest, **current, "items": items, **versions}


def _moves() -> Iterator[dict[str, Any]]:
    return cycle({"public": {"position": {"x": 1, "y": y}}, "hp": {"current": y, "max": 60}} for y in range(60))


def _draft(state: State, change: Change) -> Draft:
    draft = Draft(state, KEY)
    draft.apply([change])
    return draft


def _update(state: State, change: Change, disclosure: Disclosure = NOTHING) -> None:
    """Apply a change, and make the news of it as a service does."""
    draft = _draft(state, change)
    viewers = seen_by_viewers(draft, disclosure)
    event = PortalViewChanged(
        portal_view_id=PORTAL_VIEW_ID,
        version=2,
        viewers_version=2,
        controllers=seen_by_controllers(draft),
        viewers=viewers,
        is_stored=True,
        viewers_changed=bool(viewers),
    )
    list(news_of(event))


def _middle(state: State) -> str:
    return str(state["items"][len(state["items"]) // 2 + 1]["id"])


def item_update(state: State, disclosure: Disclosure = NOTHING) -> Update:
    """An update of one item, as for every moved token."""
    patches, item_id = _moves(), _middle(state)

    def update() -> None:
        patch = next(patches)
        _update(state, ItemPatch(item_id, patch, patch), disclosure)

    return update


def item_update_with_a_preset(state: State) -> Update:
    """The same in a library with a preset for foreign records."""
    return item_update(state, compiled(presets()["open5e"].disclosure))


def item_update_by_the_whole_state(state: State) -> Update:
    """The peer: an update of one item, by projecting the whole state before and after, and sending the items."""
    patches, item_id = _moves(), _middle(state)

    def update() -> None:
        patch = next(patches)
        after = _draft(state, ItemPatch(item_id, patch, patch)).state
        seen = {role: difference(project(state, role), project(after, role)) for role in PortalRole}
        patch_news(PORTAL_VIEW_ID, seen[CONTROLLER], viewers=seen[VIEWER], version=2, viewers_version=2)

    return update


def item_move(state: State) -> Update:
    """An item that goes to the front."""
    item_id = _middle(state)
    return lambda: _update(state, ItemMove(item_id, 0))


def name_patch(state: State) -> Update:
    """A patch that does not change the items."""
    return lambda: _update(state, ViewPatch(Patch({"name": "Night"}, {})))


def flag_patch(state: State) -> Update:
    """A patch that shows or hides something on every item, and sends all of them."""
    shown = {**state, "showAC": True}
    patches = cycle([(state, True), (shown, False)])

    def update() -> None:
        before, on = next(patches)
        _update(before, ViewPatch(Patch({"showAC": on}, {})))

    return update


UPDATES: dict[str, Callable[[State], Update]] = {
    "item update": item_update,
    "item update with a preset": item_update_with_a_preset,
    "peer: item by whole state": item_update_by_the_whole_state,
    "item moved to the front": item_move,
    "patch of the name": name_patch,
    "patch of a flag": flag_patch,
}


def _microseconds(update: Update, times: int) -> float:
    began = time.process_time()
    for _ in range(times):
        update()
    return (time.process_time() - began) / times * 1e6


def measure() -> list[Costs]:
    """Microseconds for one update by kind and number of items, for each round."""
    states = {count: make_state(count) for count in COUNTS}
    updates = {(kind, count): make(states[count]) for kind, make in UPDATES.items() for count in COUNTS}
    times = {}
    for key, update in updates.items():
        _microseconds(update, 3)  # fills caches
        times[key] = max(1, int(SECONDS_OF_ROUND * 1e6 / _microseconds(update, 3)))
    # The objects of the measurement itself must not be counted as the update's.
    gc.collect()
    gc.freeze()
    return [{key: _microseconds(update, times[key]) for key, update in updates.items()} for _ in range(ROUNDS)]


def growth(rounds: list[Costs], kind: str, count: int) -> float:
    """The relative growth of an update's cost from the fewest to this many items: 0 is none, 1 is twice."""
    return median(one[kind, count] / one[kind, COUNTS[0]] for one in rounds) - 1


def main() -> int:
    """Measure and print; returns 1 if the cost of an item's update grows with the number of items."""
    size = len(msgspec.json.encode(make_state(COUNTS[-1])))
    print(
        f"Microseconds for one update; {COUNTS[-1]} items are {size / 1024:.0f} KiB. Python {sys.version.split()[0]}.\n"
    )
    print(f"{'':28}" + "".join(f"{f'{count} items':>12}" for count in COUNTS))
    rounds = measure()
    for kind in UPDATES:
        print(f"{kind:28}" + "".join(f"{median(one[kind, count] for one in rounds):12.1f}" for count in COUNTS))
    growths = [growth(rounds, "item update", count) for count in COUNTS[1:]]
    flat = all(abs(grown) <= FLAT_WITHIN for grown in growths)
    print(
        f"\nAn item's update is {'' if flat else 'NOT '}flat within {FLAT_WITHIN:.0%}: "
        + ", ".join(f"{grown:+.0%} at {count} items" for grown, count in zip(growths, COUNTS[1:], strict=True))
    )
    return 0 if flat else 1


if __name__ == "__main__":
    sys.exit(main())
