"""An event that was committed reaches the webhooks, whatever dies on the way, and only once."""

from __future__ import annotations

import secrets
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trio

from gatehouse.actors import relay as relays
from gatehouse.actors.core import Core, build_core, wall_clock
from gatehouse.actors.hashing import PasswordHasher
from gatehouse.actors.outbound import Outbound
from gatehouse.actors.relay import LEASE_MS, Relay
from gatehouse.actors.secret_ring import SecretRing
from gatehouse.actors.webhooks import handle_webhooks
from gatehouse.engine.engine import Engine
from gatehouse.engine.outbox import OutboxPolicy
from gatehouse.engine.redis import redis_from_url
from gatehouse.storage.audit import AuditLogs
from gatehouse.storage.database import Database
from gatehouse.storage.events import DomainEvents, record_event
from gatehouse.storage.hooks import Hooks
from gatehouse.storage.migrate import migrate
from gatehouse.storage.records import Hook, Role
from gatehouse.storage.roles import Roles
from gatehouse.storage.transaction import Transaction
from gatehouse.storage.vault import Vault
from tests.servers.receiver import Receiver, open_receiver

TENANT = "default"
KILLED_AFTER_ITS_COMMIT = """
import os, signal, sys, trio
from gatehouse.storage.database import Database
from gatehouse.storage.records import Role
from gatehouse.storage.roles import Roles

async def main():
    async with Database.open(sys.argv[1]) as db:
        role = Role(name="reader", description="Reads")
        await db.write(lambda tx: Roles(tx, "default").create(role))
        os.kill(os.getpid(), signal.SIGKILL)

trio.run(main)
"""
QUICK = OutboxPolicy(first_pause=10, longest_pause=10, poll=10)


class Clock:
    """The time, which a test may move on."""

    def __init__(self) -> None:
        self.ahead = 0

    def __call__(self) -> int:
        return wall_clock() + self.ahead


