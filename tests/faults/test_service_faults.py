"""What clients of a whole server see while its Redis is hurt: an answer, or a 503 that says when.

Programs and people use the server all the while. A request that does not end fails its client, as
does any answer that is neither what was asked for nor a 503 with Retry-After in the words of its
dialect. Where a fault loses data (an asynchronous replica takes over), what was lost may be
refused as unknown; where none is lost, nothing may.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
import trio

from gatehouse.engine.codec import outbox_key
from gatehouse.storage.applications import Applications, ApplicationSecrets
from gatehouse.storage.migrate import migrate
from gatehouse.storage.records import (
    Application,
    ApplicationSecret,
    OidcClientMetadata,
    User,
)
from gatehouse.storage.transaction import Transaction
from gatehouse.storage.users import Users
from tests.http.oidc.house import CALLBACK, HASH, SECRET, Client, sent_to, sign_in
from tests.http.running import TENANT, run_server
from tests.ops.installation import Installation, eventually
from tests.servers.cluster import Cluster
from tests.servers.proxy import proxy_to
from tests.servers.sentinel import SentinelGroup
from tests.servers.valkey import Valkey

HANGS = 15.0
"""Seconds after which a request is taken to hang: beyond every operation's own deadline."""

RESUMES = 30.0
"""Seconds in which everybody must be served again; a failover takes some on a busy machine."""

OUTAGE = 3
"""Refusals in each dialect that a fault which stops Redis must bring before it is mended."""

DIALECTS = {"api", "oidc", "pages"}


class Later(Exception):
    """The server asked to come back later."""


class Gone(Exception):
    """The server does not know what it had known."""


