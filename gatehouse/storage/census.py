"""How many people there are, have come, and were active: numbers for a dashboard.

Who was active is kept by day (UTC, days since the epoch), as one row for each person and day. The
rows outlive the people, so that the past does not change when somebody leaves.
"""

from __future__ import annotations

from collections.abc import Iterable

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert as upsert

from gatehouse.storage import schema
from gatehouse.storage.statement import Params, Stmt
from gatehouse.storage.transaction import Transaction

DAY_MS = 24 * 3600 * 1000

_u = schema.users
_a = schema.daily_active_users
_HERE = _u.c.tenant_id == sa.bindparam("tenant_id")
_TOTAL = Stmt(sa.select(sa.func.count()).select_from(_u).where(_HERE))
_NEW = Stmt(
    sa.select(sa.func.count())
    .select_from(_u)
    .where(
        _HERE,
        _u.c.created_at >= sa.bindparam("since"),
        _u.c.created_at < sa.bindparam("before"),
    )
)
_DAYS = (
    _a.c.tenant_id == sa.bindparam("tenant_id"),
    _a.c.day >= sa.bindparam("first"),
    _a.c.day <= sa.bindparam("last"),
)
_ACTIVE = Stmt(sa.select(sa.func.count(sa.distinct(_a.c.user_id))).where(*_DAYS))
_ACTIVE_BY_DAY = Stmt(sa.select(_a.c.day, sa.func.count()).where(*_DAYS).group_by(_a.c.day))
_NOTE = Stmt(
    upsert(_a)
    .values({column.name: sa.bindparam(column.name) for column in _a.columns})
    .on_conflict_do_nothing()
)


def day_of(now: int) -> int:
    """The day of a time (ms since the epoch)."""
    return now // DAY_MS


class Census:
    """The numbers of one tenant. Days are days since the epoch; ranges include both ends."""

    def __init__(self, tx: Transaction, tenant_id: str) -> None:
        self.tx = tx
        self.tenant_id = tenant_id

    def total(self) -> int:
        """How many people there are."""
        return self._number(_TOTAL, {})

    def new(self, first: int, last: int) -> int:
        """How many came on these days, of those who are still here."""
        return self._number(_NEW, {"since": first * DAY_MS, "before": (last + 1) * DAY_MS})

    def active(self, first: int, last: int) -> int:
        """How many were active on at least one of these days."""
        return self._number(_ACTIVE, {"first": first, "last": last})

    def active_by_day(self, first: int, last: int) -> dict[int, int]:
        """How many were active on each of these days; days without anybody are left out."""
        params = {"tenant_id": self.tenant_id, "first": first, "last": last}
        return {row[0]: row[1] for row in self.tx.rows(_ACTIVE_BY_DAY, params)}

    def note_active(self, seen: Iterable[tuple[int, str]]) -> None:
        """Store days and the ids of who was active then; what is known already is no error."""
        self.tx.run_each(
            _NOTE,
            [
                {"tenant_id": self.tenant_id, "day": day, "user_id": user_id}
                for day, user_id in seen
            ],
        )

    def _number(self, statement: Stmt, params: Params) -> int:
        row = self.tx.row(statement, {"tenant_id": self.tenant_id, **params})
        return int(row[0]) if row else 0
