"""PostgreSQL: each thread of the pool keeps one psycopg connection, opened when there is work.

**Isolation.** Units that write run SERIALIZABLE: a rule that reads and then writes holds without
explicit locks, exactly as it does under SQLite's single writer, so that one repository is right on
both. The price is that PostgreSQL may ask for a retry; a unit is therefore run again, a bounded
number of times, and *must be re-runnable*: a function of its arguments and of the database. Units
that keep losing take turns (`Turns`); those that change relations alone lock what they relate
instead (`Database.relate`). Units that read run statement by statement, without a transaction:
what must be consistent between statements is one statement, or a unit that writes.

**Failure.** A connection that broke before COMMIT was sent changed nothing: the unit is run again
on a new one, once. If the server cannot be reached, every unit fails with `Unavailable` at once
for a moment, and then one thread tries again: nobody queues behind a dead server. A connection
that broke during COMMIT leaves the outcome open: `Indeterminate`.
"""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

import outcome
import psycopg
from psycopg import errors, sql
from psycopg.conninfo import conninfo_to_dict
from psycopg.types.string import TextLoader

from gatehouse.storage.constraints import conflict_for_index
from gatehouse.storage.errors import (
    Busy,
    Indeterminate,
    InvalidValue,
    Referenced,
    StorageError,
    Unavailable,
)
from gatehouse.storage.totals import Totals
from gatehouse.storage.transaction import Transaction
from gatehouse.storage.vault import Vault
from gatehouse.storage.workers import Job

POOL_SIZE = 8
"""Connections a process may hold, unless it is told otherwise."""
CONNECT_SECONDS = 3
"""How long a server may take to accept a connection. libpq takes whole seconds, 2 at least."""
DOWN_SECONDS = 0.5
"""After a failed attempt to connect, nobody tries again for so long."""
STATEMENT_MS = 10_000
"""The server gives a statement up after this."""
LOCK_MS = 5_000
"""The server gives waiting for a lock up after this."""
FREE_RUNS = 3
"""How often a unit is run at once. Then it takes a turn among those that have failed so often."""
TURN_RUNS = 20
"""How often it is run in its turn, when only units that are new to it can be in the way."""
GIVE_WAY_SECONDS = 1.0
"""How long a unit holds back for those that have a turn."""
TURN_KEY = 0x6761746569
"""The advisory lock of those who take turns."""

_OPTIONS = {
    "statement_timeout": STATEMENT_MS,
    "lock_timeout": LOCK_MS,
    "idle_in_transaction_session_timeout": STATEMENT_MS,
}
_BEGIN = "BEGIN ISOLATION LEVEL SERIALIZABLE"
_BEGIN_LOCKING = "BEGIN ISOLATION LEVEL READ COMMITTED"


class _Rerun(Busy):
    """The server asks to run the unit again."""


class _Lost(Unavailable):
    """The connection broke before anything could be committed."""


_MEANINGS: tuple[tuple[tuple[type[psycopg.Error], ...], Callable[[], StorageError | None]], ...] = (
    ((errors.SerializationFailure, errors.DeadlockDetected), _Rerun),
    (
        (errors.ForeignKeyViolation, errors.RestrictViolation),
        lambda: Referenced("record"),
    ),
    (
        (errors.NotNullViolation, psycopg.DataError),
        lambda: InvalidValue("a value that the column cannot hold"),
    ),
    ((errors.QueryCanceled, errors.LockNotAvailable), Busy),
    ((errors.ReadOnlySqlTransaction,), lambda: Unavailable("the database accepts no changes")),
    ((errors.UndefinedTable,), lambda: StorageError("the schema is missing")),
    ((psycopg.OperationalError, psycopg.InterfaceError), _Lost),
)
"""What exceptions of the driver mean here; the first that fits counts."""


def translate(error: Exception) -> StorageError | None:
    """What a driver's exception means here; None for what is a mistake in a statement."""
    if isinstance(error, errors.UniqueViolation):
        return conflict_for_index(error.diag.constraint_name or "")
    for kinds, meaning in _MEANINGS:
        if isinstance(error, kinds):
            return meaning()
    return None


def connect(dsn: str) -> psycopg.Connection[Any]:
    """Open a connection with the settings that everything expects. Raises `psycopg.Error`."""
    given = conninfo_to_dict(dsn)
    ours: dict[str, Any] = {
        "application_name": "gatehouse",
        "connect_timeout": CONNECT_SECONDS,
        "keepalives_idle": 10,
        "keepalives_interval": 3,
        "keepalives_count": 3,
        "tcp_user_timeout": 10_000,
    }
    settings = {name: value for name, value in ours.items() if name not in given}
    connection: psycopg.Connection[Any] = psycopg.connect(dsn, autocommit=True, **settings)
    try:
        for name, value in _OPTIONS.items():
            connection.execute(
                sql.SQL("SET {} = {}").format(sql.Identifier(name), sql.Literal(value))
            )
    except psycopg.Error:
        connection.close()
        raise
    connection.adapters.register_loader("jsonb", TextLoader)
    return connection


