"""Domain events: that an aggregate has changed, recorded in the transaction that changed it.

They drive caches within the process (`Database.listen`), and later webhooks. A payload names the
changed record and nothing personal: who receives an event reads the record.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from gatehouse.storage import schema
from gatehouse.storage.ids import new_id
from gatehouse.storage.mapping import RecordMap
from gatehouse.storage.records import DomainEvent
from gatehouse.storage.statement import Stmt
from gatehouse.storage.transaction import Transaction

_table = schema.domain_events
_mapping = RecordMap(_table, DomainEvent)
_INSERT = Stmt(sa.insert(_table).values({name: sa.bindparam(name) for name in _mapping.names}))
_AFTER = Stmt(
    sa.select(_table)
    .where(
        _table.c.tenant_id == sa.bindparam("tenant_id"),
        sa.tuple_(_table.c.created_at, _table.c.id)
        > sa.tuple_(sa.bindparam("since", type_=sa.BigInteger), sa.bindparam("after_id")),
    )
    .order_by(_table.c.created_at, _table.c.id)
    .limit(sa.bindparam("page_limit", type_=sa.Integer))
)
_PRUNE = Stmt(
    sa.delete(_table).where(
        _table.c.tenant_id == sa.bindparam("tenant_id"),
        _table.c.created_at < sa.bindparam("before"),
    )
)


def record_event(
    tx: Transaction, tenant_id: str, type_: str, payload: Mapping[str, Any]
) -> DomainEvent:
    """Record an event; it becomes true with the transaction."""
    event = DomainEvent(
        tenant_id=tenant_id,
        id=new_id(),
        type=type_,
        payload=dict(payload),
        created_at=tx.now,
    )
    tx.run(_INSERT, _mapping.write(tx, event))
    tx.events.append(event)
    return event


class DomainEvents:
    """The recorded events of one tenant."""

    def __init__(self, tx: Transaction, tenant_id: str) -> None:
        self.tx = tx
        self.tenant_id = tenant_id

    def after(self, since: int = 0, after_id: str = "", limit: int = 100) -> list[DomainEvent]:
        """Events in order, from just behind the one of this time (ms) and id."""
        params = {
            "tenant_id": self.tenant_id,
            "since": since,
            "after_id": after_id,
            "page_limit": limit,
        }
        return [_mapping.read(self.tx, row) for row in self.tx.rows(_AFTER, params)]

    def prune(self, before: int) -> int:
        """Forget events from before this time (ms). Returns how many."""
        return self.tx.run(_PRUNE, {"tenant_id": self.tenant_id, "before": before})
