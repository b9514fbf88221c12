"""A whole server in the test's own process: real Redis, real database, the edge on a real port.

    async with run_server(database_url, redis_url) as server:
        api = server.api(await server.management_token())
        await api("GetUser", userId=...)

It is put together as a worker puts it together; only that the test holds the core, too.
"""

from __future__ import annotations

import os
import secrets
import socket
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import cache, partial
from itertools import cycle
from pathlib import Path
from typing import Any, cast

import httpx
import pytest
import trio
from hypercorn.config import Config

from gatehouse.actors.assets import LocalAssets
from gatehouse.actors.connectors.messengers import Messengers
from gatehouse.actors.core import Core, build_core
from gatehouse.actors.hashing import PasswordHasher, hash_now
from gatehouse.actors.outbound import Outbound
from gatehouse.actors.relay import Relay
from gatehouse.actors.secret_ring import SecretRing
from gatehouse.engine.engine import Engine
from gatehouse.engine.redis import redis_from_url
from gatehouse.http.app import build_app
from gatehouse.http.edge import EdgeLimits, serve
from gatehouse.http.logto.access import MANAGEMENT_SCOPE, management_audience
from gatehouse.http.pipeline import HttpObserver
from gatehouse.ops import seed as seeding
from gatehouse.ops.delivery import handle_effects
from gatehouse.ops.metrics import Recorder
from gatehouse.ops.settings import Settings
from gatehouse.ops.sockets import bind, edge_sockets, url_of
from gatehouse.storage.database import Database
from gatehouse.storage.vault import Vault
from tests.http.contract import Api
from tests.servers.plain import plain_client

BOTH_DATABASES = pytest.mark.parametrize("database_url", ["sqlite", "postgres"], indirect=True)
"""Runs a test of a `server` on SQLite and on PostgreSQL."""

NODES = int(os.environ.get("GATEHOUSE_TEST_NODES", "1"))
NEWS_SECONDS = 0.02
"""What passes before the next request after a change: the other nodes hear of it meanwhile."""

TENANT = "default"
CLIENT_ID = "management0000000000a"
CLIENT_SECRET = "the management application's secret"
PROTECTED_APP_DOMAIN = "sites.example"
DEMO_APP = "demo-app"
DEMO_USER = "demo"
DEMO_PASSWORD = "Correct-Horse-9"


# One password, one digest: to hash it for every server would take longer than most tests.
vars(seeding)["hash_now"] = cache(hash_now)


class Hasher(PasswordHasher):
    """The real hasher on one thread."""

    def __init__(self) -> None:
        super().__init__(1)


@dataclass(frozen=True)
class Server:
    """A server that runs, the core inside it, and an HTTP client outside of it.

    `others` are the cores of further nodes.
    """

    url: str
    core: Core
    client: httpx.AsyncClient
    others: tuple[Core, ...] = ()

    def keep_files(self, assets: LocalAssets | None) -> None:
        """Let every node keep files there, or none."""
        for core in (self.core, *self.others):
            object.__setattr__(core, "assets", assets)

    def api(self, token: str | None = None) -> Api:
        """The API as the bearer of a token sees it."""
        return Api(self.client, token)

    async def management_token(self) -> str:
        """A token of the seeded application, obtained as any program obtains one."""
        answer = await self.client.post(
            "/oidc/token",
            data={
                "grant_type": "client_credentials",
                "resource": management_audience(TENANT),
                "scope": MANAGEMENT_SCOPE,
            },
            auth=(CLIENT_ID, CLIENT_SECRET),
        )
        assert answer.status_code == 200, answer.text
        token: str = answer.json()["access_token"]
        return token

    async def sign(self, **claims: Any) -> str:
        """An access token for the Management API by the server's own key, `claims` as given."""
        now = self.core.clock() // 1000
        usual: Mapping[str, Any] = {
            "iss": self.core.issuer,
            "aud": management_audience(TENANT),
            "sub": CLIENT_ID,
            "client_id": CLIENT_ID,
            "scope": MANAGEMENT_SCOPE,
            "iat": now,
            "exp": now + 600,
            "jti": secrets.token_hex(8),
        }
        keyring = await self.core.keyring()
        return keyring.sign_access_token({**usual, **claims})


