"""JSON texts of any length made after one plan: wide, deep, long keys over long lists, many items of many keys.

A plan is a tree. Each of its nodes divides its bytes among its children in its own way, which is the same for every
length.
"""

from __future__ import annotations

import json
import math
import random
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from fuzz import fragments, texts
from fuzz.texts import Text

TOKENS = ("0", "1", "-1.5", "1e5", "true", "false", "null", '""', "[]", "{}", '"a"', '"9"', '"http://a"')
NUMBERS = ("{}", "-{}", "0.{}", "1e{}", "{}.5")
DEEP = (("[", "]"), ('{{"{}":', "}}"), ('[{{"{}":', "}}]"))
SMALL_BYTES = 8
MAX_ITEMS = 500
"""The limit of a portal view; more are refused before they are checked (`libraries.rules.state.MAX_ITEMS`)."""
MAX_PLAN_DEPTH = 4


class Plan(Protocol):
    """Something that makes JSON of a given length."""

    def build(self, size: int) -> str:
        """The text, of about `size` bytes."""


class Share(StrEnum):
    """The share of the bytes that one child gets: few, the square root, a half, or all of them."""

    FEW = "few"
    ROOT = "√n"
    HALF = "n/2"
    ALL = "n"

    def of(self, size: int) -> int:
        """The bytes."""
        match self:
            case Share.FEW:
                return min(size, SMALL_BYTES)
            case Share.ROOT:
                return math.isqrt(max(size, 0))
            case Share.HALF:
                return size // 2
        return size


@dataclass(frozen=True)
class Token:
    """A short value, independent of the length."""

    text: str

    def build(self, size: int) -> str:
        """The JSON, of about that many bytes."""
        return self.text

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True)
class Number:
    """A number with many digits."""

    form: str

    def build(self, size: int) -> str:
        """The JSON, of about that many bytes."""
        return self.form.format("1" * max(1, size))

    def __str__(self) -> str:
        return f"number {self.form.format('1…')}"


@dataclass(frozen=True)
class Quoted:
    """A text; with `escaped` its characters are written as `\\uXXXX`, and take more bytes."""

    text: Text
    escaped: bool

    def build(self, size: int) -> str:
        """The JSON, of about that many bytes."""
        return json.dumps(self.text.build(max(1, size - 2)), ensure_ascii=self.escaped)

    def __str__(self) -> str:
        return f"text {self.text}{' (escaped)' if self.escaped else ''}"


@dataclass(frozen=True)
class Many:
    """A list; each of its values gets its `share`."""

    value: Plan
    share: Share

    def build(self, size: int) -> str:
        """The JSON, of about that many bytes."""
        one = self.value.build(self.share.of(size))
        return f"[{','.join([one] * max(1, size // (_bytes(one) + 1)))}]"

    def __str__(self) -> str:
        return f"list of {{{self.value}}} of {self.share} bytes each"


