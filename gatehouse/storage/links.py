"""What every relation between two aggregates does the same way, written once.

`LinkRows` has the statements of a many-to-many relation, `Links` is a view of it for one tenant
within one transaction: adding, replacing and removing members, with the domain event that says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert as upsert

from gatehouse.storage.columns import any_of
from gatehouse.storage.errors import NotFound
from gatehouse.storage.events import record_event
from gatehouse.storage.repository import Rows
from gatehouse.storage.statement import Stmt
from gatehouse.storage.transaction import Row, Transaction


class LinkRows:
    """The statements of one relation, from an owner's side."""

    def __init__(self, link: sa.Table, owner: Rows[Any], member: Rows[Any]) -> None:
        self.link = link
        self.owner = owner
        self.member = member
        self.owner_column = f"{owner.entity}_id"
        self.member_column = f"{member.entity}_id"

    @property
    def _mine(self) -> list[sa.ColumnElement[bool]]:
        link = self.link
        return [
            link.c.tenant_id == sa.bindparam("tenant_id"),
            link.c[self.owner_column] == sa.bindparam("owner_id"),
        ]

    @cached_property
    def add(self) -> Stmt:
        """Relate the members that exist and are not related yet."""
        target = self.member.table
        chosen = sa.select(
            target.c.tenant_id, sa.bindparam("owner_id", type_=sa.Text), target.c.id
        ).where(any_of(target.c.id, "ids"))
        columns = ["tenant_id", self.owner_column, self.member_column]
        return Stmt(
            upsert(self.link)
            .from_select(columns, chosen)
            .on_conflict_do_nothing()
            .returning(self.link.c[self.member_column])
        )

    @cached_property
    def remove(self) -> Stmt:
        """End the relation to these members."""
        member = self.link.c[self.member_column]
        return Stmt(
            sa.delete(self.link).where(*self._mine, any_of(member, "ids")).returning(member)
        )

    @cached_property
    def clear(self) -> Stmt:
        """End the relation to all members but these."""
        member = self.link.c[self.member_column]
        return Stmt(
            sa.delete(self.link)
            .where(*self._mine, sa.not_(any_of(member, "ids")))
            .returning(member)
        )

    @cached_property
    def members(self) -> Stmt:
        """The ids of an owner's members."""
        return Stmt(sa.select(self.link.c[self.member_column]).where(*self._mine))

    @cached_property
    def owners(self) -> Stmt:
        """How many owners a member is related to."""
        link = self.link
        return Stmt(
            sa.select(sa.func.count())
            .select_from(link)
            .where(
                link.c.tenant_id == sa.bindparam("tenant_id"),
                link.c[self.member_column] == sa.bindparam("member_id"),
            )
        )

    def related(self, owner_id: str = "owner_id") -> sa.ColumnElement[bool]:
        """A condition on the member's table: related to the owner in the named parameter."""
        return self._among(self.member_column, self.member, self.owner_column, owner_id)

    def has_member(self, member_id: str = "member_id") -> sa.ColumnElement[bool]:
        """A condition on the owner's table: related to the member in the named parameter."""
        return self._among(self.owner_column, self.owner, self.member_column, member_id)

    def related_each(self, owner_id: str = "owner_id") -> sa.ColumnElement[bool]:
        """As `related`, asked of one member after the other: for what is true of most, or not."""
        return self._each(self.member_column, self.member, self.owner_column, owner_id)

    def has_member_each(self, member_id: str = "member_id") -> sa.ColumnElement[bool]:
        """As `has_member`, asked of one owner after the other."""
        return self._each(self.owner_column, self.owner, self.member_column, member_id)

    def _each(
        self, column: str, rows: Rows[Any], other: str, parameter: str
    ) -> sa.ColumnElement[bool]:
        link, target = self.link, rows.table
        return sa.exists(
            sa.select(sa.literal_column("1")).where(
                link.c.tenant_id == target.c.tenant_id,
                link.c[column] == target.c.id,
                link.c[other] == sa.bindparam(parameter),
            )
        )

    def _among(
        self, column: str, rows: Rows[Any], other: str, parameter: str
    ) -> sa.ColumnElement[bool]:
        link, target = self.link, rows.table
        return sa.tuple_(target.c.tenant_id, target.c.id).in_(
            sa.select(link.c.tenant_id, link.c[column]).where(
                link.c.tenant_id == sa.bindparam("tenant_id"),
                link.c[other] == sa.bindparam(parameter),
            )
        )


