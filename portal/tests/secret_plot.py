"""One dense sequence of steps, played before the random ones: with most broken rules something shows in it at once."""

from __future__ import annotations

from portal.tests.secret_garden import ALL_HIDDEN, ALL_SHOWN, KNOWN_KEYS, UNSEEN, Content, Plant
from portal.tests.secret_names import FLAGS
from portal.tests.secret_paths import Rows
from portal.tests.secret_steps import (
    OPENING_SCENE,
    Ask,
    Beginning,
    Change,
    ChangeMissing,
    Command,
    Disclose,
    Flip,
    Latecomer,
    Replace,
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
_OBJECTS = Content((Plant("hp", "object", 0), Plant("conditions", "entries", 1), Plant("plan", "text", 2)), (3, 9))
_BELOW_PUBLIC = Content((Plant("hp", "number", 4), Plant("gm", "text", 4), Plant("secret", "text", 0)))

PLOT: tuple[Step, ...] = (
    Change(0, _OBJECTS, "owner"),
    Change(-1, _OBJECTS, "owner"),
    Command(_OBJECTS, (UNSEEN, ALL_HIDDEN, ALL_SHOWN), "owner"),
    ChangeMissing(KNOWN_KEYS, "editor"),
    Ask(0, "to one", (UNSEEN, ALL_HIDDEN), _BELOW_PUBLIC, OPENING_SCENE),
    Flip("showHealth", "editor", _BELOW_PUBLIC),
    Flip("showActions", "rest", None),
    SwapRole(False, (_OBJECTS,), _OBJECTS),
    Change(0, KNOWN_KEYS, "owner"),
    Latecomer(True),
    Flip("blackout", "owner", _OBJECTS),
    Command(_OBJECTS, (KNOWN_KEYS,), "owner"),
    Change(1, Content((), None, (("isHidden", False),)), "owner"),
    Replace((Content((), (3, 9), alias="Alias", has_record=True), UNSEEN), True, True, "admin"),
    Flip("blackout", "owner", None),
    SwapRole(True, (UNSEEN,), KNOWN_KEYS),
    Disclose(()),
)
