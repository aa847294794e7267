"""The possible events of a portal view, as values for Hypothesis. `secret_machine` carries them out."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal, get_args

from hypothesis import strategies as st

from portal.tests.secret_draws import By, amid, by, contents, displays, flags, items, rows, socket, ways
from portal.tests.secret_garden import UNSEEN, Content
from portal.tests.secret_names import FLAGS
from portal.tests.secret_paths import Rows

Kind = Literal["add", "bring", "nameless", "remove", "move", "update", "strip", "next", "previous", "flip"]
KINDS = get_args(Kind)
Camera = Literal["new", "null", "kept"]
CAMERAS = get_args(Camera)


@dataclass(frozen=True)
class Small:
    """One change: `at` says of which item, and `to` the place, the key or the flag.

    `bring` adds a record from elsewhere, which has another id than an item needs, and `nameless` an item without any.
    `strip` removes a key of an item.
    """

    kind: Kind
    at: int = 0
    to: int = 0
    content: Content = Content()


@dataclass(frozen=True)
class Scene:
    """The current item, the camera, and the encounter: the places of its items, and whose turn it is.

    Without `current` and `order`, what is stored stays.
    """

    current: int | None
    camera: Camera
    order: tuple[int, ...] | None
    turn: int | None
    round: int


OPENING_SCENE = Scene(0, "new", (0, -1, 1, -2, -3, -6, -5), 2, 2)


@dataclass(frozen=True)
class Beginning:
    """The flags of a portal view at first, the spelling of its hidden keys, what its library discloses, and a scene."""

    flags: dict[str, Any]
    way: int
    rows: Rows = ()
    scene: Scene = OPENING_SCENE


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
    scene: Scene


@dataclass(frozen=True)
class Gesture:
    """A controller edits an item or points at it, whether viewers see it or not; or a viewer points at it."""

    kind: Literal["edits", "points", "points as a viewer"]
    index: int
    by: By


@dataclass(frozen=True)
class Refused:
    """A person sends a message that is refused."""

    who: Literal["viewer", "viewer by rest", "controller", "controller's item"]


@dataclass(frozen=True)
class Disclose:
    """The library discloses something else of foreign records, or nothing any more."""

    rows: Rows


@dataclass(frozen=True)
class Edit:
    """One change, alone."""

    change: Small | Scene
    by: By


@dataclass(frozen=True)
class Batch:
    """Several changes as one, which a controller looks at before."""

    changes: tuple[Small | Scene, ...]
    by: By


Step = (
    Batch
    | Disclose
    | Edit
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
    | Gesture
    | Refused
)

_kinds: st.SearchStrategy[Kind] = st.sampled_from(KINDS)
_in_batches: st.SearchStrategy[Kind] = st.sampled_from([kind for kind in KINDS if kind != "nameless"])
_turns: st.SearchStrategy[Kind] = st.sampled_from(["next", "next", "previous"])
_places = st.integers(0, 60)
_scenes = st.builds(
    Scene,
    st.none() | _places,
    st.sampled_from(CAMERAS),
    st.none() | st.lists(_places, max_size=6).map(tuple),
    st.none() | st.integers(0, 5),
    st.integers(0, 3),
)


def _smalls(kinds: st.SearchStrategy[Kind]) -> st.SearchStrategy[Small]:
    return st.builds(Small, kinds, _places, _places, contents)


_batches = st.builds(Batch, st.lists(_scenes | _smalls(_in_batches), min_size=1, max_size=6).map(tuple), by)


def _flips(flags: st.SearchStrategy[str]) -> st.SearchStrategy[Step]:
    return st.builds(Flip, flags, by, st.none() | contents)


_each: tuple[st.SearchStrategy[Step], ...] = (
    _flips(st.just("showHealth")),
    _flips(flags),
    _flips(st.just("blackout")),
    _flips(st.just("blackout")),
    st.builds(Display, displays, by),
    st.builds(Replace, items, st.booleans(), st.booleans(), by),
    st.builds(Change, st.integers(0, 20), contents, socket),
    st.builds(ChangeMissing, contents, socket),
    st.builds(ChangeMissing, st.builds(replace, contents, visible=st.just(UNSEEN.visible)), socket),
    st.builds(Command, contents, items, socket),
    st.builds(SwapRole, st.booleans(), items, contents),
    st.builds(SwapRole, st.booleans(), items, contents),
    st.builds(ComeBack, st.integers(0, 1), st.booleans(), st.booleans(), amid),
    st.builds(Latecomer, st.booleans()),
    st.builds(Disclose, rows),
    st.builds(Disclose, rows),
    st.builds(Ask, st.integers(0, 1), st.sampled_from(["to one", "to all", "by the server"]), items, contents, _scenes),
    st.builds(Edit, _scenes, by),
    st.builds(Edit, _smalls(_kinds), by),
    st.builds(Edit, _smalls(_kinds), by),
    st.builds(Edit, _smalls(_turns), by),
    _batches,
    _batches,
    _flips(st.just("viewersMayPoint")),
    st.builds(Gesture, st.just("edits"), _places, socket),
    st.builds(Gesture, st.just("points"), _places, socket),
    st.builds(Gesture, st.just("points as a viewer"), _places, socket),
    st.builds(Refused, st.sampled_from(["viewer", "viewer by rest", "controller", "controller's item"])),
)

beginnings = st.builds(
    Beginning,
    st.fixed_dictionaries({**dict.fromkeys((*FLAGS, "blackout"), st.booleans()), "healthDisplay": displays}),
    ways,
    rows,
    _scenes,
)
sequences: st.SearchStrategy[tuple[Step, ...]] = st.permutations(_each).flatmap(lambda order: st.tuples(*order))
"""Every kind of step, in any order."""
