"""Very many rows by one statement: the database counts, and is not told each of them.

A column is an expression over `NUMBER`, or a value that all the rows share.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import sqlalchemy as sa

from gatehouse.storage.statement import Stmt
from gatehouse.storage.transaction import Transaction

UNIT = 5_000
"""Rows of one statement, which PostgreSQL gives up after some seconds."""

_first = sa.select(sa.bindparam("number_from", type_=sa.BigInteger).label("number"))
_numbers = _first.cte("numbers", recursive=True)
_numbers = _numbers.union_all(
    sa.select(_numbers.c.number + sa.literal_column("1")).where(
        _numbers.c.number < sa.bindparam("number_to", type_=sa.BigInteger)
    )
)
NUMBER: sa.ColumnElement[int] = _numbers.c.number


def numbered(
    before: str, number: sa.ColumnElement[int] = NUMBER, *, digits: int = 0, after: str = ""
) -> sa.ColumnElement[str]:
    """A text with a number in it, filled up with zeros to so many digits."""
    written: sa.ColumnElement[str] = sa.cast(number + 10**digits if digits else number, sa.Text)
    if digits:
        written = sa.func.substr(written, 2, type_=sa.Text)
    return sa.literal(before, sa.Text) + written + sa.literal(after, sa.Text)


def store(tx: Transaction, table: sa.Table, numbers: range, columns: Mapping[str, object]) -> None:
    """Store a row for each of the numbers, which follow one another."""
    params: dict[str, Any] = {}
    chosen: list[sa.ColumnElement[Any]] = []
    for name, value in columns.items():
        if isinstance(value, sa.ColumnElement):
            chosen.append(value)
        else:
            params[name] = value
            chosen.append(sa.bindparam(name, type_=table.c[name].type))
    select = sa.select(*chosen).select_from(_numbers)
    statement = Stmt(sa.insert(table).from_select(list(columns), select))
    for some in units(numbers):
        tx.run(statement, {**params, "number_from": some.start, "number_to": some.stop - 1})


def units(numbers: range) -> Iterator[range]:
    """The numbers in pieces that one statement stores."""
    for start in range(numbers.start, numbers.stop, UNIT):
        yield range(start, min(start + UNIT, numbers.stop))
