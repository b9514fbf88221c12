"""Every test of storage runs on both databases, each time in a migrated database of its own."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from gatehouse.storage.database import Database
from gatehouse.storage.migrate import migrate
from gatehouse.storage.vault import Vault
from tests.servers.postgres import Postgres

TENANT = "default"
START = 1_800_000_000_000


class Clock:
    """Milliseconds that pass one by one, so that everything has a time and an order."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> int:
        self.now += 1
        return self.now


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated file, to be copied."""
    path = tmp_path_factory.mktemp("template") / "template.db"
    migrate(f"sqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def postgres_template(postgres: Postgres) -> str:
    """The name of a migrated database, to be copied."""
    name = postgres.create_database()
    migrate(postgres.dsn(name))
    return name


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a migrated, empty database."""
    if request.param == "sqlite":
        path = tmp_path / "gatehouse.db"
        shutil.copy(request.getfixturevalue("sqlite_template"), path)
        yield f"sqlite:///{path}"
    else:
        postgres: Postgres = request.getfixturevalue("postgres")
        name = postgres.create_database(request.getfixturevalue("postgres_template"))
        yield postgres.dsn(name)
        postgres.drop_database(name)


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a database without a schema."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'empty.db'}"
    return str(request.getfixturevalue("postgres_dsn"))


@pytest.fixture
def vault() -> Vault:
    """A vault with one key."""
    return Vault({"k1": bytes(range(32))})


@pytest.fixture
async def db(url: str, vault: Vault) -> AsyncIterator[Database]:
    """An open database."""
    async with Database.open(url, vault=vault, clock=Clock()) as database:
        yield database
