"""Texts of any length made after one plan, so that the cost of a short one can be compared with that of a long one."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

from fuzz import fragments

FITTINGS = 20


@dataclass(frozen=True)
class Text:
    """`before`, then `cycle` again and again, then `after`: in UTF-8 about as long as requested, never longer."""

    before: str
    cycle: tuple[str, ...]
    after: str

    def build(self, size: int) -> str:
        """The text in `size` bytes; the ends are omitted if there is no room for them."""
        room = size - _bytes(self.before) - _bytes(self.after)
        before, after = (self.before, self.after) if room > 0 else ("", "")
        room = room if room > 0 else size
        once = "".join(self.cycle)
        times, rest = divmod(room, _bytes(once))
        body = once * times
        for fragment in self.cycle:
            rest -= _bytes(fragment)
            if rest < 0:
                break
            body += fragment
        return before + body + after

    def __str__(self) -> str:
        ends = [ascii(end) if end else "" for end in (self.before, self.after)]
        return " + ".join(piece for piece in (ends[0], f"{ascii(''.join(self.cycle))} × n", ends[1]) if piece)


def draw(rng: random.Random, home: str = "") -> Text:
    """Some plan: mostly few fragments, often of one class, rarely with different ends.

    `home` is the module under test: words that it looks for are drawn more often.
    """
    count = rng.choice((1, 1, 1, 2, 2, 3, 5))
    alike = rng.random() < 0.5
    cycle = fragments.draw_alike(rng, count, home)
    if not alike:
        cycle = tuple(fragments.draw(rng, home) for _ in range(count))
    before = fragments.draw(rng, home) if rng.random() < 0.3 else ""
    after = fragments.draw(rng, home) if rng.random() < 0.3 else ""
    return Text(before, cycle, after)


def draw_in_turn(rng: random.Random, home: str, number: int) -> Text:
    """The plan with that number for a module: every second is a word that the module looks for, until all were tried.

    Some of the others have a hundred fragments.
    """
    own = fragments.literals(home)
    place, others = divmod(number, 2)
    if not others and place < len(own):
        return Text("", (own[place],), "")
    if rng.random() < 0.1:
        return Text("", tuple(fragments.draw(rng, home) for _ in range(rng.randrange(50, 300))), "")
    return draw(rng, home)


def fitted(build: Callable[[int], str], size: int) -> str:
    """A text of at most `size` bytes, from a maker whose texts may be longer than requested; empty if none fits."""
    asked = size
    for _ in range(FITTINGS):
        made = build(max(1, asked))
        if _bytes(made) <= size:
            return made
        asked = min(asked * size // _bytes(made), asked * 3 // 4)
    return ""


def _bytes(text: str) -> int:
    return len(text.encode(errors="surrogatepass"))