@pytest.fixture(params=["sqlite", "postgres"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    url = f"sqlite:///{tmp_path / 'relay.db'}"
    if request.param == "postgres":
        url = request.getfixturevalue("postgres_dsn")
    migrate(url)
    return url


class Place:
    """Where nodes can be started: one database, one Redis, one clock."""

    def __init__(self, database_url: str, redis_url: str) -> None:
        self.database_url = database_url
        self.redis_url = redis_url
        self.clock = Clock()

    @asynccontextmanager
    async def node(self) -> AsyncIterator[Core]:
        """A node without a relay: what a process is in the moment before it dies."""
        vault = Vault({"k": b"v" * 32})
        async with (
            Database.open(self.database_url, vault=vault, clock=self.clock) as db,
            trio.open_nursery() as links,
        ):
            redis = redis_from_url(self.redis_url)
            core = build_core(
                tenant_id=TENANT,
                public_url="https://gatehouse.example",
                engine=Engine(redis, node=secrets.token_hex(4), clock=self.clock, outbox=QUICK),
                redis=redis,
                db=db,
                hasher=PasswordHasher(1),
                ring=SecretRing([b"r" * 32]),
                clock=self.clock,
                outbound=Outbound(allow_private=True),
            )
            handle_webhooks(core)
            await links.start(redis.run)
            async with trio.open_nursery() as parts:
                await parts.start(core.engine.run)
                yield core
                # The engine ends first: an effect at work wants Redis, or is waited for in vain.
                parts.cancel_scope.cancel()
            links.cancel_scope.cancel()


@pytest.fixture
def place(database_url: str, redis_url: str) -> Place:
    return Place(database_url, redis_url)


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with open_receiver() as receiver:
        yield receiver


async def add_hook(core: Core, receiver: Receiver) -> str:
    hook = Hook(events=["Role.Created"], config={"url": receiver.url}, signing_key="k")
    return (await core.db.write(lambda tx: Hooks(tx, TENANT).create(hook))).id


async def add_role(core: Core, name: str) -> str:
    role = Role(name=name, description=name)
    return (await core.db.write(lambda tx: Roles(tx, TENANT).create(role))).id


async def events_left(core: Core) -> int:
    def count(tx: Transaction) -> int:
        return len(DomainEvents(tx, TENANT).claim(-1, 1000))

    return await core.db.write(count)


async def test_what_a_process_left_behind_is_passed_on_by_another(
    place: Place, receiver: Receiver
) -> None:
    async with place.node() as dying:
        await add_hook(dying, receiver)
        role = await add_role(dying, "reader")
    async with place.node() as other, trio.open_nursery() as nursery:
        await nursery.start(Relay(other).run)
        assert (await receiver.next()).json["data"]["id"] == role
        nursery.cancel_scope.cancel()


async def test_what_a_killed_process_committed_is_told(place: Place, receiver: Receiver) -> None:
    async with place.node() as core:
        await add_hook(core, receiver)
        command = [sys.executable, "-c", KILLED_AFTER_ITS_COMMIT, place.database_url]
        killed = await trio.run_process(command, check=False)
        assert killed.returncode == -signal.SIGKILL
        await Relay(core).pass_on()
        assert (await receiver.next()).json["data"]["name"] == "reader"


async def test_a_claim_ends_when_its_relay_died(place: Place, receiver: Receiver) -> None:
    async with place.node() as core:
        await add_hook(core, receiver)
        await add_role(core, "reader")
        claimed = await core.db.write(lambda tx: DomainEvents(tx, TENANT).claim(LEASE_MS, 10))
        assert len(claimed) == 2
        relay = Relay(core)
        await relay.pass_on()
        assert await receiver.silent(0.3)
        place.clock.ahead += LEASE_MS + 1000
        await relay.pass_on()
        assert (await receiver.next()).json["event"] == "Role.Created"
        assert await events_left(core) == 0


async def test_an_event_that_is_announced_twice_is_posted_once(
    place: Place, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The relay dies between Redis and the database: it announced, but could not say so."""
    async with place.node() as core:
        await add_hook(core, receiver)
        await add_role(core, "reader")

        def die(tx: Transaction, tenant_id: str, done: list[str], left: list[str]) -> None:
            raise RuntimeError("killed")

        with monkeypatch.context() as patch:
            patch.setattr(relays, "_settle", die)
            with pytest.raises(RuntimeError):
                await Relay(core).pass_on()
        await receiver.next()
        place.clock.ahead += LEASE_MS + 1000
        await Relay(core).pass_on()
        assert await receiver.silent(0.5)
        assert await events_left(core) == 0


async def test_relays_of_two_nodes_pass_each_event_on_once(
    place: Place, receiver: Receiver
) -> None:
    async with place.node() as one, place.node() as two, trio.open_nursery() as nursery:
        await add_hook(one, receiver)
        for node in (one, two):
            await nursery.start(Relay(node).run)
        made = {await add_role(one if number % 2 else two, f"r{number}") for number in range(20)}
        told = [(await receiver.next()).json["data"]["id"] for _ in made]
        assert sorted(told) == sorted(made)
        assert await receiver.silent(0.5)
        nursery.cancel_scope.cancel()


async def test_while_redis_is_away_events_wait_in_the_database(
    place: Place, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    from gatehouse.engine.errors import Unavailable

    async with place.node() as core:
        await add_hook(core, receiver)
        await add_role(core, "reader")

        async def away(*_: object) -> None:
            raise Unavailable("Redis is away")

        with monkeypatch.context() as patch:
            patch.setattr(relays, "announce", away)
            with pytest.raises(Unavailable):
                await Relay(core).pass_on()
        assert await events_left(core) == 1
        await Relay(core).pass_on()
        assert (await receiver.next()).json["event"] == "Role.Created"


async def test_one_event_that_cannot_be_told_holds_up_no_other(
    place: Place, receiver: Receiver
) -> None:
    async with place.node() as core:
        await add_hook(core, receiver)
        await core.db.write(lambda tx: record_event(tx, TENANT, "Role.Created", {}))
        await add_role(core, "reader")
        await Relay(core).pass_on()
        assert (await receiver.next()).json["data"]["name"] == "reader"
        assert await events_left(core) == 0
        place.clock.ahead += LEASE_MS + 1000
        assert await events_left(core) == 1


async def test_what_nobody_listens_to_is_forgotten(place: Place, receiver: Receiver) -> None:
    async with place.node() as core:
        await add_role(core, "reader")
        await Relay(core).pass_on()
        assert await events_left(core) == 0


async def test_a_hook_that_was_deleted_gets_nothing_more(place: Place, receiver: Receiver) -> None:
    receiver.answers = [500] * 3
    async with place.node() as core:
        hook_id = await add_hook(core, receiver)
        await add_role(core, "reader")
        await Relay(core).pass_on()
        await receiver.next()
        await core.db.write(lambda tx: Hooks(tx, TENANT).delete(hook_id))
        while not await receiver.silent(0.5):
            pass
        assert receiver.count < 4


async def test_every_attempt_is_logged_until_the_last(place: Place, receiver: Receiver) -> None:
    receiver.answers = [500] * 100
    async with place.node() as core:
        hook_id = await add_hook(core, receiver)
        await add_role(core, "reader")
        await Relay(core).pass_on()
        for _ in range(QUICK.attempts):
            await receiver.next()
        assert await receiver.silent(0.5)
        logs = await core.db.read(
            lambda tx: AuditLogs(tx, TENANT).search(100, hook_id=hook_id).items
        )
        assert [log.payload["result"] for log in logs] == ["Error"] * QUICK.attempts
