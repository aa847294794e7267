"""Fixtures of the tests which break a rule, and see whether the examples of `test_secrets` notice it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from libraries.rules import net
from portal.tests.secret_setting import Setting, opened, play_examples


@pytest.fixture
def setting(transactional_db: None, no_limits: None) -> Iterator[Setting]:
    """A server and its people."""
    with opened() as setting:
        yield setting


Check = Callable[..., None]
Change = Callable[[pytest.MonkeyPatch], None]


@pytest.fixture
def check(setting: Setting, subtests: pytest.Subtests) -> Check:
    """Check that the examples notice a change of the code, which is made while the server runs, and then undone."""

    def check(name: str, change: Change, *errors: type[Exception]) -> None:
        with subtests.test(name), pytest.MonkeyPatch.context() as patch:
            change(patch)
            with pytest.raises(errors):
                play_examples(setting)
        net.hide_also({})  # rebuilds the index

    return check
