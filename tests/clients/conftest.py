"""Where other people's clients are found, and a server for them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gatehouse.actors.keyring import KeyStatus, SigningAlgorithm, generate_key
from tests.http.oidc.house import DATABASE, Clock, House, furnish


@pytest.fixture(scope="session")
def installation(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    """A database with the default kind of signing key, and the ids of the users in it."""
    path = tmp_path_factory.mktemp("clients")
    key = generate_key(SigningAlgorithm.ES384, KeyStatus.CURRENT)
    return path, furnish(path, key)


@pytest.fixture
async def origin(installation: tuple[Path, dict[str, str]], redis_url: str) -> AsyncIterator[str]:
    """A running server."""
    path, users = installation
    house = House(f"sqlite:///{path / DATABASE}", redis_url, Clock(), users)
    async with house.serve() as origin:
        yield origin


@pytest.fixture
def ada(installation: tuple[Path, dict[str, str]]) -> str:
    """The id of the user who signs in."""
    return installation[1]["ada"]
