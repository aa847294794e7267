"""With a broken rule or outlet, the examples of `test_secrets` find a leak."""

from __future__ import annotations

from operator import methodcaller

import pytest

from portal.tests.secret_check import Check, check, setting
from portal.tests.secret_faults import Leak
from portal.tests.secret_mutants import MUTANTS

__all__ = ["check", "setting"]

pytestmark = pytest.mark.long


def test_with_a_broken_rule_there_are_leaks(check: Check) -> None:
    for name, mutant in MUTANTS.items():
        check(name, methodcaller("setattr", name.partition(",")[0], mutant), Leak)
