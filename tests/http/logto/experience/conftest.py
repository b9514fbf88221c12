"""A server with two nodes for the tests of the Experience API."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.http.logto.experience.house import House, open_house


@pytest.fixture
async def house(redis_url: str, database_url: str) -> AsyncIterator[House]:
    """Two nodes of a server of this test's own."""
    async with open_house(redis_url, database_url) as house:
        yield house
