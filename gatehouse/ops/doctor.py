"""What can be checked from inside before people notice: settings, database, Redis, keys, clock.

Each check is a function that yields what it found. A check that raises has found a failure; the
others still run.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

import msgspec
import trio

from gatehouse.actors.connectors.messengers import Messengers
from gatehouse.actors.messages import OutgoingMessage
from gatehouse.actors.outbound import Outbound
from gatehouse.engine.actor import Kind, Turn
from gatehouse.engine.engine import Engine
from gatehouse.engine.redis import Redis
from gatehouse.ops import datadir, delivery
from gatehouse.ops.errors import expected_errors, sole_cause
from gatehouse.ops.reach import open_redis
from gatehouse.ops.settings import check_urls
from gatehouse.ops.worker import TENANT
from gatehouse.storage.database import Database
from gatehouse.storage.migrate import current_revision, head
from gatehouse.storage.tenants import SigningKeys, Tenants
from gatehouse.storage.vault import Vault

if TYPE_CHECKING:
    from gatehouse.ops.settings import Settings
    from gatehouse.storage.transaction import Transaction

Verdict = Literal["ok", "warns", "fails"]

MAX_CLOCK_SKEW_SECONDS: Final = 1.0
"""Nodes' clocks may differ so much; due timers and expiries are compared across them."""

OLDEST_REDIS: Final = 7
"""The first major version whose scripts and streams do everything that the engine asks for."""

DELIVERY_SECONDS: Final = 15.0
"""How long a test message may take through the outbox."""

POLL_SECONDS: Final = 0.05


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    verdict: Verdict
    subject: str
    message: str


async def examine(settings: Settings, test_recipient: str | None = None) -> list[Finding]:
    """Check everything; with a recipient, also send a mail by way of a turn and the outbox.

    Raises SettingsError and DataDirError, where there is nothing to look into.
    """
    check_urls(settings)
    datadir.prepare_data_dir(settings)
    findings = list(_check_settings(settings))
    async with AsyncExitStack() as stack:
        findings += await _guarded(
            "redis", lambda: stack.enter_async_context(open_redis(settings)), _check_redis
        )
        db = await stack.enter_async_context(
            Database.open(settings.database, vault=datadir.vault(settings), pool_size=1)
        )
        findings += await _guarded("database", lambda: _as_is(db), _check_database(settings))
    if test_recipient is not None:
        findings += await _guarded(
            "delivery", lambda: _as_is(settings), _check_delivery(test_recipient)
        )
    return findings


async def _guarded(
    subject: str,
    prepare: Callable[[], Awaitable[Any]],
    check: Callable[[Any], AsyncIterator[Finding]],
) -> list[Finding]:
    findings: list[Finding] = []
    try:
        part = await prepare()
        async for finding in check(part):
            findings.append(finding)  # noqa: PERF401  # kept if the next one raises
    except Exception as error:
        cause = sole_cause(error)
        if not isinstance(cause, expected_errors()):
            raise
        findings.append(Finding("fails", subject, str(cause)))
    return findings


async def _as_is(part: Any) -> Any:
    return part


def _check_settings(settings: Settings) -> Iterable[Finding]:
    local = ("http://localhost", "http://127.0.0.1", "http://[::1]")
    yield Finding("ok", "settings", f"the public URL is {settings.origin}")
    if settings.origin.startswith("http://") and not settings.origin.startswith(local):
        yield Finding("warns", "settings", "the public URL is not https: cookies can be stolen")
    if settings.database.startswith("postgres") and not (
        settings.secret_keys and settings.vault_keys
    ):
        yield Finding(
            "warns",
            "settings",
            "several machines need the same GATEHOUSE_SECRET_KEYS and GATEHOUSE_VAULT_KEYS",
        )
    for name in ("secret-keys", "vault-keys", datadir.CREDENTIALS):
        path = settings.data_dir / name
        if path.exists() and path.stat().st_mode & 0o077:
            yield Finding("fails", "data directory", f"{path} can be read by others: chmod 600")


def _check_database(settings: Settings) -> Callable[[Database], AsyncIterator[Finding]]:
    async def check(db: Database) -> AsyncIterator[Finding]:
        revision = await trio.to_thread.run_sync(current_revision, settings.database)
        if revision != head():
            yield Finding("fails", "database", "the schema is not current: run gatehouse migrate")
            return
        yield Finding("ok", "database", f"reachable, schema at {revision}")
        seeded, algorithms = await db.read(_read_keys)
        if not seeded:
            yield Finding("fails", "keys", "the tenant is missing: run gatehouse seed")
        elif not algorithms:
            yield Finding("fails", "keys", "there is no signing key: run gatehouse keys rotate")
        else:
            yield Finding("ok", "keys", f"tokens are signed with {algorithms[0]}")

    return check


