"""The content of `manage.py demo`: five people, a library, and an evening at the table. Data only.

An item's `type` tells a page how to draw it: `image`, `handout`, `token`, `stat-block`, `note` or `encounter`. All
items have a `name`; `image` and `text` hold the content to look at and to read. The last is a record in Open5e's
format, as somebody would paste it; the library's disclosure says what viewers see of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from libraries.rules.presets import presets
from libraries.rules.roles import Role

PASSWORD = "roll-for-initiative"  # noqa: S105  # known to everybody: the command refuses to make it in production
LIBRARY_ID = UUID("de300000-0000-4000-8000-000000000001")
PORTAL_VIEW_ID = UUID("de300000-0000-4000-8000-000000000002")
LIBRARY_NAME = "The Drowned Bell"
LIBRARY_DESCRIPTION = "An evening on the coast of Saltmarrow, for two heroes and whoever comes along."


@dataclass(frozen=True)
class DemoPerson:
    """A person of the demo; `role` is None for a person who is not a member of its library."""

    key: str
    email: str
    name: str
    role: Role | None
    does: str
    is_admin: bool = False


PEOPLE = (
    DemoPerson("controller", "owner@example.com", "Mara", Role.OWNER, "owns the library and decides what is shown"),
    DemoPerson("editor", "editor@example.com", "Jonas", Role.EDITOR, "decides what is shown, too"),
    DemoPerson("viewer", "viewer@example.com", "Lin", Role.VIEWER, "sees what is shown"),
    DemoPerson("stranger", "stranger@example.com", "Sam", None, "belongs to no library and sees nothing"),
    DemoPerson("admin", "admin@example.com", "Ada", None, "may do everything in the admin", is_admin=True),
)

ITEMS: list[dict[str, Any]] = [
    {
        "id": "coast",
        "type": "image",
        "name": "The coast of Saltmarrow",
        "image": "/static/demo/coast.svg",
        "text": "Low tide. The causeway to the lighthouse lies dry for two hours.",
        "gmNotes": "Nobody says it aloud, but the tide comes back early tonight: after one hour, not two.",
    },
    {
        "id": "letter",
        "type": "handout",
        "name": "A letter, still wet",
        "image": "/static/demo/letter.svg",
        "text": "“Do not ring it. Whatever you hear below the water, do not ring it. — H.”",
        "secret": "H. is Hobb, the keeper's brother, and he drowned eleven years ago.",
    },
    {
        "id": "ilse",
        "type": "token",
        "name": "Ilse Varn",
        "image": "/static/demo/ilse.svg",
        "text": "Ranger of the salt marshes",
        "hp": 27,
        "maxHp": 31,
        "ac": 15,
        "initiative": 17,
        "conditions": ["hidden"],
        "actions": [
            {"name": "Longbow", "text": "+6 to hit, range 150 ft., 1d8 + 4 piercing"},
            {"name": "Short sword", "text": "+6 to hit, 1d6 + 4 piercing"},
        ],
    },
    {
        "id": "oren",
        "type": "token",
        "name": "Brother Oren",
        "image": "/static/demo/oren.svg",
        "text": "Cleric of the lantern",
        "hp": 11,
        "maxHp": 24,
        "tempHp": 5,
        "ac": 18,
        "initiative": 9,
        "conditions": [],
        "actions": [
            {"name": "Mace", "text": "+4 to hit, 1d6 + 2 bludgeoning"},
            {"name": "Lantern's mercy", "text": "A creature within 30 ft. regains 1d4 + 3 hit points"},
        ],
    },
    {
        "id": "warden",
        "type": "stat-block",
        "name": "The Bell Warden",
        "image": "/static/demo/warden.svg",
        "text": "Large undead. Water runs from it without end, and somewhere inside it a bell swings.",
        "show": {"health": "bar"},
        "hp": 68,
        "maxHp": 90,
        "ac": 16,
        "initiative": 14,
        "public": {"sound": "A bell, far below", "reach": "Its chain is longer than a boat"},
        "speed": "30 ft., swim 40 ft.",
        "abilities": {"str": 19, "dex": 9, "con": 18, "int": 8, "wis": 13, "cha": 15},
        "actions": [
            {"name": "Anchor chain", "text": "+7 to hit, reach 15 ft., 2d8 + 4 bludgeoning and a pull of 10 ft."},
            {"name": "Toll", "text": "Each creature within 30 ft.: DC 14 Constitution or deafened and 3d6 thunder"},
        ],
        "reactions": [{"name": "Undertow", "text": "When hit in melee, it slides 10 ft. through any water"}],
        "gmNotes": "Below 20 hit points it makes for the sea. It stops at once if somebody calls it Hobb.",
    },
    {
        "id": "keeper",
        "type": "token",
        "name": "Hobb the drowned",
        "alias": "The lighthouse keeper",
        "image": "/static/demo/keeper.svg",
        "text": "He offers tea, and never drinks any himself.",
        "hp": 9,
        "maxHp": 9,
        "ac": 10,
        "gmNotes": "The keeper is the brother. Nobody at the table has noticed that his coat never dries.",
    },
    {
        "id": "ghoul",
        "type": "token",
        "name": "Tide ghoul",
        "image": "/static/demo/ghoul.svg",
        "text": "It waits below the third arch of the causeway.",
        "visible": False,
        "revealOnTurn": True,
        "hp": 22,
        "maxHp": 22,
        "ac": 12,
        "initiative": 12,
        "actions": [{"name": "Claws", "text": "+4 to hit, 2d4 + 2 slashing, DC 10 Constitution or paralysed"}],
        "gmNotes": "It comes out of the water when its turn comes, whoever lingers on the causeway.",
    },
    {
        "id": "clues",
        "type": "note",
        "name": "What we know",
        "text": "The bell went down with the old church.\nThe keeper pays for a silence nobody has asked him for.\n"
        "Every tenth wave is warm.",
        "gmNotes": "The third line is a false trail; let them have it.",
    },
    {
        "id": "lanternfish",
        "slug": "lantern-fish-swarm",
        "name": "Swarm of lantern fish",
        "size": "Medium",
        "type": "swarm",
        "img_main": "/static/demo/lanternfish.svg",
        "desc": "They gather where somebody is about to drown.",
        "alignment": "unaligned",
        "armor_class": 13,
        "hit_points": 24,
        "hit_dice": "7d6",
        "strength": 4,
        "dexterity": 17,
        "challenge_rating": "1/2",
        "senses": "blind beyond 30 ft.",
        "actions": [{"name": "Nibble", "desc": "+5 to hit, 2d6 piercing", "attack_bonus": 5}],
        "special_abilities": [{"name": "False shore", "desc": "At night its light looks like a harbour's."}],
    },
]
DISCLOSURE = presets()["open5e"].disclosure

PORTAL_VIEW: dict[str, Any] = {
    "name": "The table",
    "showEncounter": True,
    "showHealth": False,
    "showAC": False,
    "showActions": False,
    "healthDisplay": "bar",
    "currentItem": 0,
    "encounter": {
        "round": 2,
        "turn": "warden",
        "order": [
            {"itemId": "ilse", "initiative": 17},
            {"itemId": "warden", "initiative": 14},
            {"itemId": "ghoul", "initiative": 12},
            {"itemId": "oren", "initiative": 9},
        ],
    },
    "items": ITEMS,
}
