"""Fixtures over the real servers. A server starts with the first test that asks for it.

Under pytest-xdist each worker has its own: a session there is one worker's.
"""

from __future__ import annotations

import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.servers.postgres import Postgres
from tests.servers.valkey import Valkey


@pytest.fixture(scope="session")
def server_directory() -> Iterator[Path]:
    """A short path: a Unix socket's name has about 100 bytes, and pytest's own are long."""
    with tempfile.TemporaryDirectory(prefix="gh-", dir="/tmp", ignore_cleanup_errors=True) as path:
        Path(path).chmod(0o755)
        yield Path(path)


@pytest.fixture(scope="session")
def shared_valkey(server_directory: Path) -> Iterator[Valkey]:
    """The server that tests share; a test that disturbs its server takes `valkey` instead."""
    server = Valkey(server_directory / "shared")
    server.start()
    yield server
    server.stop()


@pytest.fixture
def redis_url(shared_valkey: Valkey) -> str:
    """A Redis without a single key or script, for this test alone."""
    with shared_valkey.client() as client:
        client.flushall()
        client.script_flush()
        client.config_resetstat()
    return shared_valkey.url


@pytest.fixture
def valkey(server_directory: Path) -> Iterator[Valkey]:
    """A server of the test's own, on a Unix socket, to restart, pause and kill."""
    with tempfile.TemporaryDirectory(dir=server_directory) as path:
        server = Valkey(Path(path))
        server.start()
        yield server
        server.stop()


@pytest.fixture(scope="session")
def postgres(server_directory: Path) -> Iterator[Postgres]:
    """The PostgreSQL that tests share, each with databases of its own."""
    server = Postgres(server_directory / "postgres")
    server.start()
    yield server
    server.stop(signal.SIGINT)  # "fast": do not wait for clients


@pytest.fixture
def postgres_dsn(postgres: Postgres) -> Iterator[str]:
    """The URL of an empty database, for this test alone."""
    name = postgres.create_database()
    yield postgres.dsn(name)
    postgres.drop_database(name)
