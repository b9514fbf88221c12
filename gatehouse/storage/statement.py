"""Statements: declared with SQLAlchemy, compiled once a dialect, executed by the bare driver.

SQLAlchemy's engine costs ten times what its compiler saves, so only the compiler is used. A
`Stmt` is compiled when it is first executed: importing a repository costs nothing. Parameters are
named; JSON and lists are turned into what the driver takes here, and values that no column can
hold are refused here, so that both databases refuse the same.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple, TypeAlias

import msgspec
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite

from gatehouse.storage.columns import Json, TextList
from gatehouse.storage.errors import InvalidValue

Dialect: TypeAlias = Literal["sqlite", "postgresql"]
Params: TypeAlias = Mapping[str, Any]

_DIALECTS: Mapping[Dialect, sa.Dialect] = {
    "sqlite": SQLiteDialect_pysqlite(paramstyle="named"),
    "postgresql": PGDialect_psycopg(),  # type: ignore[no-untyped-call]
}
_ESCAPED_NUL = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")
MAX_INTEGER = 2**63 - 1
"""The largest value of a BIGINT column."""


class _Compiled(NamedTuple):
    sql: str
    defaults: Params
    json: frozenset[str]
    lists: frozenset[str]


class Stmt:
    """A statement with named parameters. Immutable; share it, compile it never by hand."""

    __slots__ = ("_compiled", "_statement", "writes")

    def __init__(self, statement: sa.sql.expression.Executable) -> None:
        self._statement = statement
        self._compiled: dict[Dialect, _Compiled] = {}
        self.writes = isinstance(statement, sa.sql.expression.UpdateBase)

    def sql(self, dialect: Dialect) -> str:
        """The text in one dialect."""
        return self._compile(dialect).sql

    def bind(self, dialect: Dialect, params: Params) -> tuple[str, Params]:
        """The text and the parameters as the driver takes them. Raises `InvalidValue`."""
        compiled = self._compile(dialect)
        bound = {**compiled.defaults, **params}
        for name, value in bound.items():
            if name in compiled.json:
                bound[name] = _json_text(value)
            elif name in compiled.lists:
                bound[name] = _list(dialect, value)
            else:
                _check(value)
        return compiled.sql, bound

    def _compile(self, dialect: Dialect) -> _Compiled:
        found = self._compiled.get(dialect)
        if found is None:
            compiled = self._statement.compile(dialect=_DIALECTS[dialect])  # type: ignore[attr-defined]
            binds: dict[str, sa.BindParameter[Any]] = compiled.binds
            found = self._compiled[dialect] = _Compiled(
                str(compiled),
                {name: bind.value for name, bind in binds.items() if not bind.required},
                frozenset(name for name, bind in binds.items() if isinstance(bind.type, Json)),
                frozenset(name for name, bind in binds.items() if isinstance(bind.type, TextList)),
            )
        return found


def _json_text(value: Any) -> str | None:
    if value is None:
        return None
    try:
        text = msgspec.json.encode(value).decode()
    except (UnicodeEncodeError, RecursionError, TypeError, msgspec.MsgspecError) as error:
        raise InvalidValue("not a JSON document") from error
    if "\\u0000" in text and _ESCAPED_NUL.search(text):
        raise InvalidValue("a NUL character")
    return text


def _list(dialect: Dialect, values: Sequence[str]) -> Any:
    for value in values:
        _check(value)
    return list(values) if dialect == "postgresql" else msgspec.json.encode(values).decode()


def _check(value: object) -> None:
    if isinstance(value, str):
        if "\x00" in value:
            raise InvalidValue("a NUL character")
        if not value.isascii():
            try:
                value.encode()
            except UnicodeEncodeError as error:
                raise InvalidValue("not well-formed Unicode") from error
    elif isinstance(value, int) and not -MAX_INTEGER <= value <= MAX_INTEGER:
        raise InvalidValue("a number out of range")
