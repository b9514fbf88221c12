"""Domain events: that an aggregate has changed, recorded in the transaction that changed it.

They drive caches within the process (`Database.listen`), and webhooks: the table is an outbox, from
which relays take the events after the commit. An event is claimed for a while, so that one relay
at a time is busy with it, and deleted once it was passed on; the claim of a relay that died ends by
itself. A payload names the changed record and the request that changed it, and nothing else that is
personal: who receives an event reads the record.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from gatehouse.storage import schema
from gatehouse.storage.columns import any_of
from gatehouse.storage.ids import new_id
from gatehouse.storage.mapping import RecordMap
from gatehouse.storage.records import DomainEvent
from gatehouse.storage.statement import Stmt
from gatehouse.storage.transaction import Transaction

ASKED_BY = "asked_by"
"""The member of a payload that tells of the request that led to the event."""

_table = schema.domain_events
_mapping = RecordMap(_table, DomainEvent)
_INSERT = Stmt(sa.insert(_table).values({name: sa.bindparam(name) for name in _mapping.names}))
_HERE = _table.c.tenant_id == sa.bindparam("tenant_id")
_WAITING = _table.c.claimed_until < sa.bindparam("now")
_OLDEST = (
    sa.select(_table.c.tenant_id, _table.c.id)
    .where(_HERE, _WAITING)
    .order_by(_table.c.created_at, _table.c.id)
    .limit(sa.bindparam("page_limit", type_=sa.Integer))
)
_ANY_WAITING = Stmt(sa.select(_table.c.id).where(_HERE, _WAITING).limit(1))
_CLAIM = Stmt(
    sa.update(_table)
    .where(
        sa.tuple_(_table.c.tenant_id, _table.c.id).in_(_OLDEST.with_for_update(skip_locked=True))
    )
    .values(claimed_until=sa.bindparam("until"))
    .returning(*_table.c)
)
_RELEASE = Stmt(sa.update(_table).where(any_of(_table.c.id, "ids")).values(claimed_until=0))
_SETTLE = Stmt(sa.delete(_table).where(any_of(_table.c.id, "ids")))


def record_event(
    tx: Transaction, tenant_id: str, type_: str, payload: Mapping[str, Any]
) -> DomainEvent:
    """Record an event; it becomes true with the transaction."""
    event = DomainEvent(
        tenant_id=tenant_id,
        id=new_id(),
        type=type_,
        payload={**payload, **({ASKED_BY: dict(tx.asked_by)} if tx.asked_by else {})},
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

    def any_waiting(self) -> bool:
        """Whether there is an event that nobody is busy with."""
        params = {"tenant_id": self.tenant_id, "now": self.tx.now}
        return self.tx.row(_ANY_WAITING, params) is not None

    def claim(self, lease: int, limit: int) -> list[DomainEvent]:
        """The oldest events that nobody is busy with; they are the caller's for `lease` ms."""
        now = self.tx.now
        params = {
            "tenant_id": self.tenant_id,
            "now": now,
            "until": now + lease,
            "page_limit": limit,
        }
        claimed = [_mapping.read(self.tx, row) for row in self.tx.rows(_CLAIM, params)]
        return sorted(claimed, key=lambda event: (event.created_at, event.id))

    def release(self, ids: Sequence[str]) -> None:
        """Give claimed events back, to be claimed again."""
        self.tx.run(_RELEASE, {"tenant_id": self.tenant_id, "ids": list(ids)})

    def settle(self, ids: Sequence[str]) -> None:
        """The world knows of these events, or need not: forget them."""
        self.tx.run(_SETTLE, {"tenant_id": self.tenant_id, "ids": list(ids)})