class Links:
    """One relation, seen from the owner's side, in one tenant and one transaction."""

    def __init__(
        self,
        tx: Transaction,
        tenant_id: str,
        rows: LinkRows,
        event: str | None = None,
    ) -> None:
        """`event` is the type of the event that a change records (`Role.Scopes.Updated`)."""
        self.tx = tx
        self.tenant_id = tenant_id
        self.rows = rows
        self.event = event

    def members(self, owner_id: str) -> set[str]:
        """The ids of the members."""
        return {row[0] for row in self.tx.rows(self.rows.members, self._at(owner_id))}

    def count_owners(self, member_id: str) -> int:
        """How many owners a member is related to."""
        params = {"tenant_id": self.tenant_id, "member_id": member_id}
        row = self.tx.row(self.rows.owners, params)
        return int(row[0]) if row else 0

    def add(self, owner_id: str, ids: Sequence[str]) -> set[str]:
        """Relate members; those that are related already stay. Returns the new ones.

        Raises `NotFound` if the owner or a member does not exist.
        """
        self._check(owner_id, ids)
        added = self._change(self.rows.add, owner_id, ids)
        self._tell(owner_id, added, set())
        return added

    def remove(self, owner_id: str, ids: Sequence[str]) -> None:
        """End the relation to members. Raises `NotFound` for one that is not related."""
        gone = self._change(self.rows.remove, owner_id, ids)
        for id_ in ids:
            if id_ not in gone:
                raise NotFound(self.rows.link.info["entity"], id_)
        self._tell(owner_id, set(), gone)

    def replace(self, owner_id: str, ids: Sequence[str]) -> None:
        """Make these the members, and no others. Raises `NotFound` as `add` does."""
        self._check(owner_id, ids)
        gone = self._change(self.rows.clear, owner_id, ids)
        self._tell(owner_id, self._change(self.rows.add, owner_id, ids), gone)

    def _check(self, owner_id: str, ids: Sequence[str]) -> None:
        owner, member, locks = self.rows.owner, self.rows.member, self.tx.locks
        self._found(owner, owner.lock_many if locks else owner.select_many, [owner_id])
        found = self._found(member, member.hold_many if locks else member.select_many, ids)
        self._accept(member, found)

    def _found(self, rows: Rows[Any], find: Stmt, ids: Sequence[str]) -> list[Row]:
        """The rows with these ids. Raises `NotFound` for the first that is not there."""
        params = {"tenant_id": self.tenant_id, "ids": list(ids)}
        found = self.tx.rows(find, params) if ids else []
        known = {row[1] for row in found}
        for id_ in ids:
            if id_ not in known:
                raise NotFound(rows.entity, id_)
        return found

    def _accept(self, member: Rows[Any], found: Sequence[Row]) -> None:
        """Raises `Refused` if one of the members may not be related."""

    def _change(self, statement: Stmt, owner_id: str, ids: Sequence[str]) -> set[str]:
        params = self._at(owner_id) | {"ids": list(ids)}
        return {row[0] for row in self.tx.rows(statement, params)}

    def _tell(self, owner_id: str, added: set[str], removed: set[str]) -> None:
        if self.event is not None and (added or removed):
            payload = {self.rows.owner_column: owner_id} | self._facts(added, removed)
            record_event(self.tx, self.tenant_id, self.event, payload)

    def _facts(self, added: set[str], removed: set[str]) -> dict[str, Any]:
        """What an event says besides the owner."""
        return {}

    def _at(self, owner_id: str) -> dict[str, Any]:
        return {"tenant_id": self.tenant_id, "owner_id": owner_id}