def _read_keys(tx: Transaction) -> tuple[bool, list[str]]:
    """Whether the tenant is there, and the algorithm of the key that signs; opens every seal."""
    keys = SigningKeys(tx, TENANT).all()
    return Tenants(tx).find(TENANT) is not None, [k.alg for k in keys if k.status == "current"]


async def _check_redis(redis: Redis) -> AsyncIterator[Finding]:
    before = time.time()
    seconds, micros = await redis.execute("TIME")
    skew = int(seconds) + int(micros) / 1e6 - (before + time.time()) / 2
    info = _parse_info(await redis.execute("INFO"))
    name = "Valkey" if "valkey_version" in info else "Redis"
    version = info.get("valkey_version") or info.get("redis_version", "0")
    current = int(version.partition(".")[0]) >= OLDEST_REDIS
    mode = info.get("server_mode") or info.get("redis_mode", "")
    yield Finding("ok" if current else "fails", "redis", f"{name} {version}, {mode}")
    policy = info.get("maxmemory_policy")
    limited = info.get("maxmemory", "0") != "0"
    if limited and policy != "noeviction":
        yield Finding(
            "fails", "redis", f"maxmemory-policy is {policy}: people would be signed out at random"
        )
    if info.get("aof_enabled") != "1":
        yield Finding("warns", "redis", "appendonly is off: a restart loses recent sessions")
    if info.get("role") == "slave":
        yield Finding("fails", "redis", "this is a replica: point the setting at the primary")
    if abs(skew) > MAX_CLOCK_SKEW_SECONDS:
        yield Finding("warns", "clock", f"differs from the Redis server's by {skew:.1f} s")
    else:
        yield Finding("ok", "clock", "agrees with the Redis server's")


def _parse_info(reply: bytes | str) -> dict[str, str]:
    text = reply.decode() if isinstance(reply, bytes) else reply
    pairs = (line.partition(":") for line in text.splitlines() if not line.startswith("#"))
    return {name: value for name, colon, value in pairs if colon}


class _Probe(msgspec.Struct, frozen=True):
    sent_at: int


@dataclass(frozen=True, slots=True)
class _SendProbe:
    """A turn that does nothing but have a message sent."""

    message: OutgoingMessage
    vault: Vault

    def apply(self, state: _Probe | None, now: int) -> Turn[_Probe, None]:
        return Turn(_Probe(now), None, now + 60_000, effects=(self.message.effect(self.vault),))


_PROBE: Final = Kind("probe", _Probe)


def _check_delivery(recipient: str) -> Callable[[Any], AsyncIterator[Finding]]:
    async def check(settings: Settings) -> AsyncIterator[Finding]:
        if await _deliver_message(settings, recipient):
            yield Finding("ok", "delivery", f"a test message to {recipient} is in the inbox")
        else:
            yield Finding("fails", "delivery", "the test message did not arrive: see the log")

    return check


async def _deliver_message(settings: Settings, recipient: str) -> bool:
    """Send a message by way of a turn and the outbox; whether it arrived."""
    mark = secrets.token_hex(8)
    vault = datadir.secret_ring(settings).vault()
    message = OutgoingMessage(
        tenant_id=TENANT,
        channel="email",
        recipient=recipient,
        usage="Test",
        payload={"mark": mark},
        to_inbox=True,
    )
    async with AsyncExitStack() as stack:
        db = await stack.enter_async_context(Database.open(settings.database, pool_size=1))
        engine = Engine(
            await stack.enter_async_context(open_redis(settings)), node=f"doctor-{mark}"
        )
        # A server that runs may be first to deliver it, which is as good.
        delivery.handle_messages(engine, Messengers(db, Outbound()), vault)
        outbox = await stack.enter_async_context(trio.open_nursery())
        stack.callback(outbox.cancel_scope.cancel)
        await outbox.start(engine.run)
        await engine.turn(_PROBE.at(TENANT, mark), _SendProbe(message, vault))
        with trio.move_on_after(DELIVERY_SECONDS):
            # It may arrive by way of another process, which only the database tells.
            while not await db.read(_has_arrived, mark):  # noqa: ASYNC110
                await trio.sleep(POLL_SECONDS)
            return True
    return False


def _has_arrived(tx: Transaction, mark: str) -> bool:
    return any(mark in one.body for one in delivery.newest_messages(tx, TENANT, 20))
