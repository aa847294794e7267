"""The names that stay hidden below `public` and in commands: the table row by row, in each spelling."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from libraries.rules import net
from libraries.rules.health import KEYS
from libraries.rules.keys import plain_key
from libraries.rules.net import ALWAYS, HIDDEN, hide_also, strike
from libraries.rules.projection import SWITCHES
from libraries.tests.strategies import as_sent

ALL = frozenset(HIDDEN)
NONE: frozenset[str] = frozenset()

# The keys that the protocol promises to hide, word for word; the table may hide more, never fewer.
PROMISED = {
    ALWAYS: ["gm", "gmNotes", "dmNotes", "secret", "secrets"],
    "showHealth": ["hp", "maxHp", "tempHp", "hitPoints", "health", "temporaryHP", "removedHitPoints"],
    "showAC": ["ac", "armorClass", "armourClass"],
    "showActions": ["actions", "bonusActions", "reactions", "legendaryActions", "lairActions"],
    "showEncounter": ["initiative", "turn", "round", "encounter"],
    "showConditions": ["conditions"],
}
TABLE = [(row, key) for row, keys in HIDDEN.items() for key in sorted(keys)]
SPELLINGS: dict[str, Callable[[str], str]] = {
    "plain": str,
    "upper": str.upper,
    "title": str.title,
    "snake": "_".join,
    "kebab": "-".join,
    "screaming": lambda key: "__".join(key.upper()),
    "spaced": " ".join,
    "wide": lambda key: "".join(chr(ord(letter) + 0xFEE0) for letter in key),
    "joined by nothing": "\u200b".join,
    "accented": lambda key: key + "\u0301",
}


def leaking_keys() -> set[str]:
    """The keys of the table, as it was when the tests began, that pass the net with all switches off."""
    text = as_sent(strike([{"deep": [[{key: f"«{key}»"}]]} for _, key in TABLE], NONE))
    return {key for _, key in TABLE if f"«{key}»" in text}


@pytest.mark.parametrize("row", PROMISED)
def test_the_table_has_the_keys_that_the_protocol_promises(row: str) -> None:
    assert {plain_key(key) for key in PROMISED[row]} <= HIDDEN[row]


def test_the_table_is_complete() -> None:
    assert HIDDEN.keys() == PROMISED.keys()
    assert set(HIDDEN) - {ALWAYS} == set(SWITCHES) - {"healthDisplay"}
    assert all(key == plain_key(key) for _, key in TABLE)
    assert len({key for _, key in TABLE}) == len(TABLE), "a key stands in two rows"
    assert HIDDEN["showHealth"] >= KEYS


@pytest.mark.parametrize("spelling", SPELLINGS)
@pytest.mark.parametrize(("row", "key"), TABLE)
def test_each_key_is_struck_unless_its_switch_is_on(row: str, key: str, spelling: str) -> None:
    written = SPELLINGS[spelling](key)
    assert net.rows_of(written) == (row,)
    for content in ({written: 7}, {"deep": {written: 7}}, {"deep": [[{written: {"value": [7]}}]]}):
        assert "7" not in as_sent(strike(content, ALL - {row}))
        assert "7" not in as_sent(strike(content, NONE))
        assert (strike(content, ALL) == content) is (row != ALWAYS)
        if row != ALWAYS:
            assert strike(content, frozenset({row})) == content


@pytest.mark.parametrize("key", ["shape", "graph", "php", "secretary", "actionsTaken", "place", "background", "name"])
def test_keys_that_only_contain_a_hidden_one_pass(key: str) -> None:
    assert strike({key: 7}, NONE) == {key: 7}
    assert net.rows_of(key) == ()


def test_nothing_leaks() -> None:
    assert leaking_keys() == set()


@pytest.mark.parametrize("row", HIDDEN)
def test_without_a_row_of_the_table_its_keys_would_leak(row: str, table: dict[str, set[str]]) -> None:
    gone = table.pop(row)
    net._index()
    assert leaking_keys() == gone


@pytest.mark.parametrize(("row", "key"), TABLE)
def test_without_a_key_of_the_table_it_would_leak(row: str, key: str, table: dict[str, set[str]]) -> None:
    table[row].remove(key)
    net._index()
    assert leaking_keys() == {key}


def test_a_site_can_hide_more_keys(table: dict[str, set[str]]) -> None:
    hide_also({"showHealth": ["Wound-Points"], ALWAYS: ["plot"]})
    assert strike({"woundPoints": 3, "Plot": "twist", "x": 1}, NONE) == {"x": 1}
    assert strike({"wound_points": 3, "plot": "twist"}, ALL) == {"wound_points": 3}
    assert leaking_keys() == set()


@pytest.mark.parametrize(("row", "key"), [("showAC", "gm"), ("showAC", "hp"), ("showHealth", "turn")])
def test_a_key_in_two_rows_is_hidden_by_both(row: str, key: str, table: dict[str, set[str]]) -> None:
    # A site that adds a key to a row must not reveal it in another.
    before = next(name for name, keys in table.items() if key in keys)
    hide_also({row: [key]})
    assert strike({key: 7}, frozenset({row})) == {}
    assert strike({key: 7}, frozenset({before})) == {}
    assert strike({key: 7}, frozenset({row, before})) == ({} if before == ALWAYS else {key: 7})


def test_a_site_cannot_add_a_row(table: dict[str, set[str]]) -> None:
    with pytest.raises(ValueError, match="“showSpells” is not one of always, showHealth"):
        hide_also({"showSpells": ["spells"]})


def test_what_passes_is_a_copy() -> None:
    content: dict[str, Any] = {"x": 1.5, "tags": [1, True, None, [{"a": {}}]]}
    passed = strike(content, NONE)
    assert passed == content
    passed["tags"][3][0]["a"]["b"] = 1
    assert content["tags"][3] == [{"a": {}}]
    assert strike(({"hp": 1}, 2), NONE) == [{}, 2]
