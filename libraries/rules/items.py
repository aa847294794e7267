"""An item as viewers see it: a new object, made from the one table of what may be shown. Pure.

`TEXTS`, `FREE` and `SWITCHED` are that table; the tests walk it, and `docs/hidden-information.md` prints it. A key that
is not in it is not sent, in any spelling, language or nesting.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from libraries.rules import health, net, shapes
from libraries.rules.addresses import check_address
from libraries.rules.disclosure import NOTHING, Disclosure
from libraries.rules.health import Health
from libraries.rules.keys import plain_key

Item = Mapping[str, Any]
Switches = Mapping[str, Any]
"""The switches of a portal view by their protocol keys, with `healthDisplay`; one that is missing is off."""

TEXTS = ("id", "type", "name", "image", "thumbnail", "alt", "text", "caption", "color")
"""Shown always, if they are text."""
FREE = "public"
"""The object for players: all below it is shown, but for the names of `libraries.rules.net`."""
HEALTH_SWITCH = "showHealth"


@dataclass(frozen=True, slots=True)
class Switched:
    """A key behind a switch of the portal view, which an item's `show` overrides under the name `show`."""

    switch: str
    show: str
    shape: Callable[[object], Any]


_ACTIONS = Switched("showActions", "actions", shapes.named_texts)
SWITCHED: dict[str, Switched] = {
    "ac": Switched("showAC", "ac", shapes.number_or_text),
    "actions": _ACTIONS,
    "bonusActions": _ACTIONS,
    "reactions": _ACTIONS,
    "legendaryActions": _ACTIONS,
    "initiative": Switched("showEncounter", "initiative", shapes.number_or_text),
    "conditions": Switched("showConditions", "conditions", shapes.conditions),
}
"""By the key of a viewer's item; `health` has a module of its own."""

IMAGES = (
    *("image", "img", "portrait", "avatar", "picture", "photo", "artwork"),
    *("imageurl", "imgurl", "portraiturl", "avatarurl"),
)
"""The plain keys that `image` is filled from if it is missing: the first with an address."""

_SPELLINGS = {key: (plain_key(key),) for key in SWITCHED} | {"ac": ("ac", "armorclass", "armourclass")}
"""The plain keys that a key of a viewer's item is read from, in order of priority."""
_IMAGES = frozenset(IMAGES)
_EXACT = frozenset({*SWITCHED, "alias"})

REVEAL_ON_TURN = "revealOnTurn"
"""The key of an item that viewers see from its next turn on."""

SHOW_KEYS = ("health", *dict.fromkeys(row.show for row in SWITCHED.values()))


def is_seen(item: Item) -> bool:
    """Whether viewers may see a stored item at all; it has one `visible` (`libraries.rules.state.normal_items`)."""
    return item.get("visible", True) is True


def visibilities(item: Item) -> Iterator[tuple[str, Any, bool]]:
    """Each key of the item that says whether viewers see it, its value, and the value that means that they do."""
    for key, value in item.items():
        wanted = _VISIBILITY.get(plain_key(key))
        if wanted is not None:
            yield key, value, wanted


_VISIBILITY = {"visible": True, "isvisible": True, "hidden": False, "ishidden": False}


def alias_of(item: Item) -> str | None:
    """The name for viewers of an item whose own name stays hidden."""
    exact = item.get("alias")
    if isinstance(exact, str) and exact.strip():
        return exact
    others = (value for key, value in item.items() if plain_key(key) == "alias")
    return next((value for value in others if isinstance(value, str) and value.strip()), None)


def switches_of(item: Item, switches: Switches) -> tuple[frozenset[str], str]:
    """The switches that are on for the item, and how its health is displayed."""
    show = item.get("show")
    own = show if isinstance(show, Mapping) else {}
    on = {row.switch for row in SWITCHED.values() if _is_on(own, row.show, switches.get(row.switch))}
    display = str(switches.get("healthDisplay", "numbers"))
    wish = own.get("health", switches.get(HEALTH_SWITCH))
    if isinstance(wish, str) and wish in health.DISPLAYS:
        return frozenset({*on, HEALTH_SWITCH}), wish
    return frozenset({*on, HEALTH_SWITCH} if wish is True else on), display


