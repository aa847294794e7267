"""The possible events of a portal view, as values for Hypothesis. `secret_machine` carries them out."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal

from hypothesis import strategies as st

from portal.tests.secret_marks import (
    ALIAS_KEYS,
    DEPTHS,
    FLAGS,
    KEYS,
    SHAPES,
    STRANGE,
    UNSEEN,
    VISIBILITY_KEYS,
    WAYS,
    Content,
    Plant,
)
from portal.tests.secret_paths import PRESETS, ROWS, Rows

By = Literal["owner", "editor", "rest", "admin"]
"""The actor: a controller by their socket, the owner by REST, or somebody in the admin.

A demoted editor is replaced by the owner.
"""


@dataclass(frozen=True)
class Beginning:
    """The flags of a portal view at first, the spelling of its hidden keys, and what its library discloses."""

    flags: dict[str, Any]
    way: int
    rows: Rows = ()


@dataclass(frozen=True)
class Flip:
    """A flag, or `blackout`, is switched; with `zoom`, the same message has a command."""

    flag: str
    by: By
    zoom: Content | None


@dataclass(frozen=True)
class Display:
    """Health is displayed in another way."""

    value: str
    by: By


@dataclass(frozen=True)
class Replace:
    """The items are replaced, extended or reordered; perhaps there is a current one."""

    contents: tuple[Content, ...]
    keeps: bool
    current: bool
    by: By


@dataclass(frozen=True)
class Change:
    """One item changes; if there are none, an unknown one."""

    index: int
    content: Content
    by: By


@dataclass(frozen=True)
class ChangeMissing:
    """An unknown item changes: that is relayed."""

    content: Content
    by: By


@dataclass(frozen=True)
class Command:
    """Keys that are not stored, with items among them."""

    content: Content
    items: tuple[Content, ...]
    by: By


@dataclass(frozen=True)
class SwapRole:
    """The editor becomes a viewer, or an editor again, during changes by the owner; one comes right after the answer.

    Perhaps the editor reconnects at the same moment.
    """

    rejoins: bool
    amid: tuple[Content, ...]
    after: Content


@dataclass(frozen=True)
class ComeBack:
    """A viewer loses the connection and reconnects, with a known version or without; a flag may change meanwhile."""

    who: int
    knows: bool
    compressed: bool
    amid: str | None


@dataclass(frozen=True)
class Latecomer:
    """Another viewer comes, or comes again."""

    compressed: bool


@dataclass(frozen=True)
class Ask:
    """A viewer asks for the state. A controller answers, the viewer alone or all; or no controller is there."""

    who: int
    answer: Literal["to one", "to all", "by the server"]
    items: tuple[Content, ...]
    more: Content


@dataclass(frozen=True)
class Refused:
    """A person sends a message that is refused."""

    who: Literal["viewer", "viewer by rest", "controller", "controller's item"]


@dataclass(frozen=True)
class Disclose:
    """The library discloses something else of foreign records, or nothing any more."""

    rows: Rows


Step = (
    Disclose
    | Flip
    | Display
    | Replace
    | Change
    | ChangeMissing
    | Command
    | SwapRole
    | ComeBack
    | Latecomer
    | Ask
    | Refused
)

_by: st.SearchStrategy[By] = st.sampled_from(["owner", "editor", "rest", "rest", "admin"])
_socket: st.SearchStrategy[By] = st.sampled_from(["owner", "editor"])
_plants = st.builds(Plant, st.sampled_from(KEYS), st.sampled_from(SHAPES), st.integers(0, DEPTHS - 1))
_visible = st.one_of(
    st.just(()),
    st.sampled_from([True, False]).map(lambda value: (("visible", value),)),
    st.lists(st.tuples(st.sampled_from(VISIBILITY_KEYS), st.sampled_from([True, False, None])), max_size=2).map(tuple),
)
_contents = st.builds(
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
)
_displays = st.sampled_from(["numbers", "bar", "words"])
_ways = st.integers(0, WAYS - 1)
_items = st.lists(_contents, max_size=3).map(tuple)
_flags = st.sampled_from(FLAGS)
_amid = st.sampled_from([None, None, *FLAGS, "blackout"])


def _quoted(key: str) -> str:
    """The first step of a path, with any characters in the key."""
    return key if key.isidentifier() else f'["{key}"]'


_PARTS = ("part 0", "part 1", "part 2", "part 3")
_ENDS = ("", "", ".label", ".note", ".current", ".*", ".**", "[]", "[0]", "[].desc", "[].**", "[label=HP].value")
_DEEP_ENDS = (".more[0].sheet.**", ".more[].sheet.*", "[0][0][].a.b.*.**", ".max", "[1]", "[].name", "[key=x].**")
_firsts = st.sampled_from((*_PARTS, *_PARTS, *STRANGE, "hp", "text", "img", "special_abilities")).map(_quoted)
_paths = st.builds(lambda key, end: f"{key}{end}", _firsts, st.sampled_from((*_ENDS, *_DEEP_ENDS)))
_drawn_rows = st.dictionaries(st.sampled_from(ROWS), st.lists(_paths, min_size=1, max_size=4).map(tuple), max_size=4)
_rows: st.SearchStrategy[Rows] = st.one_of(
    st.just(()), st.sampled_from(list(PRESETS.values())), _drawn_rows.map(lambda rows: tuple(rows.items()))
)


def _flips(flags: st.SearchStrategy[str]) -> st.SearchStrategy[Step]:
    return st.builds(Flip, flags, _by, st.none() | _contents)


_each: tuple[st.SearchStrategy[Step], ...] = (
    _flips(st.just("showHealth")),
    _flips(_flags),
    _flips(_flags),
    _flips(st.just("blackout")),
    _flips(st.just("blackout")),
    st.builds(Display, _displays, _by),
    st.builds(Replace, _items, st.booleans(), st.booleans(), _by),
    st.builds(Change, st.integers(0, 20), _contents, _socket),
    st.builds(ChangeMissing, _contents, _socket),
    st.builds(ChangeMissing, st.builds(replace, _contents, visible=st.just(UNSEEN.visible)), _socket),
    st.builds(Command, _contents, _items, _socket),
    st.builds(SwapRole, st.booleans(), _items, _contents),
    st.builds(SwapRole, st.booleans(), _items, _contents),
    st.builds(ComeBack, st.integers(0, 1), st.booleans(), st.booleans(), _amid),
    st.builds(Latecomer, st.booleans()),
    st.builds(Disclose, _rows),
    st.builds(Disclose, _rows),
    st.builds(Ask, st.integers(0, 1), st.sampled_from(["to one", "to all", "by the server"]), _items, _contents),
    st.builds(Refused, st.sampled_from(["viewer", "viewer by rest", "controller", "controller's item"])),
)

beginnings = st.builds(
    Beginning,
    st.fixed_dictionaries({**dict.fromkeys((*FLAGS, "blackout"), st.booleans()), "healthDisplay": _displays}),
    _ways,
    _rows,
)
sequences: st.SearchStrategy[tuple[Step, ...]] = st.permutations(_each).flatmap(lambda order: st.tuples(*order))
"""Every kind of step, in any order."""
