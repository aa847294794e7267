"""A state is compared with the stored one. How messages are folded into it is tested in `testing.tests`."""

from __future__ import annotations

from chaos.picture import differs_in


def test_a_state_is_compared_with_the_stored_one_except_keys_that_patches_lack() -> None:
    state = {"name": "Evening", "version": 4, "updatedAt": "before", "items": [{"id": "spy"}, {"id": "ogre", "n": 1}]}
    stored = {**state, "version": 9, "updatedAt": "later", "role": "viewer"}
    assert differs_in(state, stored) == []
    assert differs_in(state, {**stored, "name": "Night"}) == ["name"]
