"""What random steps are made of: contents of items, disclosures, and who does it, as strategies for Hypothesis."""

from __future__ import annotations

from typing import Literal

from hypothesis import strategies as st

from portal.tests.secret_garden import Content, Plant
from portal.tests.secret_names import ALIAS_KEYS, DEPTHS, FLAGS, KEYS, SHAPES, STRANGE, VISIBILITY_KEYS, WAYS
from portal.tests.secret_paths import PRESETS, ROWS, Rows

By = Literal["owner", "editor", "rest", "admin"]
"""The actor: a controller by their socket, the owner by REST, or somebody in the admin.

A demoted editor is replaced by the owner.
"""

by: st.SearchStrategy[By] = st.sampled_from(["owner", "editor", "rest", "rest", "admin"])
socket: st.SearchStrategy[By] = st.sampled_from(["owner", "editor"])
_plants = st.builds(Plant, st.sampled_from(KEYS), st.sampled_from(SHAPES), st.integers(0, DEPTHS - 1))
_visible = st.one_of(
    st.just(()),
    st.sampled_from([True, False]).map(lambda value: (("visible", value),)),
    st.lists(st.tuples(st.sampled_from(VISIBILITY_KEYS), st.sampled_from([True, False, None])), max_size=2).map(tuple),
)
contents = st.builds(
    Content,
    st.lists(_plants, max_size=4).map(tuple),
    st.none() | st.tuples(st.integers(-1, 12), st.integers(0, 12)),
    _visible,
    st.just("") | st.sampled_from(ALIAS_KEYS),
    st.fixed_dictionaries(
        {},
        optional={
            "health": st.sampled_from([True, False, "numbers", "bar", "words"]),
            **dict.fromkeys(("ac", "actions", "initiative", "conditions"), st.booleans()),
        },
    ).map(lambda wishes: tuple(wishes.items())),
    st.booleans(),
    st.booleans(),
)
displays = st.sampled_from(["numbers", "bar", "words"])
ways = st.integers(0, WAYS - 1)
items = st.lists(contents, max_size=3).map(tuple)
flags = st.sampled_from(FLAGS)
amid = st.sampled_from([None, None, *FLAGS, "blackout"])


def _quoted(key: str) -> str:
    """The first step of a path, with any characters in the key."""
    return key if key.isidentifier() else f'["{key}"]'


_PARTS = ("part 0", "part 1", "part 2", "part 3")
_ENDS = ("", "", ".label", ".note", ".current", ".*", ".**", "[]", "[0]", "[].desc", "[].**", "[label=HP].value")
_DEEP_ENDS = (".more[0].sheet.**", ".more[].sheet.*", "[0][0][].a.b.*.**", ".max", "[1]", "[].name", "[key=x].**")
_firsts = st.sampled_from((*_PARTS, *_PARTS, *STRANGE, "hp", "text", "img", "special_abilities")).map(_quoted)
_paths = st.builds(lambda key, end: f"{key}{end}", _firsts, st.sampled_from((*_ENDS, *_DEEP_ENDS)))
_drawn_rows = st.dictionaries(st.sampled_from(ROWS), st.lists(_paths, min_size=1, max_size=4).map(tuple), max_size=4)
rows: st.SearchStrategy[Rows] = st.one_of(
    st.just(()), st.sampled_from(list(PRESETS.values())), _drawn_rows.map(lambda rows: tuple(rows.items()))
)
