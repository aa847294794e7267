"""The attacks with what is over in a moment: activity and pointers."""

from __future__ import annotations

from collections.abc import Sequence

from bench.abuse.engine import Part
from bench.abuse.target import Target, flood, held, message


def activities(target: Target) -> Sequence[Part]:
    """A controller who edits another item with each message, before ten others."""
    return [
        held(target.view_id, target.controller, connections=10),
        flood(target.view_id, target.controller, lambda n: message("activity", state="editing", target=n)),
    ]


def pointers(target: Target) -> Sequence[Part]:
    """A controller who points at a large portal view, before ten viewers: half of it at items that do not exist."""
    return [
        held(target.large_view_id, target.viewer, connections=10),
        flood(
            target.large_view_id,
            target.controller,
            lambda n: message("pointer", itemId=f"item-{n % 1000}", x=n % 101 / 100, y=0),
        ),
    ]
