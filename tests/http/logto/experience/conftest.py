"""A server with two nodes for the tests of the Experience API."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.http.logto.experience.house import House, open_house


@pytest.fixture
async def house(redis_url: str, tmp_path: Path) -> AsyncIterator[House]:
    """Two nodes of a server of this test's own."""
    async with open_house(redis_url, tmp_path) as house:
        yield house
