"""The effects of `settle` on the process that serves."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

from realtime.server.process.garbage import CONNECTIONS_A_COLLECTION, THRESHOLDS, YOUNG_A_MIDDLE, Turnover, settle


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    """Unfreeze what `conftest` froze, and restore the garbage collector of the test process."""
    thresholds = gc.get_threshold()
    gc.unfreeze()
    yield
    gc.set_threshold(*thresholds)
    gc.freeze()


def test_loaded_objects_are_excluded_and_the_rest_is_still_collected() -> None:
    assert gc.get_freeze_count() == 0
    settle()
    assert gc.get_freeze_count() > 0
    assert gc.get_threshold() == THRESHOLDS
    assert gc.isenabled()
    cycle: list[object] = []
    cycle.append(cycle)
    del cycle
    assert gc.collect() >= 1


def test_connections_that_come_and_go_do_not_pile_up_young_objects() -> None:
    """The collector itself would not start: as many objects go as come."""
    gc.set_threshold(1_000_000)
    collected: list[int] = []

    def note(phase: str, info: dict[str, int]) -> None:
        if phase == "stop":
            collected.append(info["generation"])

    turnover = Turnover()
    gc.callbacks.append(note)
    try:
        for _ in range(CONNECTIONS_A_COLLECTION * YOUNG_A_MIDDLE):
            turnover.count()
    finally:
        gc.callbacks.remove(note)
    assert collected == [0] * (YOUNG_A_MIDDLE - 1) + [1]
