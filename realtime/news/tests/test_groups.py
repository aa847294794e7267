"""Names of groups."""

from __future__ import annotations

from uuid import UUID

from channels.layers import InMemoryChannelLayer

from realtime.news.structs import TYPE, portal_view_group

PORTAL_VIEW_ID = UUID("0195d5a0-0000-7000-8000-000000000001")


def test_a_portal_view_has_one_group() -> None:
    name = "portal-view.0195d5a0-0000-7000-8000-000000000001"
    assert portal_view_group(PORTAL_VIEW_ID) == name


def test_every_channel_layer_accepts_the_names() -> None:
    name = portal_view_group(PORTAL_VIEW_ID)
    assert InMemoryChannelLayer().require_valid_group_name(name)
    assert name.isascii()
    assert len(name) < 100
    assert TYPE == "portal_view.news"