@dataclass(frozen=True)
class Entries:
    """An object; each of its entries gets its `share`, and each key `key_share` of that.

    Without `distinct` all keys are equal, and the last counts.
    """

    key: Text
    key_share: Share
    share: Share
    value: Plan
    distinct: bool

    def build(self, size: int) -> str:
        """The JSON, of about that many bytes."""
        return "{" + ",".join(self.entries(size)) + "}"

    def entries(self, size: int) -> list[str]:
        """The entries that an object of that length has."""
        each = self.share.of(size)
        key = self.key.build(max(1, self.key_share.of(each)) if self.share is not Share.FEW else SMALL_BYTES)
        value = self.value.build(max(1, each - _bytes(key)))
        one = _bytes(key) + _bytes(value) + 4
        return [f"{self._key(key, place)}:{value}" for place in range(max(1, size // one))]

    def _key(self, key: str, place: int) -> str:
        return json.dumps(f"{key}{place}" if self.distinct and place else key, ensure_ascii=False)

    def __str__(self) -> str:
        alike = "" if self.distinct else " all with one key"
        return f"object of {self.share} an entry{alike}, keys {{{self.key}}} of {self.key_share}: {{{self.value}}}"


@dataclass(frozen=True)
class Word:
    """An object with one entry, under a key that the code knows."""

    key: str
    value: Plan

    def build(self, size: int) -> str:
        """The JSON, of about that many bytes."""
        return f'{{"{self.key}":{self.value.build(max(1, size - len(self.key) - 6))}}}'

    def __str__(self) -> str:
        return f'"{self.key}": {{{self.value}}}'


@dataclass(frozen=True)
class Deep:
    """As many levels as there is room for, closed again or not."""

    opening: str
    closing: str
    inner: Plan

    def build(self, size: int) -> str:
        """The JSON, of about that many bytes."""
        levels = max(1, size // (_bytes(self.opening) + len(self.closing)))
        return self.opening * levels + self.inner.build(SMALL_BYTES) + self.closing * levels

    def __str__(self) -> str:
        return f"{self.opening!r} × n, {self.inner}, {self.closing!r} × n"


@dataclass(frozen=True)
class Items:
    """A portal view's items, each with its own id and the entries of an object."""

    item: Entries
    share: Share

    def build(self, size: int) -> str:
        """The JSON, of about that many bytes."""
        each = max(self.share.of(size), size // MAX_ITEMS)
        entries = ",".join(self.item.entries(max(1, each - 12)))
        count = max(1, min(MAX_ITEMS, size // (_bytes(entries) + 16)))
        return '{"items":[' + ",".join(f'{{"id":"{place}",{entries}}}' for place in range(count)) + "]}"

    def __str__(self) -> str:
        return f"items of {self.share} bytes, each an {self.item}"


def draw(rng: random.Random) -> Plan:
    """Some plan; most are objects, as most messages and bodies are."""
    roll = rng.random()
    if roll < 0.55:
        return _draw_entries(rng, 1)
    if roll < 0.75:
        return draw_items(rng)
    if roll < 0.85:
        return Word(rng.choice(fragments.vocabulary()), _draw_value(rng, 1))
    return _draw_value(rng, 1)


def draw_object(rng: random.Random) -> Plan:
    """A plan whose texts are objects."""
    plan = draw(rng)
    return plan if isinstance(plan, Entries | Items | Word) else Word(rng.choice(fragments.vocabulary()), plan)


def draw_items(rng: random.Random) -> Plan:
    """A plan whose texts are usually valid patches of items."""
    return Items(_draw_entries(rng, 2), rng.choice((Share.FEW, Share.ROOT, Share.HALF, Share.ALL)))


def _draw_entries(rng: random.Random, depth: int) -> Entries:
    key = texts.draw(rng) if rng.random() < 0.6 else Text("", (rng.choice(fragments.vocabulary()),), "")
    shares = list(Share)
    return Entries(key, rng.choice(shares[1:3]), rng.choice(shares), _draw_value(rng, depth + 1), rng.random() < 0.85)


def _draw_value(rng: random.Random, depth: int) -> Plan:
    roll = rng.random()
    if depth > MAX_PLAN_DEPTH or roll < 0.2:
        return Token(rng.choice(TOKENS))
    if roll < 0.45:
        return Quoted(texts.draw(rng), rng.random() < 0.2)
    if roll < 0.5:
        return Number(rng.choice(NUMBERS))
    if roll < 0.8:
        return Many(_draw_value(rng, depth + 1), rng.choice((Share.FEW, Share.FEW, Share.ROOT, Share.HALF)))
    if roll < 0.95:
        return _draw_entries(rng, depth + 1)
    opening, closing = rng.choice(DEEP)
    return Deep(opening.format(rng.choice(fragments.vocabulary())), closing.format(), Token(rng.choice(TOKENS)))


def _bytes(text: str) -> int:
    return len(text.encode(errors="surrogatepass"))
