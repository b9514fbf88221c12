"""Who tried what, and how it ended: the audit log of everything that people do to sign in.

An entry is an effect of the turn it describes: it is written if, and only if, that turn was
committed. Effects are delivered at least once; the entry's id is chosen before the turn, and the
log keeps one row for an id, so that a repetition is dropped. What was refused is an entry of its
own, with the reason.

Entries hold no secret: a payload is put together here from fields that are safe by themselves,
never copied from a request.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec
import trio

from gatehouse.actors.refusal import Reason
from gatehouse.engine.actor import Effect
from gatehouse.storage.audit import AuditLogs
from gatehouse.storage.errors import StorageError
from gatehouse.storage.records import AuditLog

if TYPE_CHECKING:
    from gatehouse.engine.engine import Engine
    from gatehouse.engine.outbox import Delivery
    from gatehouse.storage.database import Database
    from gatehouse.storage.transaction import Transaction

AUDIT_EFFECT = "audit"
"""The kind of effect that carries an entry."""
GATHER_SECONDS = 0.05
"""How long an entry waits for others to be written with it; nobody waits for the entry."""
MAX_USER_AGENT_LENGTH = 512
"""Characters kept of a user agent: whatever a browser says about itself fits."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a request came from, as far as the log wants to know."""

    ip: str
    user_agent: str | None = None
    application_id: str | None = None


class AuditEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the log. `created_at` is in milliseconds since the epoch."""

    id: str
    tenant_id: str
    key: str
    created_at: int
    payload: dict[str, Any]

    def failed(self, reason: Reason) -> AuditEntry:
        """The same entry for an attempt that was refused."""
        error = {"code": reason.value}
        payload = {**self.payload, "result": "Error", "error": error}
        return msgspec.structs.replace(self, payload=payload)

    def about(self, **facts: object) -> AuditEntry:
        """The same entry, knowing more; facts that are None are left out."""
        return msgspec.structs.replace(self, payload={**self.payload, **_given(facts)})

    def effect(self) -> Effect:
        """The effect that has the entry written."""
        return Effect(AUDIT_EFFECT, msgspec.msgpack.encode(self))


def keep_audit_log(engine: Engine, db: Database) -> None:
    """Have the engine's audit effects written to the database. Call before the engine runs."""
    engine.on_effect(AUDIT_EFFECT, _Writer(db).write)


class _Group:
    """Entries that are written together."""

    def __init__(self) -> None:
        self.entries: list[AuditEntry] = []
        self.over = trio.Event()
        self.stored = False


class _Writer:
    """Writes entries that arrive at about the same time in one unit of work.

    A unit costs its thread hop and its commit, whatever it carries, and a sign-in has four entries.
    """

    def __init__(self, db: Database) -> None:
        self._db = db
        self._gathering: _Group | None = None

    async def write(self, delivery: Delivery) -> None:
        """Return when the entry is stored. One that cannot be does no harm to those beside it."""
        entry = msgspec.msgpack.decode(delivery.body, type=AuditEntry)
        group = self._gathering
        if group is None:
            group = self._gathering = _Group()
            group.entries.append(entry)
            await self._lead(group)
        else:
            group.entries.append(entry)
            await group.over.wait()
        if not group.stored:
            await self._db.write(_record, [entry])

    async def _lead(self, group: _Group) -> None:
        try:
            try:
                await trio.sleep(GATHER_SECONDS)
            finally:
                self._gathering = None
            with suppress(StorageError):
                await self._db.write(_record, group.entries)
                group.stored = True
        finally:
            group.over.set()


def _record(tx: Transaction, entries: Sequence[AuditEntry]) -> None:
    for entry in entries:
        AuditLogs(tx, entry.tenant_id).record(_log_of(entry))


def _log_of(entry: AuditEntry) -> AuditLog:
    return AuditLog(
        id=entry.id,
        key=entry.key,
        payload=entry.payload,
        user_id=entry.payload.get("userId"),
        application_id=entry.payload.get("applicationId"),
        hook_id=entry.payload.get("hookId"),
        created_at=entry.created_at,
    )


def new_entry(
    tenant_id: str, entry_id: str, key: str, now: int, origin: Origin, **facts: object
) -> AuditEntry:
    """An entry for an attempt that succeeded, unless it is `failed`."""
    agent = origin.user_agent[:MAX_USER_AGENT_LENGTH] if origin.user_agent else None
    payload = {
        "key": key,
        "result": "Success",
        "ip": origin.ip,
        **_given({"userAgent": agent, "applicationId": origin.application_id, **facts}),
    }
    return AuditEntry(id=entry_id, tenant_id=tenant_id, key=key, created_at=now, payload=payload)


def _given(facts: Mapping[str, object]) -> dict[str, object]:
    return {name: value for name, value in facts.items() if value is not None}
