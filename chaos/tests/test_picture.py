"""A picture is compared with the stored state. How messages are folded into it is tested in `testing.tests`."""

from __future__ import annotations

from chaos.picture import Picture


def test_a_picture_is_compared_with_the_stored_state_except_keys_that_patches_lack() -> None:
    picture, items = Picture(), [{"id": "spy"}, {"id": "ogre", "n": 1}]
    state = {"name": "Evening", "version": 4, "updatedAt": "before", "items": items}
    picture.receive({"type": "connected", "role": "viewer", "version": 4, "epoch": "e", "state": state})
    stored = {**picture.state, "version": 9, "updatedAt": "later"}
    assert picture.shows(stored)
    assert not picture.shows({**stored, "name": "Night"})
    assert picture.differs_in({**stored, "name": "Night"}) == ["name"]