def _is_on(own: Mapping[str, Any], name: str, switch: object) -> bool:
    return own.get(name, switch) is True


def revealed(on: frozenset[str], display: str) -> frozenset[str]:
    """The switches that reveal names of the second net: also there, the numbers of a bar or of words stay hidden."""
    return on if display == "numbers" else on - {HEALTH_SWITCH}


def build(item: Item, switches: Switches, disclosure: Disclosure = NOTHING) -> dict[str, Any]:
    """The item as viewers see it under these switches of its portal view."""
    return _built(item, *switches_of(item, switches), disclosure)


def build_each(items: Iterable[Item], switches: Switches, disclosure: Disclosure = NOTHING) -> list[dict[str, Any]]:
    """Each of the items as viewers see it."""
    usual = switches_of({}, switches)
    return [_built(item, *(switches_of(item, switches) if item.get("show") else usual), disclosure) for item in items]


def _built(item: Item, on: frozenset[str], display: str, disclosure: Disclosure) -> dict[str, Any]:
    own = _own(item)
    built = _always(item, own, disclosure)
    if HEALTH_SWITCH in on and (seen := health.shown(_health(item, own, disclosure), display)) is not None:
        built["health"] = seen
    for key, row in SWITCHED.items():
        if row.switch in on and (value := _filled(key, row, item, own, disclosure)) is not None:
            built[key] = value
    free = item.get(FREE)
    if isinstance(free, Mapping):
        built[FREE] = net.strike(free, revealed(on, display))
    for key, value in disclosure.in_place(item).items() if disclosure.rows else ():
        if key not in built and value is not None:
            built[key] = value
    return built


def _own(item: Item) -> dict[str, Any]:
    """The item's values by plain key; a key in its exact spelling comes before the others.

    Of a key of health, all spellings count, in their order.
    """
    plain: dict[str, Any] = {}
    for key, value in item.items():
        short = plain_key(key)
        if short not in plain or key in _EXACT:
            plain[short] = value
        elif short in health.KEYS:
            plain[short] = health.Several((*health.each(plain[short]), value))
    return plain


def _always(item: Item, own: Mapping[str, Any], disclosure: Disclosure) -> dict[str, Any]:
    built = {key: value for key in TEXTS if isinstance(value := item.get(key), str)}
    if "image" not in built and (image := _image(own, item, disclosure)) is not None:
        built["image"] = image
    if "name" not in built and disclosure.rows:
        named = (shapes.text(value) for value in disclosure.values("name", item))
        if (name := next((value for value in named if value is not None), None)) is not None:
            built["name"] = name
    if "alias" in own and (alias := alias_of(item)) is not None:
        built["name"] = alias
    return built


def _image(own: Mapping[str, Any], item: Item, disclosure: Disclosure) -> str | None:
    if not disclosure.rows and _IMAGES.isdisjoint(own):
        return None
    known = (own[key] for key in IMAGES if key in own)
    for value in (*known, *disclosure.values("image", item)):
        if isinstance(value, str) and value and _is_address(value):
            return value
    return None


def _is_address(value: str) -> bool:
    try:
        check_address(value)
    except ValueError:
        return False
    return True


def _health(item: Item, own: Mapping[str, Any], disclosure: Disclosure) -> Health:
    if not disclosure.rows:
        return health.read(own)
    listed = disclosure.health(item)
    if listed == Health():
        return health.read(own)
    # A game master who counts hit points on a foreign record writes a key of the item itself.
    read_by_path = disclosure.health_keys
    return health.read({key: value for key, value in own.items() if key not in read_by_path}, listed)


def _filled(key: str, row: Switched, item: Item, own: Mapping[str, Any], disclosure: Disclosure) -> Any:
    """The value of a key behind a switch: the item's own in any spelling, or what the paths lead to."""
    for short in _SPELLINGS[key]:
        if short in own and (value := row.shape(own[short])) is not None:
            return value
    if not disclosure.rows:
        return None
    if row.shape is shapes.number_or_text:
        found = (row.shape(value) for value in disclosure.values(key, item))
        return next((value for value in found if value is not None), None)
    listed = [entry for value in disclosure.values(key, item) for entry in row.shape(value) or ()]
    return listed or None
