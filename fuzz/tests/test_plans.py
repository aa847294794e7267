"""Inputs after a plan: with the given length, reproducible, and of all classes."""

from __future__ import annotations

import json
import random
import re

import pytest

from fuzz import documents, fragments, octets, texts, wires
from fuzz.documents import Entries, Items, Share, Token
from fuzz.texts import Text

SEEDS = range(200)


@pytest.mark.parametrize("size", [10, 1_000, 30_000])
def test_a_text_has_the_given_length(size: int) -> None:
    for seed in SEEDS:
        text = texts.draw(random.Random(seed))
        made = len(text.build(size).encode(errors="surrogatepass"))
        longest = max(len(fragment.encode(errors="surrogatepass")) for fragment in text.cycle)
        assert size - longest < made <= size, text


def test_a_longer_text_starts_like_a_shorter_one() -> None:
    text = Text("<", ("ab", "c"), ">")
    assert text.build(8) == "<abcabc>"
    assert text.build(10) == "<abcabcab>"
    assert text.build(1) == ""
    assert str(text) == "'<' + 'abc' × n + '>'"


def test_documents_are_not_longer_than_requested() -> None:
    for seed in SEEDS:
        plan = documents.draw(random.Random(seed))
        sizes = [len(texts.fitted(plan.build, size).encode(errors="surrogatepass")) for size in (8_000, 64_000)]
        assert sizes[0] <= 8_000, plan
        assert sizes[0] <= sizes[1] <= 64_000, plan


def test_most_documents_are_json() -> None:
    read = 0
    for seed in SEEDS:
        try:
            json.loads(documents.draw_object(random.Random(seed)).build(2_000))
        except (ValueError, RecursionError):
            continue
        read += 1
    assert read > len(SEEDS) * 0.9


def test_items_have_their_own_ids() -> None:
    item = Entries(Text("", ("hp",), ""), Share.FEW, Share.FEW, Token("1"), True)
    items = json.loads(Items(item, Share.ROOT).build(5_000))["items"]
    assert len({item["id"] for item in items}) == len(items) > 1


def test_the_same_seed_makes_the_same_input() -> None:
    for draw in (texts.draw, documents.draw, wires.draw):
        one, other = (str(draw(random.Random(7))) for _ in range(2))
        assert one == other
    assert octets.conversation(random.Random(7)) == octets.conversation(random.Random(7))


def test_frames_fill_a_read() -> None:
    for seed in SEEDS:
        assert 0 < len(wires.draw(random.Random(seed)).build(20_000)) <= 20_000


def test_the_words_of_patterns_are_found() -> None:
    assert {"token", "eyJ", "bearer"} <= set(fragments.literals("portal.redaction"))
    assert {"hp", "items", "type", "url"} <= set(fragments.vocabulary())


def test_characters_that_grow_are_among_the_fragments() -> None:
    rng = random.Random(1)
    drawn = {fragments.draw(rng) for _ in range(20_000)}
    assert "\ufdfa" in drawn  # it becomes eighteen characters
    assert any(re.match(r"[\u0300-\u036f]", fragment) for fragment in drawn)
