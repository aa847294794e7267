"""One dense sequence of steps, played before the random ones: with most broken rules something shows in it at once."""

from __future__ import annotations

from portal.tests.secret_garden import ALL_HIDDEN, ALL_SHOWN, KNOWN_KEYS, UNSEEN, Content, Plant
from portal.tests.secret_names import FLAGS
from portal.tests.secret_paths import Rows
from portal.tests.secret_steps import (
    OPENING_SCENE,
    Ask,
    Batch,
    Beginning,
    Change,
    ChangeMissing,
    Command,
    Disclose,
    Display,
    Edit,
    Flip,
    Gesture,
    Latecomer,
    Replace,
    Scene,
    Small,
    Step,
    SwapRole,
)

EVERY_FORM: Rows = (
    (
        "always",
        (
            *("notes.open", "notes", 'senses["dark vision"]', "senses.*", "tags[1]", "traits[]", "traits[].label"),
            *("stats[key=x].value", "lore.**"),
        ),
    ),
    ("name", ("title.short",)),
    ("currentHealth", ("vitals[label=HP].value",)),
    ("maxHealth", ("vitals[label=HP].most",)),
    ("ac", ("defence[].value", "defence")),
    ("actions", ("deeds[].**", "special_abilities[type=open].name")),
    ("conditions", ("marks.*.**",)),
)
"""Every form of a step; `notes` and `defence` lead to what only `.**` would show."""

OPENING = Beginning(
    {
        **dict(zip(FLAGS, (False, True, False, True, False), strict=True)),
        "blackout": False,
        "healthDisplay": "bar",
    },
    way=0,
    rows=EVERY_FORM,
)
_OBJECTS = Content(
    (Plant("hp", "object", 0), Plant("conditions", "entries", 1), Plant("plan", "text", 2)), (3, 9), reveals=True
)
_BELOW_PUBLIC = Content((Plant("hp", "number", 4), Plant("gm", "text", 4), Plant("secret", "text", 0)))

_AGAIN = Content((), None, (("visible", False),), reveals=True)
_PLAIN = Content((Plant("conditions", "entries", 0),), (3, 9), show=(("initiative", False),))
TURNS: tuple[Step, ...] = (
    Edit(Small("next"), "owner"),  # an unseen one has the turn, after one that viewers see
    Edit(Small("previous"), "rest"),
    Edit(Small("previous"), "editor"),  # its turn reveals it
    Edit(Small("update", -1, content=_AGAIN), "owner"),  # it is hidden again while it has the turn
    Display("words", "rest"),
    Edit(Scene(-2, "new", None, None, 0), "owner"),  # an unseen one is current
    Edit(Small("move", -3, 1), "rest"),
    Edit(Small("move", 0, 1), "owner"),  # past it
    Edit(Small("move", 4, 6), "editor"),
    Edit(Scene(5, "new", (0, -1, 1, -6, 2), 0, 3), "admin"),  # who has the first turn of a round is unseen
    Edit(Small("bring", 0, 1, _PLAIN), "owner"),
    Batch((Small("remove", 2), Small("bring", 0, 1, _OBJECTS)), "owner"),  # the same one again
    Edit(Small("strip", 2, 3), "owner"),  # its name
    Batch((Small("add", 0, 4, _PLAIN), Small("next"), Small("move", 6, 2), Small("flip", 0, 1)), "rest"),
    Edit(Small("remove", 5), "rest"),
    Edit(Small("next"), "admin"),
    Edit(Small("nameless", 0, 2, ALL_HIDDEN), "editor"),
    Edit(Small("update", 1, 0, UNSEEN), "editor"),
    Edit(Small("update", 8, 0, _PLAIN), "rest"),  # behind a hidden one
    Edit(Small("flip", 0, 3), "rest"),
    Batch((Small("flip", 0, 3), Small("next")), "owner"),
)
"""With unseen items in an encounter."""

GESTURES: tuple[Step, ...] = (
    *(Gesture("edits", index, "owner") for index in (0, -1, 1, 2)),
    *(Gesture("points", index, "owner") for index in (0, -1, 1, 2)),
    Gesture("points as a viewer", 0, "owner"),
    Flip("viewersMayPoint", "owner", None),
    *(Gesture("points as a viewer", index, "owner") for index in (0, -1, 1, 2)),
)

PLOT: tuple[Step, ...] = (
    Change(0, _OBJECTS, "owner"),
    Change(-1, _OBJECTS, "owner"),
    Command(_OBJECTS, (UNSEEN, ALL_HIDDEN, ALL_SHOWN), "owner"),
    ChangeMissing(KNOWN_KEYS, "editor"),
    Ask(0, "to one", (UNSEEN, ALL_HIDDEN), _BELOW_PUBLIC, OPENING_SCENE),
    *GESTURES,
    *TURNS,
    Flip("showHealth", "editor", _BELOW_PUBLIC),
    Flip("showActions", "rest", None),
    SwapRole(False, (_OBJECTS,), _OBJECTS),
    Change(0, KNOWN_KEYS, "owner"),
    Latecomer(True),
    Flip("blackout", "owner", _OBJECTS),
    Command(_OBJECTS, (KNOWN_KEYS,), "owner"),
    *GESTURES,
    Change(1, Content((), None, (("isHidden", False),)), "owner"),
    Replace((Content((), (3, 9), alias="Alias", has_record=True), UNSEEN), True, True, "admin"),
    Flip("blackout", "owner", None),
    SwapRole(True, (UNSEEN,), KNOWN_KEYS),
    Disclose(()),
)
