"""Custom profile fields: what operators ask people for besides their identifiers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import msgspec
import sqlalchemy as sa

from gatehouse.storage import schema
from gatehouse.storage.columns import any_of
from gatehouse.storage.errors import NotFound
from gatehouse.storage.records import Record
from gatehouse.storage.repository import Repository, Rows
from gatehouse.storage.statement import Stmt

FieldType = Literal[
    "Text", "Number", "Date", "Checkbox", "Select", "Url", "Regex", "Address", "Fullname"
]

_t = schema.custom_profile_fields
_HERE = _t.c.tenant_id == sa.bindparam("tenant_id")
_ALL = Stmt(sa.select(_t).where(_HERE).order_by(_t.c.sie_order, _t.c.created_at, _t.c.id))
_NAMED = Stmt(sa.select(_t).where(_HERE, any_of(_t.c.name, "names")))
_LAST = Stmt(sa.select(sa.func.coalesce(sa.func.max(_t.c.sie_order), 0)).where(_HERE))


class CustomProfileField(Record, frozen=True, kw_only=True):
    """A field. `config` is in the wire's shape; `sie_order` is its place on the page."""

    tenant_id: str = ""
    id: str = ""
    name: str
    type: FieldType
    label: str = ""
    description: str | None = None
    required: bool = False
    config: dict[str, Any] = msgspec.field(default_factory=dict)
    sie_order: int = 0
    created_at: int = 0


class CustomProfileFields(Repository[CustomProfileField]):
    """The fields of a tenant. `create` raises `Conflict` on `name`."""

    rows = Rows(_t, CustomProfileField)
    event = "CustomProfileField"

    def all(self) -> list[CustomProfileField]:
        """Every field, in the order of the page."""
        return self._many(_ALL)

    def named(self, names: Sequence[str]) -> list[CustomProfileField]:
        """The fields of these names that there are, in no order."""
        return self._many(_NAMED, names=list(names)) if names else []

    def by_name(self, name: str) -> CustomProfileField:
        """The field of this name. Raises `NotFound`."""
        for field in self.named([name]):
            return field
        raise NotFound(self.rows.entity, name)

    def next_order(self) -> int:
        """The place behind all fields that there are."""
        row = self.tx.row(_LAST, {"tenant_id": self.tenant_id})
        return 1 + (int(row[0]) if row else 0)
