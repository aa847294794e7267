"""Texts of any length made after one plan, so that the cost of a short one can be compared with that of a long one."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

from fuzz import fragments


@dataclass(frozen=True)
class Text:
    """`before`, then `cycle` again and again, then `after`: as UTF-8 about as long as asked for, never longer."""

    before: str
    cycle: tuple[str, ...]
    after: str

    def build(self, size: int) -> str:
        """The text in `size` bytes; the ends are left out where there is no room for them."""
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
    """Some plan: mostly few fragments, often of one class, rarely with ends of their own.

    `home` is the module of what it is for: words that this looks for are drawn more often.
    """
    count = rng.choice((1, 1, 1, 2, 2, 3, 5))
    alike = rng.random() < 0.5
    cycle = fragments.draw_alike(rng, count, home)
    if not alike:
        cycle = tuple(fragments.draw(rng, home) for _ in range(count))
    before = fragments.draw(rng, home) if rng.random() < 0.3 else ""
    after = fragments.draw(rng, home) if rng.random() < 0.3 else ""
    return Text(before, cycle, after)


def draw_any(rng: random.Random, home: str) -> Text:
    """As `draw`; some plans are one word that the module looks for, some are of a hundred fragments."""
    roll = rng.random()
    own = fragments.literals(home)
    if own and roll < 0.25:
        return Text("", (rng.choice(own),), "")
    if roll > 0.9:
        return Text("", tuple(fragments.draw(rng, home) for _ in range(rng.randrange(50, 300))), "")
    return draw(rng, home)


def fitted(build: Callable[[int], str], size: int) -> str:
    """A text of at most `size` bytes, of what builds texts that may be longer than asked for; empty if none fits."""
    asked = size
    for _ in range(4):
        made = build(max(1, asked))
        if _bytes(made) <= size:
            return made
        asked = asked * size // _bytes(made) - 1
    return ""


def _bytes(text: str) -> int:
    return len(text.encode(errors="surrogatepass"))
