"""Two nodes of one server, with everything real: Redis, database, engine, edge."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
import trio
from hypercorn import Config

from gatehouse.actors.audit import keep_audit_log
from gatehouse.actors.connectors.factories import FACTORIES
from gatehouse.actors.connectors.factory import Factory
from gatehouse.actors.connectors.messengers import Messengers
from gatehouse.actors.core import Core, build_core
from gatehouse.actors.hashing import HashObserver, PasswordHasher, hash_now
from gatehouse.actors.outbound import Outbound
from gatehouse.actors.secret_ring import SecretRing
from gatehouse.engine.engine import Engine
from gatehouse.engine.outbox import Delivery
from gatehouse.engine.redis import redis_from_url
from gatehouse.http.app import build_app
from gatehouse.http.edge import serve
from gatehouse.ops.delivery import handle_messages
from gatehouse.storage.applications import Applications
from gatehouse.storage.audit import AuditLogs, Messages
from gatehouse.storage.database import Database
from gatehouse.storage.records import Application, AuditLog, Message, Role, Tenant, User
from gatehouse.storage.roles import Roles, UserRoles
from gatehouse.storage.scripts import Scripts
from gatehouse.storage.tenants import SignInExperiences, Tenants
from gatehouse.storage.transaction import Transaction
from gatehouse.storage.users import Users
from gatehouse.storage.vault import Vault
from tests.http.logto.experience.browsing import APPLICATION, CALLBACK, Browser
from tests.servers.plain import plain_client

TENANT = "default"
PASSWORD = "wombat-9-hill"
PROXIES = ("127.0.0.0/8",)
DIGEST = hash_now(PASSWORD)


class Hashes(HashObserver):
    """Counts the hashes that were computed."""

    def __init__(self) -> None:
        self.finished = 0

    def hash_finished(self, seconds: float) -> None:
        self.finished += 1


@dataclass
class Node:
    """One process of the server, as far as a client can tell."""

    core: Core
    client: httpx.AsyncClient


@dataclass
class House:
    """The server."""

    nodes: list[Node]
    hashes: Hashes
    deliveries: list[Delivery] = field(default_factory=list)

    @property
    def core(self) -> Core:
        return self.nodes[0].core

    @property
    def client(self) -> httpx.AsyncClient:
        return self.nodes[0].client

    async def browser(self) -> Browser:
        """A browser that has just arrived from an application."""
        return await Browser(self.core, self.client).arrive()

    # People

    async def add_user(
        self, username: str | None, *, password: str | None = PASSWORD, **fields: Any
    ) -> User:
        """A user with the password, unless the fields say otherwise."""
        if password is not None:
            fields = {
                "password_hash": DIGEST.digest,
                "password_algorithm": DIGEST.algorithm,
                **fields,
            }
        user = User(username=username, **fields)
        return await self.core.db.write(lambda tx: Users(tx, TENANT).create(user))

    async def user(self, user_id: str) -> User:
        return await self.core.db.read(lambda tx: Users(tx, TENANT).get(user_id))

    async def find_user(self, username: str) -> User | None:
        return await self.core.db.read(lambda tx: Users(tx, TENANT).find_by_username(username))

    async def count_users(self) -> int:
        return await self.core.db.read(lambda tx: Users(tx, TENANT).search().total)

    async def suspend(self, user_id: str) -> None:
        await self.core.db.write(lambda tx: Users(tx, TENANT).set_suspended(user_id, True))

    async def delete_user(self, user_id: str) -> None:
        await self.core.db.write(lambda tx: Users(tx, TENANT).delete(user_id))

    # Settings

    async def settle(self, **settings: Any) -> None:
        """Change the sign-in experience, and have every node know it."""
        await self.core.db.write(lambda tx: SignInExperiences(tx, TENANT).change(**settings))
        for node in self.nodes:
            node.core.directory.forget()

    async def set_script(self, key: str, body: str, **settings: Any) -> None:
        """Have a script with this body asked from now on."""
        script = f"const runAction = async ({{ event, environmentVariables }}) => {{ {body} }};"
        config = {"script": script, "enabled": True, **settings}
        await self.core.db.write(lambda tx: Scripts(tx, TENANT).put(key, config))
        for node in self.nodes:
            node.core.directory.forget()

    async def add_default_role(self, name: str) -> Role:
        role = Role(name=name, description=name, is_default=True)
        return await self.core.db.write(lambda tx: Roles(tx, TENANT).create(role))

    async def roles_of(self, user_id: str) -> list[str]:
        def read(tx: Transaction) -> list[str]:
            ids = UserRoles(tx, TENANT).members(user_id)
            return [role.name for role in Roles(tx, TENANT).get_many(sorted(ids))]

        return await self.core.db.read(read)

    # Messages

    async def messages(self, recipient: str, at_least: int = 1) -> list[Message]:
        """What the development inbox has for somebody, oldest first, once it has so many."""
        with trio.fail_after(30):
            while True:
                kept = await self.core.db.read(lambda tx: Messages(tx, TENANT).search(100).items)
                theirs = [message for message in kept if message.recipient == recipient]
                if len(theirs) >= at_least:
                    return sorted(theirs, key=lambda message: message.created_at)
                await trio.sleep(0.01)

    async def code(self, recipient: str, at_least: int = 1) -> str:
        """The code of the newest message to somebody."""
        return str((await self.messages(recipient, at_least))[-1].payload["code"])

    # The audit log

    async def logs(self, at_least: int) -> list[AuditLog]:
        """The log, oldest first, once it has so many entries and every effect was delivered."""
        with trio.fail_after(30):
            while True:
                entries = await self.core.db.read(
                    lambda tx: AuditLogs(tx, TENANT).search(100).items
                )
                if len(entries) >= at_least:
                    return sorted(entries, key=lambda entry: entry.created_at)
                await trio.sleep(0.01)

    async def logs_of(self, key: str) -> list[AuditLog]:
        """The entries under a key that is written at once, without an effect."""
        return await self.core.db.read(lambda tx: AuditLogs(tx, TENANT).search(keys=[key]).items)

    async def count_logs(self, key: str | None = None) -> int:
        """How many entries there are once the outboxes are empty."""
        await self._settled()
        keys = None if key is None else [key]
        return await self.core.db.read(lambda tx: AuditLogs(tx, TENANT).search(keys=keys).total)

    async def _settled(self) -> None:
        before = -1
        while before != len(self.deliveries):
            before = len(self.deliveries)
            await trio.sleep(1.2)

    async def redeliver(self, delivery: Delivery) -> None:
        """Have an effect delivered once more."""
        await self._write_audit([delivery])

    async def _write_audit(self, deliveries: Sequence[Delivery]) -> None:
        raise NotImplementedError


def furnish(tx: Transaction) -> None:
    """What a tenant has from the beginning."""
    Tenants(tx).create(Tenant(id=TENANT, name="Test"))
    for client_id in (APPLICATION, "other-app"):
        application = Application(
            id=client_id,
            name=client_id.title(),
            type="SPA",
            oidc_client_metadata={"redirectUris": [CALLBACK]},
        )
        Applications(tx, TENANT).create(application)


@asynccontextmanager
async def open_house(
    redis_url: str,
    database_url: str,
    size: int = 2,
    catalogue: Mapping[str, Factory] | None = None,
) -> AsyncIterator[House]:
    """A server of so many nodes over a migrated database, for the duration of the block.

    `catalogue`: factories of connectors in place of those of the same ids.
    """
    house = House([], Hashes())
    ring = SecretRing([b"s" * 32])
    outbound = Outbound(allow_private=True)
    vault = Vault({"k1": b"k" * 32})
    async with AsyncExitStack() as stack:
        links = await stack.enter_async_context(_nursery())
        parts = await stack.enter_async_context(_nursery())
        for number in range(size):
            db = await stack.enter_async_context(Database.open(database_url, vault=vault))
            if number == 0:
                await db.write(furnish)
            redis = redis_from_url(redis_url)
            engine = Engine(redis, node=f"node-{number}")
            core = build_core(
                tenant_id=TENANT,
                public_url="https://gatehouse.example",
                engine=engine,
                redis=redis,
                db=db,
                hasher=PasswordHasher(1, observer=house.hashes),
                ring=ring,
                outbound=outbound,
                messengers=Messengers(db, outbound, catalogue={**FACTORIES, **(catalogue or {})}),
            )
            _listen(engine, db, house)
            handle_messages(engine, core.messengers, core.vault)
            await links.start(redis.run)
            await parts.start(core.directory.run)
            await parts.start(engine.run)
            config = Config()
            config.bind = ["127.0.0.1:0"]
            config.accesslog = None
            stop = trio.Event()
            app = build_app(core, trusted_proxies=PROXIES)
            addresses = await parts.start(_serve, app, config, stop)
            client = plain_client(addresses[0])
            house.nodes.append(Node(core, await stack.enter_async_context(client)))
        yield house


def _listen(engine: Engine, db: Database, house: House) -> None:
    """Keep the audit log, and note what is delivered."""
    register = engine.on_effects

    def noting(kind: str, handler: Any) -> None:
        async def noted(deliveries: Sequence[Delivery]) -> None:
            await handler(deliveries)
            house.deliveries.extend(deliveries)

        house._write_audit = handler  # type: ignore[method-assign]
        register(kind, noted)

    engine.on_effects = noting  # type: ignore[method-assign]
    keep_audit_log(engine, db)


async def _serve(
    app: Any,
    config: Config,
    stop: trio.Event,
    *,
    task_status: trio.TaskStatus[list[str]],
) -> None:
    await serve(app, config, shutdown_trigger=stop.wait, task_status=task_status)


@asynccontextmanager
async def _nursery() -> AsyncIterator[trio.Nursery]:
    async with trio.open_nursery() as nursery:
        yield nursery
        nursery.cancel_scope.cancel()
