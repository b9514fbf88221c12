"""Matching a column against a regular expression, in both databases.

PostgreSQL has operators for it. SQLite calls a function that every connection brings along, which
matches by RE2 and gives up after a while: SQLite itself sets no limit to how long a statement runs.
"""

from __future__ import annotations

import sqlite3
import time
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from gatehouse.storage.patterns import linear_pattern

MATCHING_S = 5.0
"""How long one unit of work may match in SQLite."""
FAILED = "user-defined function raised exception"
"""How SQLite tells of a function that gave up."""


class _Matches(FunctionElement[bool]):
    """Whether a column matches somewhere."""

    name = "matches"
    type = sa.Boolean()
    inherit_cache = True


class _MatchesFolded(_Matches):
    """The same whatever the case."""

    inherit_cache = True


def matches(
    column: sa.ColumnElement[Any], pattern: sa.ColumnElement[str], *, folded: bool
) -> sa.ColumnElement[bool]:
    """A condition: the column matches the regular expression somewhere."""
    return _MatchesFolded(column, pattern) if folded else _Matches(column, pattern)


class SqliteMatching:
    """The function of one connection. A unit of work begins with `begin`."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._until = 0.0
        connection.create_function("matches", 3, self, deterministic=True)

    def begin(self) -> None:
        """Allow the unit that begins its time."""
        self._until = time.monotonic() + MATCHING_S

    def __call__(self, text: object, pattern: str, folded: int) -> int:
        """Whether the text matches; NULL matches nothing. Raises TimeoutError."""
        if time.monotonic() > self._until:
            raise TimeoutError
        if not isinstance(text, str):
            return 0
        return linear_pattern(pattern, ignore_case=bool(folded)).search(text) is not None


@compiles(_Matches, "sqlite")
def _sqlite(element: _Matches, compiler: SQLCompiler, **kw: Any) -> str:
    folded = int(isinstance(element, _MatchesFolded))
    return f"matches({compiler.process(element.clauses, **kw)}, {folded})"


@compiles(_Matches, "postgresql")
def _postgresql(element: _Matches, compiler: SQLCompiler, **kw: Any) -> str:
    column, pattern = (compiler.process(part, **kw) for part in element.clauses)
    operator = "~*" if isinstance(element, _MatchesFolded) else "~"
    return f"({column} {operator} {pattern})"
