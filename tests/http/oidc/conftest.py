"""Fixtures of the OpenID Connect endpoints' tests."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from tests.http.oidc.house import DATABASE, Client, Clock, House, Node, furnish, furnish_at


@pytest.fixture(scope="session")
def furnished(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    """A database to copy, and the ids of the users in it."""
    path = tmp_path_factory.mktemp("furnished")
    return path / DATABASE, furnish(path)


@pytest.fixture
def house(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    redis_url: str,
    furnished: tuple[Path, dict[str, str]],
) -> House:
    """An installation of the test's own: on SQLite, or what `ON_BOTH` says."""
    if getattr(request, "param", "sqlite") == "postgresql":
        url: str = request.getfixturevalue("postgres_url")
        return House(url, redis_url, Clock(), furnish_at(url))
    original, users = furnished
    copy = tmp_path / DATABASE
    shutil.copyfile(original, copy)
    return House(f"sqlite:///{copy}", redis_url, Clock(), users)


@pytest.fixture
async def node(house: House) -> AsyncIterator[Node]:
    """One node of it."""
    async with house.node() as node:
        yield node


@pytest.fixture
async def http(node: Node) -> AsyncIterator[httpx.AsyncClient]:
    """A browser at that node."""
    async with node.client() as http:
        yield http


@pytest.fixture
def spa(http: httpx.AsyncClient) -> Client:
    """A public client in that browser."""
    return Client(http, "spa")


@pytest.fixture
def web(http: httpx.AsyncClient) -> Client:
    """A confidential client whose user is at that browser."""
    return Client(http, "web")


@pytest.fixture
def machine(http: httpx.AsyncClient) -> Client:
    """A client that acts for itself."""
    return Client(http, "machine")
