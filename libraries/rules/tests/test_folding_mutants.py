"""The tests of folding and of traces find mistakes: with each of these broken functions one of them fails."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from random import Random
from typing import Any

import pytest

from libraries.rules import draft, edits, encounter, projection
from libraries.rules.tests import test_folding, test_traces
from realtime.news import compose

TRIES = 120


def play_folding(seed: int) -> None:
    random = Random(seed)  # noqa: S311  # to be repeated
    numbers = [(random.randint(0, 1), random.randint(1, 2), random.randrange(2**32)) for _ in range(20)]
    test_folding.play(numbers, discloses=seed % 3 == 0, fights=seed % 2 == 0)


def play_traces(seed: int) -> None:
    random = Random(seed)  # noqa: S311  # to be repeated
    kinds = test_traces.kinds
    steps = [(random.sample(kinds, random.choice([1, 1, 2])), random.randrange(2**32)) for _ in range(20)]
    test_traces.play(steps, (seed, seed + 1))


def play_many(play: Callable[[int], None]) -> None:
    for seed in range(TRIES):
        play(seed)


_placed, _reveal, _message, _settled = edits._behind, draft.Draft._reveal, compose._message, projection.settled_seen


def _revealed_unsaid(self: draft.Draft, before: Any, after: Any) -> None:
    named = {item_id: set(keys) for item_id, keys in self.named_items.items()}
    _reveal(self, before, after)
    self.named_items = named


def _without_beside(seen: edits.Seen, version: int | None) -> Any:
    return _message(edits.Seen({} if seen.edits else seen.patch, seen.edits), version)


def _turn_as_it_is(encounter: Mapping[str, Any], is_seen: Callable[[str], bool], _shows: object) -> dict[str, Any]:
    return {**encounter, "order": [dict(entry) for entry in encounter["order"] if is_seen(entry["itemId"])]}


def _round_as_it_is(
    given: Mapping[str, Any], is_seen: Callable[[str], bool], shows: Callable[[str], bool]
) -> dict[str, Any]:
    return {**encounter.seen(given, is_seen, shows), "round": given["round"]}


def _all_seen(given: Mapping[str, Any], _is_seen: object, shows: Callable[[str], bool]) -> dict[str, Any]:
    return encounter.seen(given, lambda item_id: True, shows)


def _current_as_it_is(state: Mapping[str, Any]) -> dict[str, Any]:
    return {**_settled(state), "camera": state["camera"]}


MUTANTS: dict[str, tuple[Callable[[int], None], Callable[..., Any]]] = {
    # A wrong index, and no index
    "libraries.rules.edits._behind": (
        play_folding,
        lambda order, previous: min(_placed(order, previous) + 1, len(order)),
    ),
    "libraries.rules.edits.place_of": (play_traces, lambda items, index: index),
    "libraries.rules.edits._stands_behind": (play_folding, lambda order, previous, item_id: True),
    # Null that removes nothing, and a key that is gone without a null
    "libraries.rules.draft._merged": (play_folding, lambda item, patch: {**item, **patch}),
    "libraries.rules.edits.delta": (play_folding, projection.difference),
    # The current item, the camera and the encounter are forgotten, or do not follow
    "libraries.rules.edits.settled_seen": (play_folding, lambda state: {}),
    "libraries.rules.draft.without": (play_folding, lambda encounter, stays: encounter),
    "realtime.news.compose._message": (play_folding, _without_beside),
    # Who comes into sight, or is added again, or is revealed
    "libraries.rules.edits._sights": (play_folding, lambda draft: []),
    "libraries.rules.draft.Draft._reveal": (play_folding, _revealed_unsaid),
    # The `ack` without what the server has changed
    "libraries.rules.draft.Draft._beyond": (play_folding, lambda self, started, sent: {}),
    "libraries.rules.draft.Draft._corrections": (play_folding, lambda self: ()),
    "libraries.rules.draft.Draft._is_as_sent": (play_folding, lambda self: True),
    # Turns and cameras of what is not seen
    "libraries.rules.projection.seen": (play_traces, _turn_as_it_is),
    "libraries.rules.projection.settled_seen": (play_traces, _current_as_it_is),
    "libraries.rules.projection.is_seen": (play_traces, lambda item: True),
}
"""The test that fails, and the broken function, by the name of the one that it replaces."""
MORE = {"round": _round_as_it_is, "order": _all_seen}


@pytest.mark.parametrize("name", MUTANTS)
def test_with_a_broken_function_a_test_fails(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    play, broken = MUTANTS[name]
    monkeypatch.setattr(name, broken)
    with pytest.raises((AssertionError, LookupError)):
        play_many(play)


@pytest.mark.parametrize("what", MORE)
def test_with_a_turn_that_viewers_should_not_see_a_test_fails(what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("libraries.rules.projection.seen", MORE[what])
    with pytest.raises((AssertionError, LookupError)):
        play_many(play_traces)


def test_without_a_broken_function_none_fails() -> None:
    for seed in range(20):
        play_folding(seed)
        play_traces(seed)
