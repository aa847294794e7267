"""Whatever happens to a portal view, no byte that a viewer receives contains a hidden value.

`test_secrets_noticed` checks that these tests would notice a broken rule.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from libraries.rules import disclosure, net
from libraries.rules.keys import plain_key
from portal.tests import secret_names, secret_paths
from portal.tests.secret_setting import Setting, opened, play_examples

pytestmark = pytest.mark.long


@pytest.fixture
def setting(transactional_db: None, no_limits: None) -> Iterator[Setting]:
    """A server and its people."""
    with opened() as setting:
        yield setting


def test_no_viewer_receives_a_hidden_value(setting: Setting) -> None:
    play_examples(setting)


def test_every_hidden_key_is_planted() -> None:
    planted = {row: {plain_key(key) for key in keys} for row, keys in secret_names.HIDDEN.items()}
    assert planted == net.HIDDEN


def test_every_row_of_a_disclosure_is_drawn() -> None:
    assert {*secret_paths.ROWS} == {*disclosure.ROWS}
