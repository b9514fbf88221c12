"""A transaction as a unit of work sees it: execute statements, get rows, or be refused.

The same class serves both databases; what differs is how a driver's exception is translated. After
a statement failed, the transaction is over, as it is in PostgreSQL: it will not commit even if the
unit swallows the error. A unit that wants to go on after a failure opens a `savepoint`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Protocol, TypeAlias

from gatehouse.storage.errors import StorageError
from gatehouse.storage.records import DomainEvent
from gatehouse.storage.statement import Dialect, Params, Stmt
from gatehouse.storage.totals import Totals
from gatehouse.storage.vault import Vault

Row: TypeAlias = tuple[Any, ...]


class Cursor(Protocol):
    """What both drivers' cursors have in common."""

    @property
    def rowcount(self) -> int: ...

    def fetchall(self) -> list[Any]: ...


class Connection(Protocol):
    """What both drivers' connections have in common."""

    def execute(self, query: Any, params: Any = ..., /) -> Cursor: ...


class Transaction:
    """One unit's view of the database. Used in the database thread that runs the unit alone."""

    __slots__ = (
        "_connection",
        "_error",
        "_savepoints",
        "_translate",
        "_vault",
        "asked_by",
        "dialect",
        "events",
        "locks",
        "now",
        "read_only",
        "totals",
    )

    def __init__(
        self,
        connection: Connection,
        dialect: Dialect,
        translate: Callable[[Exception], StorageError | None],
        *,
        now: int,
        vault: Vault | None,
        read_only: bool,
        locks: bool = False,
        totals: Totals | None = None,
    ) -> None:
        self._connection = connection
        self._translate = translate
        self._error: StorageError | None = None
        self._savepoints = 0
        self._vault = vault
        self.dialect = dialect
        self.read_only = read_only
        self.totals = totals
        """What the connection has counted before; None where everything is to be counted."""
        self.locks = locks
        """Whether the unit has to lock what it relies on, as nothing else keeps it as it is."""
        self.now = now
        """When the unit began, in milliseconds since the epoch."""
        self.events: list[DomainEvent] = []
        """The domain events recorded so far."""
        self.asked_by: Mapping[str, Any] = {}
        """The request that asked for the unit, as far as webhooks tell of it; empty without one."""

    @property
    def vault(self) -> Vault:
        """What seals secrets. Raises `StorageError` if the database was opened without one."""
        if self._vault is None:
            raise StorageError("the database was opened without a vault")
        return self._vault

    def rows(self, statement: Stmt, params: Params | None = None) -> list[Row]:
        """Execute and return every row. Raises what the statement broke."""
        return self._execute(statement, params or {}).fetchall()

    def row(self, statement: Stmt, params: Params | None = None) -> Row | None:
        """Execute and return the first row, if any."""
        rows = self.rows(statement, params)
        return rows[0] if rows else None

    def run(self, statement: Stmt, params: Params | None = None) -> int:
        """Execute and return how many rows were changed."""
        return self._execute(statement, params or {}).rowcount

    def run_each(self, statement: Stmt, params: Sequence[Params]) -> None:
        """Execute once for each set of parameters."""
        for each in params:
            self._execute(statement, each)

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        """Undo the block alone if it raises; the transaction goes on for who catches that."""
        self._savepoints += 1
        name = f"s{self._savepoints}"
        events = len(self.events)
        self._connection.execute(f"SAVEPOINT {name}")
        try:
            yield
        except Exception:
            self._connection.execute(f"ROLLBACK TO SAVEPOINT {name}")
            del self.events[events:]
            self._error = None
            raise
        finally:
            self._connection.execute(f"RELEASE SAVEPOINT {name}")

    def check(self) -> None:
        """Raise what has failed, whoever caught it: such a transaction must not be committed."""
        if self._error is not None:
            raise self._error

    def _execute(self, statement: Stmt, params: Params) -> Cursor:
        self.check()
        if self.read_only and statement.writes:
            raise StorageError("a unit that only reads cannot write")
        sql, bound = statement.bind(self.dialect, params)
        try:
            return self._connection.execute(sql, bound)
        except Exception as error:
            translated = self._translate(error)
            if translated is None:
                raise
            self._error = translated
            raise translated from error
