"""The JavaScript client on bad lines to a server that is restarted, in the short form."""

from __future__ import annotations

import random

import pytest

from chaos import proof


@pytest.mark.server
def test_all_sequences_hold() -> None:
    seed = random.SystemRandom().randrange(1_000_000)
    held = list(proof.run(sequences=12, tables=4, seed=seed))
    assert sorted(held) == sorted(f"sequence {number}" for number in range(12))
