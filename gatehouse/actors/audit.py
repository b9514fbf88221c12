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
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from gatehouse.actors.adaptive_mfa import Signs
from gatehouse.actors.refusal import Reason
from gatehouse.engine.actor import Effect
from gatehouse.storage.audit import AuditLogs
from gatehouse.storage.records import AuditLog

if TYPE_CHECKING:
    from gatehouse.engine.engine import Engine
    from gatehouse.engine.outbox import Delivery
    from gatehouse.storage.database import Database
    from gatehouse.storage.transaction import Transaction

AUDIT_EFFECT = "audit"
"""The kind of effect that carries an entry."""
MAX_USER_AGENT_LENGTH = 512
"""Characters kept of a user agent: whatever a browser says about itself fits."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a request came from, as far as the log and the mail want to know."""

    ip: str
    user_agent: str | None = None
    application_id: str | None = None
    accept_language: str | None = None
    signs: Signs | None = None

    @property
    def shown_agent(self) -> str | None:
        """What the browser says about itself, as far as that is kept."""
        return self.user_agent[:MAX_USER_AGENT_LENGTH] if self.user_agent else None


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

    async def write(deliveries: Sequence[Delivery]) -> None:
        """A unit of work costs its thread hop and its commit, whatever it carries."""
        entries = [msgspec.msgpack.decode(one.body, type=AuditEntry) for one in deliveries]
        await db.write(record, entries)

    engine.on_effects(AUDIT_EFFECT, write)


def record(tx: Transaction, entries: Sequence[AuditEntry]) -> None:
    """Write entries; one that was written before is not written again."""
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
    payload = {
        "key": key,
        "result": "Success",
        "ip": origin.ip,
        **_given(
            {"userAgent": origin.shown_agent, "applicationId": origin.application_id, **facts}
        ),
    }
    return AuditEntry(id=entry_id, tenant_id=tenant_id, key=key, created_at=now, payload=payload)


def _given(facts: Mapping[str, object]) -> dict[str, object]:
    return {name: value for name, value in facts.items() if value is not None}