class Door:
    """Whether the server can be reached, as far as the threads of one pool know."""

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self._lock = threading.Lock()
        self._closed_until = 0.0

    def connect(self) -> psycopg.Connection[Any]:
        """A new connection. Raises `Unavailable`, at once if another thread has just failed."""
        with self._lock:
            if time.monotonic() < self._closed_until:
                raise Unavailable
        try:
            return connect(self._dsn)
        except psycopg.Error as error:
            with self._lock:
                self._closed_until = time.monotonic() + DOWN_SECONDS
            # The driver's text may repeat the connection string; its class says enough.
            raise Unavailable(f"cannot connect: {type(error).__name__}") from None


class Turns:
    """How units that keep losing get through: one after the other, and nobody new meanwhile.

    Within the process this holds the others back; between processes, those that lose take turns
    by an advisory lock.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._wanted = 0
        self._turn = threading.Lock()

    def give_way(self) -> None:
        """Wait until nobody wants a turn, or for so long that something must be wrong."""
        if self._wanted:
            with self._changed:
                self._changed.wait_for(lambda: not self._wanted, GIVE_WAY_SECONDS)

    @contextmanager
    def take(self) -> Iterator[None]:
        """Have the turn for the duration of the block."""
        with self._changed:
            self._wanted += 1
        try:
            with self._turn:
                yield
        finally:
            with self._changed:
                self._wanted -= 1
                self._changed.notify_all()


class PostgresSession:
    """One thread's connection."""

    def __init__(
        self, door: Door, turns: Turns, clock: Callable[[], int], vault: Vault | None
    ) -> None:
        self._door = door
        self._turns = turns
        self._clock = clock
        self._vault = vault
        self._totals = Totals()
        self._lock = threading.Lock()
        self._connection: psycopg.Connection[Any] | None = None

    def run(self, jobs: Sequence[Job]) -> None:
        """Give every job an outcome."""
        for job in jobs:
            job.outcome = outcome.capture(self._persist, job)

    def interrupt(self) -> None:
        """Cut the connection, so that whoever waits for the server stops waiting."""
        with self._lock:
            if self._connection is None or self._connection.closed:
                return
            with suppress(OSError, psycopg.Error):
                cut = socket.socket(fileno=os.dup(self._connection.fileno()))
                with cut:
                    cut.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Close the connection, if there is one."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def _persist(self, job: Job) -> Any:
        """Run the unit until it has been decided, on a new connection if the old one broke."""
        try:
            return self._decide(job)
        except _Lost:
            try:
                return self._decide(job)
            except _Lost as error:
                raise Unavailable("the connection broke") from error

    def _decide(self, job: Job) -> Any:
        connection = self._connection or self._open()
        if job.reads:
            return self._read(connection, job)
        for _ in range(FREE_RUNS):
            self._turns.give_way()
            with suppress(_Rerun):
                return self._write(connection, job)
        with self._turns.take():
            return self._decide_in_turn(connection, job)

    def _decide_in_turn(self, connection: psycopg.Connection[Any], job: Job) -> Any:
        # Taken before the transaction begins, whose snapshot must be younger than the turn.
        self._guarded(connection, f"SELECT pg_advisory_lock({TURN_KEY})")
        try:
            for _ in range(TURN_RUNS):
                with suppress(_Rerun):
                    return self._write(connection, job)
        finally:
            if not connection.closed:
                self._guarded(connection, f"SELECT pg_advisory_unlock({TURN_KEY})")
        raise Busy("too many others change the same records")

    def _guarded(self, connection: psycopg.Connection[Any], statement: str) -> None:
        """Execute outside of any unit."""
        try:
            connection.execute(statement.encode())
        except psycopg.Error as error:
            raise self._failed(connection, error) from error

    def _open(self) -> psycopg.Connection[Any]:
        connection = self._door.connect()
        with self._lock:
            self._connection = connection
        return connection

    def _unit(self, connection: psycopg.Connection[Any], job: Job) -> tuple[Any, Any]:
        tx = Transaction(
            connection,
            "postgresql",
            translate,
            now=self._clock(),
            vault=self._vault,
            read_only=job.reads,
            locks=job.locks,
            totals=self._totals if job.reads else None,
        )
        value = job.fn(tx, *job.args)
        tx.check()
        return value, tx.events

    def _read(self, connection: psycopg.Connection[Any], job: Job) -> Any:
        try:
            return self._unit(connection, job)
        except BaseException as error:
            raise self._failed(connection, error) from error

    def _write(self, connection: psycopg.Connection[Any], job: Job) -> Any:
        try:
            connection.execute(_BEGIN_LOCKING if job.locks else _BEGIN)
            result = self._unit(connection, job)
        except BaseException as error:
            raise self._failed(connection, error) from error
        try:
            connection.execute("COMMIT")
        except psycopg.Error as error:
            failure = self._failed(connection, error)
            if isinstance(failure, _Lost):
                raise Indeterminate("the connection broke while committing") from error
            raise failure from error
        return result

    def _failed(self, connection: psycopg.Connection[Any], error: BaseException) -> BaseException:
        """Leave the connection clean, or drop it; say what the failure means."""
        if isinstance(error, psycopg.Error):
            error = translate(error) or error
        if connection.closed or connection.broken:
            self.close()
            return error if isinstance(error, StorageError) else _Lost()
        try:
            if connection.info.transaction_status != psycopg.pq.TransactionStatus.IDLE:
                connection.execute("ROLLBACK")
        except psycopg.Error:
            self.close()
        return error
