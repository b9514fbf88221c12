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
    """`column` is one of the strings in the list parameter `name`."""

    inherit_cache = False

    def __init__(self, column: sa.ColumnElement[Any], name: str) -> None:
        self.type = sa.Boolean()
        self.column = column
        self.values = sa.bindparam(name, type_=TextList())


@compiles(any_of, "sqlite")
def _any_of_sqlite(element: any_of, compiler: SQLCompiler, **kw: Any) -> str:
    column, values = compiler.process(element.column, **kw), compiler.process(element.values, **kw)
    return f"{column} IN (SELECT value FROM json_each({values}))"  # noqa: S608 - compiled parts


@compiles(any_of, "postgresql")
def _any_of_postgresql(element: any_of, compiler: SQLCompiler, **kw: Any) -> str:
    column, values = compiler.process(element.column, **kw), compiler.process(element.values, **kw)
    return f"{column} = ANY ({values})"
