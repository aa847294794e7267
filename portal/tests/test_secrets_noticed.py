"""If a rule that hides something is broken, or one that shows something, then the examples of `test_secrets` notice it.

Each test breaks one rule while the server runs. `test_secrets_mutants` breaks the most of them, beside these.
"""

from __future__ import annotations

from dataclasses import replace
from operator import methodcaller

import pytest

from libraries.rules import items, net
from portal.tests import secret_names
from portal.tests.secret_check import Change, Check, check, setting
from portal.tests.secret_faults import Leak, Missing
from portal.tests.secret_mutants import OTHERS, built_without

__all__ = ["check", "setting"]

pytestmark = pytest.mark.long


def test_without_one_row_of_the_table_there_are_leaks(check: Check) -> None:
    def without(row: str) -> Change:
        def change(patch: pytest.MonkeyPatch) -> None:
            patch.delitem(net.HIDDEN, row)
            net.hide_also({})

        return change

    for row in secret_names.HIDDEN:
        check(row, without(row), Leak)


def test_a_key_behind_another_switch_is_noticed(check: Check) -> None:
    switches = [row.switch for row in items.SWITCHED.values()]
    for key, row in items.SWITCHED.items():
        later = (*switches, *switches)[switches.index(row.switch) :]
        moved = replace(row, switch=next(switch for switch in later if switch != row.switch))
        check(key, methodcaller("setitem", items.SWITCHED, key, moved), Leak, Missing)


def test_a_listed_key_that_is_not_shown_is_noticed(check: Check) -> None:
    for key in (*items.SWITCHED, *items.TEXTS, items.FREE, "health"):
        check(key, methodcaller("setattr", items, "_built", built_without(key)), Leak, Missing)


def test_a_path_that_shows_too_little_is_noticed(check: Check) -> None:
    for step in ("Key", "Index", "EachEntry", "EachValue", "Match"):
        name = f"libraries.rules.record_paths.{step}.inside"
        check(step, methodcaller("setattr", name, lambda step, value: iter(())), Missing)


def test_a_rule_that_shows_something_else_is_noticed(check: Check) -> None:
    for name, mutant in OTHERS.items():
        check(name, methodcaller("setattr", name.partition(",")[0], mutant), Leak, Missing)