@asynccontextmanager
async def run_server(
    database_url: str,
    redis_url: str,
    *,
    observer: HttpObserver | None = None,
    mocks: Path | None = None,
) -> AsyncIterator[Server]:
    """A server over a migrated database and an empty Redis, seeded, for the block.

    There are mock connectors if there is a directory for what they write.

    With `GATEHOUSE_TEST_NODES` these are as many nodes, each with an engine, a directory and a
    database pool of its own; the client's requests go to them in turn.
    """
    sockets = [bind(["127.0.0.1:0"]) for _ in range(NODES)]
    url = url_of(sockets[0][0])
    async with AsyncExitStack() as stack:
        cores = [
            await stack.enter_async_context(
                _run_node(
                    url, own, database_url, redis_url, observer, first=number == 0, mocks=mocks
                )
            )
            for number, own in enumerate(sockets)
        ]
        ports = [own[0].getsockname()[1] for own in sockets]
        transport = _InTurn(ports) if NODES > 1 else None
        client = plain_client(url, transport=transport)
        await stack.enter_async_context(client)
        yield Server(url, cores[0], client, tuple(cores[1:]))


@asynccontextmanager
async def _run_node(
    url: str,
    sockets: list[socket.socket],
    database_url: str,
    redis_url: str,
    observer: HttpObserver | None,
    *,
    first: bool,
    mocks: Path | None,
) -> AsyncIterator[Core]:
    stop = trio.Event()
    outbound = Outbound(allow_private=True)
    async with (
        Database.open(database_url, vault=Vault({"k1": b"v" * 32}), pool_size=None) as db,
        trio.open_nursery() as links,
    ):
        if first:
            await seeding.seed(db, _settings().resolved(url), TENANT)
        redis = redis_from_url(redis_url)
        engine = Engine(redis, node=secrets.token_hex(4))
        core = build_core(
            tenant_id=TENANT,
            public_url=url,
            engine=engine,
            redis=redis,
            db=db,
            hasher=Hasher(),
            ring=SecretRing([b"r" * 32]),
            outbound=outbound,
            messengers=Messengers(db, outbound, mock_directory=mocks),
            protected_app_domain=PROTECTED_APP_DOMAIN,
        )
        handle_effects(core, Recorder())
        await links.start(redis.run)
        async with trio.open_nursery() as parts:
            await parts.start(core.directory.run)
            await parts.start(core.activity.run)
            await parts.start(engine.run)
            await parts.start(Relay(core).run)
            config = Config()
            config.graceful_timeout = 1
            await parts.start(
                partial(
                    serve,
                    cast(Any, build_app(core, observer=observer)),
                    config,
                    limits=EdgeLimits(body_bytes=9 << 20),
                    sockets=edge_sockets(sockets, tls=False),
                    shutdown_trigger=stop.wait,
                )
            )
            yield core
            stop.set()
            parts.cancel_scope.cancel()
        links.cancel_scope.cancel()


class _InTurn(httpx.AsyncBaseTransport):
    """Sends requests to the nodes in turn, as something that balances load would."""

    def __init__(self, ports: Sequence[int]) -> None:
        self._inner = httpx.AsyncHTTPTransport()
        self._ports = cycle(ports)
        self._changed = False

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if self._changed:
            await trio.sleep(NEWS_SECONDS)
        self._changed = request.method not in ("GET", "HEAD")
        return await self._inner.handle_async_request(
            httpx.Request(
                request.method,
                request.url.copy_with(port=next(self._ports)),
                headers=request.headers,
                stream=request.stream,
                extensions=request.extensions,
            )
        )

    async def aclose(self) -> None:
        await self._inner.aclose()


@cache
def _settings() -> Settings:
    return Settings(
        m2m_client_id=CLIENT_ID,
        m2m_client_secret=cast(Any, CLIENT_SECRET),
        demo_user=DEMO_USER,
        demo_password=cast(Any, DEMO_PASSWORD),
    )
