"""Every test of storage runs on both databases, each time in a migrated database of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gatehouse.storage.database import Database
from gatehouse.storage.vault import Vault

TENANT = "default"
START = 1_800_000_000_000


class Clock:
    """Milliseconds that pass one by one, so that everything has a time and an order."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> int:
        self.now += 1
        return self.now


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest) -> str:
    """The URL of a migrated, empty database."""
    return str(request.getfixturevalue(f"{request.param}_url"))


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
