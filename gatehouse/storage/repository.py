"""What every aggregate does the same way, written once.

A repository is a view of one table for one tenant within one transaction. A concrete one names its
table, record and events, and adds the rules and queries of its aggregate. What relations have in
common is in `links`.

Every change records a domain event in the same transaction (`events`), with the ids of what was
changed and nothing personal.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property, lru_cache
from typing import Any, ClassVar, Generic, TypeVar

import msgspec
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert as upsert

from gatehouse.storage.columns import any_of
from gatehouse.storage.errors import NotFound
from gatehouse.storage.events import record_event
from gatehouse.storage.ids import new_id
from gatehouse.storage.mapping import RecordMap
from gatehouse.storage.records import Record
from gatehouse.storage.statement import Stmt
from gatehouse.storage.transaction import Transaction

R = TypeVar("R", bound=Record)
UPDATE_SHAPES = 512
"""Combinations of columns whose update is kept compiled; the others are compiled again."""
_GIVEN = frozenset({"tenant_id", "created_at"})
"""Fields that never change after a record has been created."""


FAR = 500
"""Entries before a page from which on its keys are looked for first, in the index alone."""


class Page(msgspec.Struct, Generic[R], frozen=True):
    """One page of a list, and how many records the whole list has."""

    items: list[R]
    total: int


class Listing:
    """A list of records that can be paged: its select, and the count of the whole."""

    __slots__ = ("capped", "count", "far", "select")

    def __init__(
        self,
        table: sa.Table,
        *where: sa.ColumnElement[bool],
        keyed: bool = False,
        by: str | None = None,
    ) -> None:
        """The rows of the tenant that meet the conditions, newest first, or `by` another column.

        `keyed`: a condition picks a few rows by their whole keys. These are found first and then
        sorted, and nothing else is said of tenant and order: it would only tempt the planner to
        walk the index of the order, and meet everybody.
        """
        here = table.c.tenant_id == sa.bindparam("tenant_id")
        conditions = where if keyed else (here, *where)
        order: tuple[sa.ColumnElement[Any], ...]
        if by is not None:
            order = (table.c[by], table.c.id)
        else:
            newest = table.c.created_at + sa.literal_column("0") if keyed else table.c.created_at
            order = (newest.desc(), table.c.id.desc())
        self.select = Stmt(window(sa.select(table).where(*conditions).order_by(*order)))
        self.far = Stmt(_far(table, conditions, order))
        self.count = Stmt(sa.select(sa.func.count()).select_from(table).where(*conditions))
        some = sa.select(table.c.id).where(*conditions)
        some = some.limit(sa.bindparam("count_limit", type_=sa.Integer))
        self.capped = Stmt(sa.select(sa.func.count()).select_from(some.subquery()))


def window(select: sa.Select[Any]) -> sa.Select[Any]:
    """A page of a list: its `page_limit` entries after the first `page_offset`."""
    return select.limit(sa.bindparam("page_limit", type_=sa.Integer)).offset(
        sa.bindparam("page_offset", type_=sa.Integer)
    )


def _far(
    table: sa.Table,
    conditions: Sequence[sa.ColumnElement[bool]],
    order: Sequence[sa.ColumnElement[Any]],
) -> sa.Select[Any]:
    """A page far into a list. PostgreSQL would fetch the rows of all the pages before it."""
    keys = window(sa.select(table.c.tenant_id, table.c.id).where(*conditions).order_by(*order))
    some = keys.subquery()
    same = (table.c.tenant_id == some.c.tenant_id) & (table.c.id == some.c.id)
    return sa.select(table).join(some, same).order_by(*order)


class Rows(Generic[R]):
    """The statements of one table: made when they are first used, shared by all transactions."""

    def __init__(self, table: sa.Table, record: type[R]) -> None:
        self.table = table
        self.entity: str = table.info["entity"]
        self.mapping = RecordMap(table, record)
        self.keys = [column.name for column in table.primary_key if column.name != "tenant_id"]
        self.updating = lru_cache(maxsize=UPDATE_SHAPES)(self._updating)

    @property
    def _here(self) -> list[sa.ColumnElement[bool]]:
        return [column == sa.bindparam(f"at_{column.name}") for column in self.table.primary_key]

    def at(self, tenant_id: str, key: Sequence[str]) -> dict[str, Any]:
        """The parameters that point at one row."""
        return {
            "at_tenant_id": tenant_id,
            **{f"at_{name}": part for name, part in zip(self.keys, key, strict=True)},
        }

    @cached_property
    def select(self) -> Stmt:
        """One row."""
        return Stmt(sa.select(self.table).where(*self._here))

    @cached_property
    def select_many(self) -> Stmt:
        """The rows with these ids, in no order."""
        return Stmt(self._chosen)

    @cached_property
    def lock_many(self) -> Stmt:
        """The rows with these ids, which nobody else changes before the unit ends."""
        in_order = self._chosen.order_by(self.table.c.id)
        return Stmt(in_order.with_for_update(key_share=True))

    @cached_property
    def hold_many(self) -> Stmt:
        """The rows with these ids, which nobody deletes before the unit ends."""
        in_order = self._chosen.order_by(self.table.c.id)
        return Stmt(in_order.with_for_update(read=True, key_share=True))

    @property
    def _chosen(self) -> sa.Select[Any]:
        return sa.select(self.table).where(any_of(self.table.c.id, "ids"))

    @cached_property
    def insert(self) -> Stmt:
        """A new row."""
        return Stmt(sa.insert(self.table).values(self._parameters()))

    @cached_property
    def insert_once(self) -> Stmt:
        """A new row, unless its key exists."""
        statement = upsert(self.table).values(self._parameters())
        return Stmt(statement.on_conflict_do_nothing(index_elements=[*self.table.primary_key]))

    @cached_property
    def put(self) -> Stmt:
        """A row, new or in the place of the old one."""
        statement = upsert(self.table).values(self._parameters())
        changed = {
            column.name: statement.excluded[column.name]
            for column in self.table.columns
            if not column.primary_key
        }
        return Stmt(
            statement.on_conflict_do_update(index_elements=[*self.table.primary_key], set_=changed)
        )

    @cached_property
    def delete(self) -> Stmt:
        """One row less."""
        return Stmt(sa.delete(self.table).where(*self._here))

    @cached_property
    def all(self) -> Listing:
        """The whole list, newest first."""
        return Listing(self.table)

    def _parameters(self) -> dict[str, sa.BindParameter[Any]]:
        return {name: sa.bindparam(name) for name in self.mapping.names}

    def _updating(self, names: frozenset[str]) -> Stmt:
        values: dict[str, Any] = {name: sa.bindparam(f"new_{name}") for name in sorted(names)}
        return Stmt(
            sa.update(self.table).where(*self._here).values(values).returning(*self.table.c)
        )


class Repository(Generic[R]):
    """The records of one kind in one tenant, as one transaction sees them."""

    rows: ClassVar[Rows[Any]]
    event: ClassVar[str | None] = None
    """The noun of the aggregate's events (`User.Created`); None records none."""

    def __init__(self, tx: Transaction, tenant_id: str) -> None:
        self.tx = tx
        self.tenant_id = tenant_id

    def find(self, *key: str) -> R | None:
        """The record, or None."""
        return self._one(self.rows.select, self.rows.at(self.tenant_id, key))

    def get(self, *key: str) -> R:
        """The record. Raises `NotFound`."""
        found = self.find(*key)
        if found is None:
            raise NotFound(self.rows.entity, "/".join(key))
        return found

    def get_many(self, ids: Sequence[str]) -> list[R]:
        """The records with these ids that exist, in no order."""
        return self._many(self.rows.select_many, ids=list(ids)) if ids else []

    def require(self, ids: Sequence[str]) -> None:
        """Raises `NotFound` for the first id that does not exist."""
        known = {getattr(record, "id") for record in self.get_many(ids)}  # noqa: B009
        for id_ in ids:
            if id_ not in known:
                raise NotFound(self.rows.entity, id_)

    def page(self, limit: int = 20, offset: int = 0) -> Page[R]:
        """One page of all records, newest first."""
        return self._page(self.rows.all, limit, offset)

    def create(self, record: R) -> R:
        """Store a new record, with an id and times unless it has them. Raises `Conflict`."""
        record = self._completed(record)
        self.tx.run(self.rows.insert, self.rows.mapping.write(self.tx, record))
        self._tell("Created", record)
        return record

    def update(self, *key: str, **changes: object) -> R:
        """Change fields of a record and return it.

        Raises `NotFound`, `Conflict`, `InvalidValue` for a value of the wrong type, `TypeError`
        for a field that does not exist or never changes.
        """
        return self._update(key, changes, "Data.Updated")

    def delete(self, *key: str) -> None:
        """Delete a record and what belongs to it. Raises `NotFound`."""
        if not self.tx.run(self.rows.delete, self.rows.at(self.tenant_id, key)):
            raise NotFound(self.rows.entity, "/".join(key))
        self._tell_of(key, "Deleted")

    def _update(self, key: Sequence[str], changes: Mapping[str, object], verb: str) -> R:
        rows = self.rows
        if fixed := (_GIVEN | set(rows.keys)) & changes.keys():
            raise TypeError(f"{rows.entity}: {', '.join(sorted(fixed))} never changes")
        values = rows.mapping.convert(changes)
        if "updated_at" in rows.mapping.types and "updated_at" not in values:
            values["updated_at"] = self.tx.now
        if not values:
            return self.get(*key)
        values.update(rows.mapping.seal(self.tx, values, [self.tenant_id, *key]))
        params = {f"new_{name}": value for name, value in values.items()}
        statement = rows.updating(frozenset(values))
        found = self._one(statement, params | rows.at(self.tenant_id, key))
        if found is None:
            raise NotFound(rows.entity, "/".join(key))
        self._tell_of(key, verb)
        return found

    def _completed(self, record: R) -> R:
        given: dict[str, Any] = {"tenant_id": self.tenant_id}
        for name, value in (
            ("id", self._new_id),
            ("created_at", lambda: self.tx.now),
            ("updated_at", lambda: self.tx.now),
        ):
            if name in self.rows.mapping.types and not getattr(record, name):
                given[name] = value()
        return msgspec.structs.replace(record, **given)

    @staticmethod
    def _new_id() -> str:
        return new_id()

    def _one(self, statement: Stmt, params: Mapping[str, Any]) -> R | None:
        row = self.tx.row(statement, params)
        return None if row is None else self.rows.mapping.read(self.tx, row)

    def _many(self, statement: Stmt, **params: Any) -> list[R]:
        params["tenant_id"] = self.tenant_id
        read = self.rows.mapping.read
        return [read(self.tx, row) for row in self.tx.rows(statement, params)]

    def _page(self, listing: Listing, limit: int, offset: int, **params: Any) -> Page[R]:
        """One page. The total needs no second statement where the page shows the end."""
        items = self._items(listing, limit, offset, **params)
        if 0 < len(items) < limit or (not items and not offset):
            return Page(items, offset + len(items))
        return Page(items, self._count(listing, **params))

    def _items(self, listing: Listing, limit: int, offset: int, **params: Any) -> list[R]:
        """What one page shows."""
        select = listing.select if offset < FAR else listing.far
        return self._many(select, page_limit=limit, page_offset=offset, **params)

    def _count(self, listing: Listing, **params: Any) -> int:
        """How many there are; with a `count_limit`, no more are looked at than that."""
        statement = listing.capped if "count_limit" in params else listing.count
        params["tenant_id"] = self.tenant_id

        def count() -> int:
            row = self.tx.row(statement, params)
            return int(row[0]) if row else 0

        if self.tx.totals is None:
            return count()
        what = (statement, *sorted((name, str(value)) for name, value in params.items()))
        return self.tx.totals.get(what, self.tx.now, count)

    def _tell(self, verb: str, record: R) -> None:
        self._tell_of([getattr(record, name) for name in self.rows.keys], verb)

    def _tell_of(self, key: Sequence[str], verb: str, **more: Any) -> None:
        if self.event is not None:
            payload = dict(zip(self.rows.keys, key, strict=True)) | more
            record_event(self.tx, self.tenant_id, f"{self.event}.{verb}", payload)
