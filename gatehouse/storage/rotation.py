"""Moving everything that is sealed to the vault's current key, so that old keys can be removed.

Which columns are sealed is known from the tables, so that nothing can be forgotten here. It goes
through them in small units of work: the server keeps running, and what is interrupted is simply
started again.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from gatehouse.storage import schema
from gatehouse.storage.columns import Sealed
from gatehouse.storage.database import Database
from gatehouse.storage.mapping import seal_place
from gatehouse.storage.statement import Stmt
from gatehouse.storage.transaction import Transaction

PAGE = 100
"""Rows in one unit of work."""


class _SealedColumn:
    """One column whose values are sealed, and the statements to go through it."""

    def __init__(self, table: sa.Table, column: sa.Column[Any]) -> None:
        keys = list(table.primary_key.columns)
        self.table, self.name, self.width = table.name, column.name, len(keys)
        after = sa.tuple_(*(sa.bindparam(f"after_{index}") for index in range(len(keys))))
        self.select = Stmt(
            sa.select(*keys, column)
            .where(sa.tuple_(*keys) > after, column.is_not(None))
            .order_by(*keys)
            .limit(PAGE)
        )
        here = [key == sa.bindparam(f"at_{index}") for index, key in enumerate(keys)]
        self.update = Stmt(
            sa.update(table)
            .where(*here, column == sa.bindparam("old"))
            .values({column.name: sa.bindparam("new")})
        )


async def rewrap(db: Database) -> int:
    """Seal everything anew that is not under the current key. Returns how many values that were.

    Raises `SealError` if a key that is needed is not in the ring.
    """
    count = 0
    for table in schema.metadata.sorted_tables:
        for column in table.columns:
            if isinstance(column.type, Sealed):
                count += await _rewrap_column(db, _SealedColumn(table, column))
    return count


async def _rewrap_column(db: Database, column: _SealedColumn) -> int:
    count = 0
    after: tuple[str, ...] | None = ("",) * column.width
    while after is not None:
        changed, after = await db.write(_rewrap_page, column, after)
        count += changed
    return count


def _rewrap_page(
    tx: Transaction, column: _SealedColumn, after: tuple[str, ...]
) -> tuple[int, tuple[str, ...] | None]:
    """Go through one page; return how many were changed, and where the next page begins."""
    rows = tx.rows(column.select, {f"after_{index}": key for index, key in enumerate(after)})
    changed = 0
    for *key, old in rows:
        new = tx.vault.rewrap(old, seal_place(column.table, column.name, key))
        if new != old:
            at = {f"at_{index}": part for index, part in enumerate(key)}
            changed += tx.run(column.update, at | {"old": old, "new": new})
    return changed, tuple(rows[-1][: column.width]) if len(rows) == PAGE else None
