"""The results of a part of the fuzzer: how many inputs it tried, and what it found."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

SHOWN_INPUT_CHARS = 600


@dataclass(frozen=True)
class Finding:
    """Something that a client can do and should not be able to.

    `where` is a function, an operation or a server; `what` a sentence; `given` the input, for people; `name` the input
    for `python -m fuzz --repeat`.
    """

    where: str
    what: str
    given: str
    name: str

    def __str__(self) -> str:
        shown = self.given if len(self.given) <= SHOWN_INPUT_CHARS else f"{self.given[:SHOWN_INPUT_CHARS]}…"
        return f"{self.where}: {self.what}\n    input: {shown}\n    again: python -m fuzz --repeat '{self.name}'"


@dataclass
class Outcome:
    """The results of one part: inputs by target, and findings."""

    part: str
    tried: Counter[str] = field(default_factory=Counter)
    findings: list[Finding] = field(default_factory=list)

    def __str__(self) -> str:
        each = ", ".join(f"{name} {count:,}" for name, count in sorted(self.tried.items()))
        return f"{self.part}: {sum(self.tried.values()):,} inputs, {len(self.findings)} findings ({each})"
