"""A server on a port of this machine, and browsers that visit it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import httpx
import pytest

from tests.http.oidc.conftest import furnished, house, spa, web
from tests.http.oidc.house import House
from tests.http.security.site import Site

__all__ = ["furnished", "house", "spa", "web"]


@pytest.fixture
async def site(house: House) -> AsyncIterator[Site]:
    """The running server."""
    async with AsyncExitStack() as stack:
        origin, node = await stack.enter_async_context(house.serve_node())
        yield Site(origin, house, node, stack)


@pytest.fixture
async def http(site: Site) -> httpx.AsyncClient:
    """A browser."""
    return await site.browser()
