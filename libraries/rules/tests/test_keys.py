"""Keys in all their spellings, forbidden keys, and keys of addresses."""

from __future__ import annotations

import sys
import time
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from libraries.rules.keys import (
    MAX_KEY_CHARS,
    REFUSED_KEYS,
    URL_KEYS,
    check_key,
    check_no_prototype,
    is_url_key,
    plain_key,
)
from libraries.rules.net import HIDDEN, strike


@pytest.mark.parametrize(
    ("spelling", "plain"),
    [
        ("maxHp", "maxhp"),
        ("max_hp", "maxhp"),
        ("MAX-HP", "maxhp"),
        ("  max . hp  ", "maxhp"),
        ("__hp__", "hp"),
        ("ｍａｘＨＰ", "maxhp"),
        ("h\u200bp", "hp"),
        ("h\u00adp", "hp"),
        ("h\u0301p\u0323", "hp"),
        ("hṕ", "hp"),
        ("H\u0130TPO\u0130NTS", "hitpoints"),
        ("ſecret", "secret"),
        ("\u210d\u2119", "hp"),
        ("Übung", "ubung"),
        ("生命", "生命"),
        ("_", ""),
        ("㏋", "hp"),
        ("ⓗⓟ", "hp"),
        ("⒣⒫", "hp"),
        ("🄷🄿", "hp"),
        ("🅗🅟", "hp"),
        ("🅷🅿", "hp"),
        ("🇭🇵", "hp"),
        ("ʰᵖ", "hp"),
        ("𝓂𝓪𝕩ⓗⓟ", "maxhp"),
        ("\u3164h\u115fp\u1160\uffa0", "hp"),
        ("h\U00013441p\U00013442", "hp"),
        ("h\u034f\ufe0f\u180ep\U000e0061\U000e0100", "hp"),
        ("h\u2800p", "hp"),
        ("ﷺ", "صلىاللهعليهوسلم"),
    ],
)
def test_a_key_is_compared_without_case_and_marks(spelling: str, plain: str) -> None:
    assert plain_key(spelling) == plain


@given(st.text())
@example("h" * 41)
def test_the_plain_form_of_a_plain_key_is_the_same(key: str) -> None:
    assert plain_key(plain_key(key)) == plain_key(key)


@given(st.text(alphabet=st.characters(codec="ascii", categories=["L", "N"]), min_size=1), st.data())
def test_marks_and_case_never_matter(key: str, data: st.DataObject) -> None:
    marks = st.text(alphabet="_- .\u200b\u0301", max_size=2)
    cases = st.sampled_from([str.upper, str.lower])
    spelling = "".join(data.draw(cases)(letter) + data.draw(marks) for letter in key)
    assert plain_key(spelling) == key.lower()


@given(st.text(min_size=60, max_size=200))
def test_a_long_key_is_treated_like_a_short_one(key: str) -> None:
    assert plain_key(key) == "".join(map(plain_key, key))


def test_a_long_row_of_marks_takes_no_time() -> None:
    # Unicode orders marks by insertion: these would take minutes.
    key = "a" + "\u0315\u0300" * 60_000
    started = time.process_time()
    assert plain_key(key) == "a"
    assert time.process_time() - started < 1


@pytest.mark.parametrize("key", [*sorted(URL_KEYS), "IMAGE", "map_image", "imageURL", "images", "token-src", "hrefs"])
def test_keys_of_addresses_are_recognised(key: str) -> None:
    assert is_url_key(key)


@pytest.mark.parametrize("key", ["name", "note", "urls of this town", "imagery", "sources", "", "_"])
def test_other_keys_are_not_recognised_as_addresses(key: str) -> None:
    assert not is_url_key(key)


# --- Forbidden keys ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", sorted(REFUSED_KEYS))
def test_a_key_that_every_object_has_is_refused(key: str) -> None:
    for check in (check_key, check_no_prototype):
        with pytest.raises(ValueError, match=f"^The name {key} is not possible: .*\\.$"):
            check(key)


@pytest.mark.parametrize("key", ["proto", "__proto", "Constructor", "prototypes", "k" * MAX_KEY_CHARS, ""])
def test_other_keys_are_allowed(key: str) -> None:
    check_key(key)


def test_a_key_has_at_most_the_maximum_length() -> None:
    with pytest.raises(ValueError, match="at most 128 characters"):
        check_key("ﷺ" * (MAX_KEY_CHARS + 1))


# --- Spellings that are in no list ------------------------------------------------------------------------

CHARACTERS = [chr(code) for code in range(sys.maxunicode + 1)]
INVISIBLE = [mark for mark in CHARACTERS if unicodedata.category(mark) in {"Cc", "Cf", "Mn", "Me", "Zs", "Zl", "Zp"}]
INVISIBLE += ["\u115f", "\u1160", "\u3164", "\uffa0", "\u2800", *map(chr, range(0xE0000, 0xE1000))]
HIDDEN_KEYS = sorted(key for row in HIDDEN.values() for key in row)


def spellings() -> dict[str, list[str]]:
    """The characters that Unicode decomposes into each letter: wide, raised, framed, accented ones."""
    found: dict[str, list[str]] = {letter: [] for letter in "".join(HIDDEN_KEYS)}
    for mark in CHARACTERS:
        base = "".join(part for part in unicodedata.normalize("NFKD", mark) if part.isalnum()).casefold()
        if base in found:
            found[base].append(mark)
    return found


SPELLINGS = spellings()


def test_no_mark_is_a_letter() -> None:
    # Lower-casing turns the mark U+0345 into the letter iota.
    assert {mark for mark in INVISIBLE if plain_key(f"h{mark}p") != "hp"} == set()


@given(st.sampled_from(HIDDEN_KEYS), st.data())
def test_every_spelling_of_a_hidden_key_is_hidden(key: str, data: st.DataObject) -> None:
    unseen = st.text(st.sampled_from(INVISIBLE), max_size=2)
    spelling = data.draw(unseen)
    for letter in key:
        spelling += data.draw(st.sampled_from(SPELLINGS[letter])) + data.draw(unseen)
    assert plain_key(spelling) == key
    assert strike({spelling: "mark"}, ()) == {}
    assert strike({"zoom": [{spelling: "mark"}]}, ()) == {"zoom": [{}]}


@pytest.mark.parametrize("mark", ["ﷺ", "\u3164", "\u0315", "\U000e0061", "h"])
def test_a_long_key_stored_earlier_is_still_hidden_at_low_cost(mark: str) -> None:
    stored = {f"h{mark * 10_000 if mark != 'h' else ''}p": 1, mark * 10_000: "x"}
    started = time.process_time()
    shown = strike(stored, ())
    assert time.process_time() - started < 1
    assert list(shown) == [key for key in stored if plain_key(key) != "hp"]
