"""A running server for every test below this folder."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import structlog

from tests.http.contract import Api
from tests.http.logto.experience.office import Office, open_office
from tests.http.running import Server, run_server
from tests.servers.saml_identity_provider import SamlIdentityProvider


@pytest.fixture(scope="session", autouse=True)
def terse_logs() -> None:
    """Errors are logged in a line: drawing a traceback with all its values takes a second."""
    structlog.configure(
        processors=[structlog.processors.add_log_level, structlog.processors.KeyValueRenderer()]
    )


@pytest.fixture
def database_url(request: pytest.FixtureRequest) -> str:
    """The database of `server`: SQLite, or what `@BOTH_DATABASES` says."""
    kind = getattr(request, "param", "sqlite")
    url: str = request.getfixturevalue(f"{kind}_url")
    return url


@pytest.fixture
async def server(database_url: str, redis_url: str) -> AsyncIterator[Server]:
    """A server that runs for this test."""
    async with run_server(database_url, redis_url) as server:
        yield server


@pytest.fixture
async def api(server: Server) -> Api:
    """The API as a manager of the server sees it."""
    return server.api(await server.management_token())


@pytest.fixture
async def office(server: Server, company: SamlIdentityProvider) -> AsyncIterator[Office]:
    """A server whose people may come from a company."""
    async with open_office(server, company) as office:
        yield office
