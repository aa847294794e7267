"""States, patches and commands for Hypothesis; a mark in each value says who may see it.

`NEVER` is in values that no viewer may find: under keys that nobody listed, in shapes that nobody listed, in items that
they may not see. The other marks belong to a switch. Every item has its own mark in its id.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from hypothesis import strategies as st

from libraries.rules.items import SWITCHED, TEXTS
from libraries.rules.net import ALWAYS, HIDDEN
from libraries.rules.state import HEALTH_DISPLAYS, normal_items

SWITCHES = ("showHealth", "showAC", "showActions", "showEncounter", "showConditions")
MARKS = {switch: f"«{switch}»" for switch in SWITCHES}
NUMBERS = {switch: 4_242_420_000 + index for index, switch in enumerate(SWITCHES)}
NEVER, NEVER_NUMBER = "«never»", 4_242_429_999
SHOWN = "«shown»"
MAX_ITEMS = 4
STRANGE_KEYS = (
    *(
        "hit_dice",
        "privateNotes",
        "correctAnswer",
        "temporaryHP ",
        "Lebenspunkte",
        "体力",
        "system",
        "data",
        "attributes",
    ),
    *("a.b", "Name", "TEXT", "public ", "special_abilities", "armor_desc", "gm", "token", "0", "notes", "legendary"),
)

_encode = msgspec.json.Encoder(order="deterministic").encode


def as_sent(value: object) -> str:
    """The value as JSON with ordered keys: equal only if a receiver could not tell two values apart."""
    return _encode(value).decode()


def id_of(index: int) -> str:
    """The id of the item with that index, which is its mark."""
    return f"«item {index}»"


def forbidden(state: Mapping[str, Any]) -> set[str]:
    """The marks that a viewer may not find in what is sent of items without a `show` of their own."""
    hidden = [switch for switch in SWITCHES if not state[switch]]
    return {NEVER, str(NEVER_NUMBER)} | {str(marks[switch]) for switch in hidden for marks in (MARKS, NUMBERS)}


def found(marks: set[str], value: object) -> set[str]:
    """The marks that are in the value, as it would be sent."""
    text = as_sent(value)
    return {mark for mark in marks if mark in text}


@st.composite
def spellings(draw: st.DrawFn, key: str) -> str:
    """The plain key in another case, with marks between its letters, or in wide letters."""
    cased = "".join(draw(st.sampled_from([letter, letter.upper()])) for letter in key)
    style = draw(st.sampled_from(["as is", "snake", "kebab", "wide", "unseen marks"]))
    if style == "wide":
        return "".join(chr(ord(letter) + 0xFEE0) for letter in cased)
    separator = {"as is": "", "snake": "_", "kebab": "-", "unseen marks": "\u200b"}[style]
    place = draw(st.integers(0, len(cased)))
    return cased[:place] + separator + cased[place:]


_never = st.sampled_from([NEVER, NEVER_NUMBER])
_never_trees = st.recursive(
    _never,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(STRANGE_KEYS), inner, max_size=2),
)
_strange = st.tuples(st.sampled_from(STRANGE_KEYS), _never_trees)
_texts = st.tuples(st.sampled_from([key for key in TEXTS if key != "id"]), st.sampled_from([SHOWN, "", "/a.png"]))
_no_texts = st.tuples(
    st.sampled_from([key for key in TEXTS if key not in {"id", "image", "thumbnail"}]),
    st.sampled_from([NEVER_NUMBER, [NEVER], {"a": NEVER}]),
)


@st.composite
def _switched(draw: st.DrawFn) -> tuple[str, Any]:
    key = draw(st.sampled_from(sorted(SWITCHED)))
    mark = MARKS[SWITCHED[key].switch]
    entry = {"name": mark, "text": mark, "secret": NEVER, "icon": mark if key == "conditions" else NEVER}
    return draw(spellings(key)), draw(st.sampled_from([mark, NUMBERS[SWITCHED[key].switch], [entry], [mark, entry]]))


_health = st.tuples(
    st.sampled_from(["hp", "maxHp", "Temp_HP", "hit-points", "health", "damage"]),
    st.sampled_from(
        [NUMBERS["showHealth"], str(NUMBERS["showHealth"]), {"value": 3, "max": 7, "note": NEVER}, 3, -1, "2/5"]
    ),
)


@st.composite
def _struck(draw: st.DrawFn) -> tuple[str, Any]:
    """A key of the net with a mark of its row, for below `public`."""
    row = draw(st.sampled_from(sorted(HIDDEN)))
    mark = NEVER if row == ALWAYS else MARKS[row]
    return draw(spellings(draw(st.sampled_from(sorted(HIDDEN[row]))))), draw(
        st.sampled_from([mark, [mark], {"a": mark}])
    )


_free = st.recursive(
    st.sampled_from([SHOWN, 1, None]),
    lambda inner: (
        st.lists(_struck() | st.tuples(st.sampled_from(["a", "b", "Name"]), inner), max_size=3).map(dict)
        | st.lists(inner, max_size=2)
    ),
    max_leaves=5,
)
publics = st.lists(_struck() | st.tuples(st.sampled_from(["a", "b"]), _free), max_size=3).map(dict)
_public = st.tuples(st.just("public"), publics | st.sampled_from([NEVER, NEVER_NUMBER, [NEVER]]))

contents: st.SearchStrategy[dict[str, Any]] = st.lists(
    _strange | _texts | _no_texts | _switched() | _health | _public, max_size=6
).map(dict)
visibles: st.SearchStrategy[dict[str, Any]] = st.sampled_from(
    [{}, {}, {"visible": True}, {"visible": False}, {"Hidden": True}, {"is_visible": None}, {"hidden": False}]
)
_wishes = st.fixed_dictionaries(
    {},
    optional={
        "health": st.sampled_from([True, False, *HEALTH_DISPLAYS]),
        **{key: st.booleans() for key in ("ac", "actions", "conditions", "initiative")},
    },
)
shows: st.SearchStrategy[dict[str, Any]] = st.just({}) | st.fixed_dictionaries({"show": _wishes | st.none()})


@st.composite
def items(draw: st.DrawFn, index: int) -> dict[str, Any]:
    """An item of a state, in the form that clients send."""
    return {"id": id_of(index), **draw(contents), **draw(visibles), **draw(shows)}


cameras: st.SearchStrategy[dict[str, Any] | None] = st.none() | st.fixed_dictionaries(
    {
        "x": st.sampled_from([0, 0.5, 1]),
        "y": st.sampled_from([0, 0.25]),
        "zoom": st.sampled_from([1, 2.5]),
        "rotation": st.sampled_from([0, 90]),
    }
)
_initiatives: st.SearchStrategy[dict[str, Any]] = st.sampled_from(
    [{}, {"initiative": None}, {"initiative": NUMBERS["showEncounter"]}]
)


@st.composite
def encounters(draw: st.DrawFn, count: int) -> dict[str, Any] | None:
    """An encounter of some of the first `count` items, in the form that is stored."""
    places = draw(st.lists(st.integers(0, max(count - 1, 0)), max_size=count, unique=True))
    order = [{"itemId": id_of(place), **draw(_initiatives)} for place in places]
    turn = draw(st.none() | st.sampled_from([entry["itemId"] for entry in order])) if order else None
    return draw(st.none() | st.just({"round": draw(st.integers(0, 3)), "turn": turn, "order": order}))


item_lists = st.integers(0, MAX_ITEMS).flatmap(lambda count: st.tuples(*(items(index) for index in range(count))))
_fields: dict[str, st.SearchStrategy[Any]] = {
    "name": st.sampled_from(["Evening", "Night"]),
    **{switch: st.booleans() for switch in SWITCHES},
    "healthDisplay": st.sampled_from(HEALTH_DISPLAYS),
    "autoResetImageState": st.booleans(),
    "blackout": st.sampled_from([False, False, True]),
    "viewersMayPoint": st.booleans(),
    "currentItem": st.none(),
    "currentItemId": st.none(),
    "camera": cameras,
    "encounter": encounters(0),
    "items": item_lists.map(list),
}


@st.composite
def states(draw: st.DrawFn) -> dict[str, Any]:
    """A state in the format of `PortalView.state()`."""
    versions = {"version": 1, "updatedAt": "t1", "viewersVersion": 1, "viewersUpdatedAt": "t1"}
    state = {"id": "p", "libraryId": "l", **draw(st.fixed_dictionaries(_fields)), **versions}
    state["items"] = normal_items(state["items"])
    count = len(state["items"])
    current = draw(st.none() | st.integers(0, count - 1)) if count else None
    return state | {
        "currentItem": current,
        "currentItemId": None if current is None else id_of(current),
        "encounter": draw(encounters(count)),
    }


@st.composite
def _patches(draw: st.DrawFn) -> dict[str, Any]:
    patch = draw(st.fixed_dictionaries({}, optional=_fields))
    count = len(patch.get("items", ()))
    if count:
        place = draw(st.integers(0, count - 1))
        choices: list[dict[str, Any]] = [{"currentItem": place}, {"currentItemId": id_of(place)}, {}]
        chosen = draw(st.sampled_from(choices))
        patch = {key: value for key, value in patch.items() if not chosen or not key.startswith("currentItem")}
        patch |= {**chosen, "encounter": draw(encounters(count))}
    return patch


patches: st.SearchStrategy[dict[str, Any]] = _patches()
"""Patches that fit any state."""
item_patches: st.SearchStrategy[dict[str, Any]] = st.builds(
    lambda content, visible, show: {**content, **visible, **show}, contents, visibles, shows
)
_flat = st.tuples(st.sampled_from(["zoom", "note", "x"]), st.sampled_from([SHOWN, 2, None, True]))
_kept = st.tuples(st.sampled_from(["zoom", "panel", "Public", "CAMERA"]), st.sampled_from([[NEVER], {"a": NEVER}]))
_objects = st.tuples(st.sampled_from(["pointer", "public"]), publics | st.just([NEVER]))
_about_items: dict[str, st.SearchStrategy[Any]] = {
    "items": item_lists.map(list),
    "currentItem": st.integers(0, 3) | st.none(),
    "currentItemId": st.integers(0, 3).map(id_of) | st.none(),
    "camera": cameras,
    "encounter": encounters(MAX_ITEMS),
}
commands: st.SearchStrategy[dict[str, Any]] = st.builds(
    lambda some, more: {**dict(some), **more},
    st.lists(_flat | _kept | _objects | _struck(), max_size=5),
    st.fixed_dictionaries({}, optional=_about_items),
)
