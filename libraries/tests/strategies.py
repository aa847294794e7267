"""States, patches and relayed payloads for Hypothesis, with marks in the values that a viewer may not see.

Every value under a key of a row of `HIDDEN` contains that row's mark, at any depth and in any spelling; every item has
its own mark in its id. `forbidden(flags)` are the marks that a viewer may not find under these flags.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from hypothesis import strategies as st

from libraries.rules.projection import ALWAYS, FLAGS, HIDDEN
from libraries.rules.state import HEALTH_DISPLAYS

ROWS = tuple(HIDDEN)
TEXT_MARKS = {row: f"«{row}»" for row in ROWS}
NUMBER_MARKS = {row: 4_242_420_000 + index for index, row in enumerate(ROWS)}
UNSEEN_MARK = "«unseen»"
MAX_ITEMS = 4

_encode = msgspec.json.Encoder(order="deterministic").encode


def as_sent(value: object) -> str:
    """The value as JSON with ordered keys: equal only if a receiver could not tell two values apart."""
    return _encode(value).decode()


def id_of(index: int) -> str:
    """The id of the item with that index, which is its mark."""
    return f"«item {index}»"


def forbidden(flags: Mapping[str, Any]) -> set[str]:
    """The marks of rows that a viewer may not find in any message under these flags."""
    hidden = {row for row in ROWS if row == ALWAYS or not flags[row]}
    if flags["healthDisplay"] != "numbers":
        hidden.add("showHealth")
    return {UNSEEN_MARK} | {str(marks[row]) for row in hidden for marks in (TEXT_MARKS, NUMBER_MARKS)}


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


def _marked(row: str) -> st.SearchStrategy[Any]:
    mark = st.sampled_from([TEXT_MARKS[row], NUMBER_MARKS[row]])
    return st.one_of(
        mark,
        st.lists(mark, min_size=1, max_size=2),
        st.fixed_dictionaries({}, optional={"current": mark, "max": mark, "deep": st.lists(mark, max_size=2)}),
    )


@st.composite
def _hidden_entry(draw: st.DrawFn) -> tuple[str, Any]:
    row = draw(st.sampled_from(ROWS))
    key = draw(spellings(draw(st.sampled_from(sorted(HIDDEN[row])))))
    # Small numbers under the usual keys of health form fractions.
    if row == "showHealth" and draw(st.booleans()):
        return draw(st.sampled_from(["hp", "maxHp", "health"])), draw(st.integers(-1, 9) | st.none())
    return key, draw(_marked(row))


_plain_entry = st.tuples(st.sampled_from(["name", "x", "tags", "stats"]), st.integers(0, 2) | st.booleans() | st.none())


def _objects(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    entry = _hidden_entry() | _plain_entry | st.tuples(st.sampled_from(["stats", "more"]), inner)
    return st.lists(entry, max_size=4).map(dict) | st.lists(inner, max_size=2)


trees = st.recursive(st.integers(0, 2) | st.lists(_hidden_entry(), max_size=2).map(dict), _objects, max_leaves=5)
contents: st.SearchStrategy[dict[str, Any]] = st.lists(
    _hidden_entry() | _plain_entry | st.tuples(st.sampled_from(["stats", "tags"]), trees), max_size=5
).map(dict)
visibles: st.SearchStrategy[dict[str, Any]] = st.sampled_from([{}, {}, {"visible": True}, {"visible": False}])


@st.composite
def items(draw: st.DrawFn, index: int) -> dict[str, Any]:
    """An item of a state; an invisible one has a mark under a key that is not in the table, too."""
    item = {"id": id_of(index), **draw(contents), **draw(visibles)}
    return item | ({"name": UNSEEN_MARK} if item.get("visible") is False else {})


item_lists = st.integers(0, MAX_ITEMS).flatmap(lambda count: st.tuples(*(items(index) for index in range(count))))
_flag_values = {flag: st.booleans() for flag in FLAGS if flag != "healthDisplay"}
_fields: dict[str, st.SearchStrategy[Any]] = {
    "name": st.sampled_from(["Evening", "Night"]),
    **_flag_values,
    "healthDisplay": st.sampled_from(HEALTH_DISPLAYS),
    "autoResetImageState": st.booleans(),
    "blackout": st.sampled_from([False, False, True]),
    "currentItem": st.none(),
    "items": item_lists.map(list),
}


@st.composite
def states(draw: st.DrawFn) -> dict[str, Any]:
    """A state in the format of `PortalView.state()`."""
    state = {"id": "p", "libraryId": "l", **draw(st.fixed_dictionaries(_fields)), "version": 1, "updatedAt": "t1"}
    count = len(state["items"])
    return state | {"currentItem": draw(st.none() | st.integers(0, count - 1)) if count else None}


patches: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries({}, optional=_fields)
# An item that is invisible from the start has UNSEEN_MARK as its name; a patch that shows it gives it another.
item_patches: st.SearchStrategy[dict[str, Any]] = st.builds(
    lambda content, visible: {**content, **visible} | ({"name": "seen"} if visible.get("visible") else {}),
    contents,
    visibles,
)
_relayed_items = st.one_of(
    item_lists.map(list),
    item_lists.map(lambda some: {str(index): item for index, item in enumerate(some)}),
    item_lists.map(lambda some: [list(some)]),
)
payloads: st.SearchStrategy[dict[str, Any]] = st.builds(
    lambda content, some, extra: {**content, **some, **extra},
    contents,
    st.fixed_dictionaries({}, optional={"items": _relayed_items, "currentItem": st.integers(0, 3), "zoom": trees}),
    st.just({}) | st.fixed_dictionaries({"state": st.fixed_dictionaries({"Items": _relayed_items})}),
)
