"""A running server for every test below this folder."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import structlog

from gatehouse.storage.migrate import migrate
from tests.http.contract import Api
from tests.http.running import Server, run_server


@pytest.fixture(scope="session", autouse=True)
def terse_logs() -> None:
    """Errors are logged in a line: drawing a traceback with all its values takes a second."""
    structlog.configure(
        processors=[structlog.processors.add_log_level, structlog.processors.KeyValueRenderer()]
    )


@pytest.fixture(scope="session")
def migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty database with the newest schema, to be copied."""
    path = tmp_path_factory.mktemp("sqlite") / "migrated.db"
    migrate(f"sqlite:///{path}")
    return path


@pytest.fixture
def sqlite_url(migrated_sqlite: Path, tmp_path: Path) -> str:
    """A SQLite database of the test's own."""
    path = tmp_path / "gatehouse.db"
    shutil.copy(migrated_sqlite, path)
    return f"sqlite:///{path}"


@pytest.fixture
def postgres_url(request: pytest.FixtureRequest) -> str:
    """A PostgreSQL database of the test's own."""
    dsn: str = request.getfixturevalue("postgres_dsn")
    migrate(dsn)
    return dsn


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
