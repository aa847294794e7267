"""The paths of portal views, and the answers to all other paths."""

from __future__ import annotations

import pytest

from libraries.models import PortalView, User
from realtime.tests.clients import Connect


@pytest.mark.parametrize("ending", ["", "/"])
async def test_a_portal_view_has_a_path(connect: Connect, viewer: User, portal_view: PortalView, ending: str) -> None:
    client = await connect(viewer, f"/ws/portal-view/{portal_view.id}{ending}")
    assert client.connected["portalViewId"] == str(portal_view.id)


@pytest.mark.parametrize("path", ["/ws/portal-view", "/ws/portal-view/", "/ws/portal-view//"])
async def test_a_path_without_an_id_is_told_what_is_missing(connect: Connect, viewer: User, path: str) -> None:
    client = await connect(viewer, path, greeted=False)
    error, closed = await client.refused()
    assert (error["code"], closed) == ("portal-view-id-missing", (1008, "portal-view-id-missing"))


@pytest.mark.parametrize("path", ["/", "/ws/", "/ws/portal-views/1/", "/ws/portal-view/1/2/", "/api/portal-views/1"])
async def test_any_other_path_is_told_that_nothing_is_there(connect: Connect, viewer: User, path: str) -> None:
    client = await connect(viewer, path, greeted=False)
    error, closed = await client.refused()
    assert (error["code"], closed) == ("not-found", (1008, "not-found"))
