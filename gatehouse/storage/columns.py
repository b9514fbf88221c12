"""The column types that the two databases spell differently, declared once.

JSON is text in SQLite and JSONB in PostgreSQL; a sealed column holds the vault's text. Times are
integer milliseconds since the epoch everywhere. `any_of` compares with a whole list in one
parameter, so that the text of a statement never depends on how many values there are.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler


class Json(sa.types.TypeDecorator[Any]):
    """A JSON document."""

    impl = sa.Text
    cache_ok = True

    def load_dialect_impl(self, dialect: sa.Dialect) -> sa.types.TypeEngine[Any]:
        """JSONB where there is one."""
        return dialect.type_descriptor(JSONB() if dialect.name == "postgresql" else sa.Text())


class Sealed(sa.types.TypeDecorator[str]):
    """A secret, encrypted by the vault before it gets here."""

    impl = sa.Text
    cache_ok = True


class TextList(sa.types.TypeDecorator[Any]):
    """A list of strings as one parameter; never a column."""

    impl = sa.Text
    cache_ok = True

    def load_dialect_impl(self, dialect: sa.Dialect) -> sa.types.TypeEngine[Any]:
        """A real array in PostgreSQL, a JSON array in SQLite."""
        return dialect.type_descriptor(
            ARRAY(sa.Text()) if dialect.name == "postgresql" else sa.Text()
        )


class any_of(sa.ColumnElement[bool]):  # noqa: N801 - reads as a function in queries
    """`column` is one of the strings in the list parameter `name`, in the tenant `:tenant_id`.

    Tenant and value are one key: SQLite's planner, given the two apart, would sometimes search for
    the tenant alone and then look at every row.
    """

    inherit_cache = False

    def __init__(self, column: sa.ColumnElement[Any], name: str) -> None:
        self.type = sa.Boolean()
        self.column = column
        self.tenant_column = column.table.c.tenant_id
        self.tenant = sa.bindparam("tenant_id", type_=sa.Text())
        self.values = sa.bindparam(name, type_=TextList())

    def self_group(self, against: object = None) -> any_of:
        """Itself: SQLAlchemy would compare it with 1 for SQLite, which hides it from indexes."""
        return self


def _parts(element: any_of, compiler: SQLCompiler, **kw: Any) -> list[str]:
    parts = (element.tenant_column, element.column, element.tenant, element.values)
    return [compiler.process(part, **kw) for part in parts]


@compiles(any_of, "sqlite")
def _any_of_sqlite(element: any_of, compiler: SQLCompiler, **kw: Any) -> str:
    tenant_column, column, tenant, values = _parts(element, compiler, **kw)
    select = f"SELECT {tenant}, value FROM json_each({values})"  # noqa: S608 - compiled parts
    return f"({tenant_column}, {column}) IN ({select})"


@compiles(any_of, "postgresql")
def _any_of_postgresql(element: any_of, compiler: SQLCompiler, **kw: Any) -> str:
    tenant_column, column, tenant, values = _parts(element, compiler, **kw)
    return f"({tenant_column} = {tenant} AND {column} = ANY ({values}))"