@dataclass
class Traffic:
    """Clients of every kind, each busy without a pause."""

    url: str
    loses_data: bool = False
    served: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)

    async def run(self) -> None:
        async with trio.open_nursery() as nursery:
            for kind in (self._signs_in, self._refreshes, self._acts_alone, self._browses):
                for _ in range(2):
                    nursery.start_soon(self._again_and_again, kind)
            nursery.start_soon(self._again_and_again, self._interacts)

    async def _again_and_again(self, kind: Callable[[httpx.AsyncClient], Awaitable[None]]) -> None:
        while True:
            hooks: dict[str, list[Any]] = {"response": [self._judge]}
            async with httpx.AsyncClient(
                base_url=self.url, timeout=HANGS, event_hooks=hooks
            ) as http:
                try:
                    await kind(http)
                except (Later, Gone):
                    await trio.sleep(0.02)

    async def _judge(self, answer: httpx.Response) -> None:
        await answer.aread()
        if answer.status_code < 400:
            return
        if answer.status_code < 500:
            assert self.loses_data, f"{answer.url.path}: {answer.text}"
            raise Gone
        assert answer.status_code == 503, f"{answer.url.path}: {answer.text}"
        assert int(answer.headers["retry-after"]) >= 1
        self.refused[_dialect_of(answer)] += 1
        raise Later

    async def _signs_in(self, http: httpx.AsyncClient) -> None:
        client = Client(http, "spa")
        arrived = await sign_in(client, resource=None)
        redeemed = await client.redeem(arrived["code"])
        await client.userinfo(redeemed.json()["access_token"])
        self.served["signs in"] += 1

    async def _refreshes(self, http: httpx.AsyncClient) -> None:
        """A refresh that was refused is repeated with the same token, and then honoured."""
        client = Client(http, "spa")
        arrived = await sign_in(client, resource=None)
        token = (await client.redeem(arrived["code"])).json()["refresh_token"]
        while True:
            try:
                token = (await client.refresh(token)).json()["refresh_token"]
            except Later:
                await trio.sleep(0.02)
            else:
                self.served["refreshes"] += 1

    async def _acts_alone(self, http: httpx.AsyncClient) -> None:
        client = Client(http, "machine")
        answer = await client.token(grant_type="client_credentials")
        assert (await client.introspect(answer.json()["access_token"]))["active"]
        self.served["acts alone"] += 1

    async def _browses(self, http: httpx.AsyncClient) -> None:
        http.headers["accept"] = "text/html,*/*;q=0.8"
        sent_to(await http.get("/oidc/auth", params=Client(http, "spa").request()), "/sign-in")
        while True:
            try:
                await http.get("/sign-in", params={"app_id": "spa"})
            except Later:
                await http.get("/oidc/auth", params=Client(http, "spa").request())
            else:
                self.served["browses"] += 1

    async def _interacts(self, http: httpx.AsyncClient) -> None:
        sent_to(await http.get("/oidc/auth", params=Client(http, "spa").request()), "/sign-in")
        while True:
            try:
                await http.put("/api/experience", json={"interactionEvent": "SignIn"})
            except Later:
                await trio.sleep(0.02)
            else:
                self.served["interacts"] += 1

    async def refused_everywhere(self) -> None:
        """Wait until clients of all dialects were told to come back later."""
        await self.until(lambda: all(self.refused[one] >= OUTAGE for one in DIALECTS))

    async def serves_everybody(self) -> None:
        """Wait until each kind of client has succeeded, from now on and more than once."""
        before = self.served.copy()
        kinds = ("signs in", "refreshes", "acts alone", "browses", "interacts")
        await self.until(lambda: all(self.served[kind] >= before[kind] + 2 for kind in kinds))

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait for what servers bring about by themselves within seconds."""
        with trio.fail_after(RESUMES):
            while not condition():  # noqa: ASYNC110 - other processes bring it about
                await trio.sleep(0.02)


def _dialect_of(answer: httpx.Response) -> str:
    """The dialect a refusal is worded in, which must be that of its address."""
    path, asked = answer.url.path, answer.request.headers["accept"]
    if path.startswith("/api/"):
        assert answer.json()["code"].startswith("request.")
        assert answer.json()["message"]
        return "api"
    if path.startswith("/oidc/") and "text/html" not in asked:
        assert answer.json()["error"] == "temporarily_unavailable"
        assert answer.json()["error_description"]
        return "oidc"
    assert answer.headers["content-type"].startswith("text/html")
    assert "<h1" in answer.text
    return "pages"


def _move_in(tx: Transaction) -> None:
    """The applications and the user that the clients know by name."""
    for client_id, type_ in (("spa", "SPA"), ("machine", "MachineToMachine")):
        redirects = OidcClientMetadata(redirect_uris=[CALLBACK] if type_ == "SPA" else [])
        Applications(tx, TENANT).create(
            Application(id=client_id, name=client_id, type=type_, oidc_client_metadata=redirects)
        )
    ApplicationSecrets(tx, TENANT).create(
        ApplicationSecret(application_id="machine", name="Default", value=SECRET)
    )
    Users(tx, TENANT).create(
        User(username="ada", password_hash=HASH.digest, password_algorithm=HASH.algorithm)
    )


@asynccontextmanager
async def traffic_at(
    redis_url: str, directory: Path, *, loses_data: bool = False
) -> AsyncIterator[Traffic]:
    """A server that everybody uses during the block, and after it as before."""
    database = f"sqlite:///{directory / 'gatehouse.db'}"
    migrate(database)
    async with run_server(database, redis_url) as server, trio.open_nursery() as nursery:
        await server.core.db.write(_move_in)
        traffic = Traffic(server.url, loses_data)
        nursery.start_soon(traffic.run)
        await traffic.serves_everybody()
        assert not traffic.refused
        yield traffic
        await traffic.serves_everybody()
        nursery.cancel_scope.cancel()


def _keep_on_disk(valkey: Valkey) -> None:
    """Let the server find again what it knew when it is started again."""
    with valkey.client() as client:
        client.config_set("appendonly", "yes")
        while client.info("persistence")["aof_rewrite_in_progress"]:
            pass
    valkey.command += ["--appendonly", "yes"]


async def test_redis_restarted(valkey: Valkey, tmp_path: Path) -> None:
    _keep_on_disk(valkey)
    async with traffic_at(valkey.url, tmp_path) as traffic:
        valkey.kill()
        await traffic.refused_everywhere()
        valkey.start()


async def test_redis_restarted_and_empty(valkey: Valkey, tmp_path: Path) -> None:
    async with traffic_at(valkey.url, tmp_path, loses_data=True) as traffic:
        valkey.kill()
        await traffic.refused_everywhere()
        valkey.start()


async def test_redis_paused(valkey: Valkey, tmp_path: Path) -> None:
    async with traffic_at(valkey.url, tmp_path) as traffic:
        valkey.pause()
        await traffic.refused_everywhere()
        valkey.resume()


async def test_connections_cut_in_the_middle_of_a_reply(valkey: Valkey, tmp_path: Path) -> None:
    async with (
        proxy_to(valkey.socket) as proxy,
        traffic_at(f"redis://127.0.0.1:{proxy.port}", tmp_path) as traffic,
    ):
        for kept in (0, 3, 100):
            proxy.cut_after = kept
            await traffic.until(lambda: proxy.cut_after is None)
            await traffic.serves_everybody()


def test_workers_outlive_their_redis(valkey: Valkey, tmp_path: Path) -> None:
    gatehouse = Installation(tmp_path, REDIS_URL=valkey.url, WORKERS="2")
    try:
        gatehouse.start()
        known = json.loads((gatehouse.data_dir / "management-credentials.json").read_text())
        credentials = known["management_client_id"], known["management_client_secret"]

        def status() -> int:
            form = {"grant_type": "client_credentials"}
            url = f"{gatehouse.url}/oidc/token"
            return httpx.post(url, data=form, auth=credentials, timeout=HANGS).status_code

        workers = sorted(gatehouse.children())
        assert status() == 200
        for _ in range(2):
            valkey.kill()
            assert [status() for _ in range(8)] == [503] * 8
            valkey.start()
            eventually(lambda: all(status() == 200 for _ in range(8)))
        assert sorted(gatehouse.children()) == workers
    finally:
        gatehouse.close()


HARMS = pytest.mark.parametrize("harm", [Valkey.kill, Valkey.pause], ids=["killed", "paused"])


@HARMS
async def test_the_master_lost_under_sentinel(
    sentinel_group: SentinelGroup, tmp_path: Path, harm: Callable[[Valkey], None]
) -> None:
    async with traffic_at(sentinel_group.url, tmp_path, loses_data=True) as traffic:
        lost = sentinel_group.master
        harm(lost)
        await traffic.until(lambda: sentinel_group.master is not lost)


@HARMS
async def test_a_master_lost_in_a_cluster(
    cluster: Cluster, tmp_path: Path, harm: Callable[[Valkey], None]
) -> None:
    async with traffic_at(cluster.url, tmp_path, loses_data=True) as traffic:
        lost = cluster.master_of(outbox_key(0))
        heir = cluster.replica_of(lost)
        harm(lost)
        await traffic.until(lambda: heir.is_master)
