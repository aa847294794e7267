"""The fake server of the client's tests."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from realtime.client.python.tests.fake import Fake, fake_server


@pytest.fixture
async def fake() -> AsyncIterator[Fake]:
    async with fake_server() as server:
        yield server
