"""SQLite: one thread writes, a few read, and units that wait together are committed together.

SQLite has one writer at a time, so a queue in front of one connection loses nothing, and wins:
the units that wait when the writer becomes free share one transaction (group commit), each inside
a savepoint, so that a unit that fails is undone alone. In WAL mode readers never wait for the
writer, and each unit that reads sees one snapshot. With `synchronous=normal` a crash of the
program loses nothing; a power cut may lose the last commits, never the file's consistency.

Several processes may share the file; they take turns at writing.
"""

from __future__ import annotations

import re
import sqlite3
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

import outcome

from gatehouse.storage.constraints import conflict_for_columns, conflict_for_index
from gatehouse.storage.errors import (
    Busy,
    InvalidValue,
    Referenced,
    StorageError,
    Unavailable,
)
from gatehouse.storage.matching import FAILED, SqliteMatching
from gatehouse.storage.records import DomainEvent
from gatehouse.storage.totals import Totals
from gatehouse.storage.transaction import Transaction
from gatehouse.storage.vault import Vault
from gatehouse.storage.workers import Job

T = TypeVar("T")

BATCH = 128
"""Units in one group commit."""
BATCH_SECONDS = 0.05
"""After this long a group is committed as it is: other processes wait for the file."""
BUSY_MS = 4000
"""How long to wait for another process that writes."""
CACHED_STATEMENTS = 512
"""Prepared statements kept by a connection."""
READERS = 2
"""Reads hold the interpreter for most of their time: more threads would not make them faster."""
READ_BATCH = 8
"""Units that read in one hop to a thread, which costs more than most of them. A slow one delays
the others of its batch, so there are not many."""

_PRAGMAS = (
    "journal_mode=wal",
    "synchronous=normal",
    "foreign_keys=on",
    "temp_store=memory",
    # As in PostgreSQL, LIKE tells upper from lower case; `ilike` does not.
    "case_sensitive_like=on",
    "cache_size=-16000",
    "journal_size_limit=67108864",
)
_COLUMNS = re.compile(r"UNIQUE constraint failed: (?!index )(.+)")
_INDEX = re.compile(r"UNIQUE constraint failed: index '(.+)'")
_FAILURES: dict[int, Callable[[], StorageError | None]] = {
    sqlite3.SQLITE_BUSY: Busy,
    sqlite3.SQLITE_LOCKED: Busy,
    # A mistake in a statement: the driver's own message is the useful one.
    sqlite3.SQLITE_ERROR: lambda: None,
}


def connect(path: Path, *, read_only: bool = False, busy_ms: int = BUSY_MS) -> sqlite3.Connection:
    """Open the file, which only its owner may read, with the settings that everything expects.

    Raises `sqlite3.Error`.
    """
    with suppress(OSError):
        path.touch(mode=0o600)
    connection = sqlite3.connect(
        path, isolation_level=None, check_same_thread=False, cached_statements=CACHED_STATEMENTS
    )
    try:
        for pragma in (f"busy_timeout={busy_ms}", *_PRAGMAS):
            connection.execute(f"PRAGMA {pragma}")
        if read_only:
            connection.execute("PRAGMA query_only=on")
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def translate(error: Exception) -> StorageError | None:
    """What a driver's exception means here; None for what is a mistake in a statement."""
    match error:
        case sqlite3.IntegrityError():
            return _broken_rule(str(error))
        case OverflowError() | sqlite3.DataError():
            return InvalidValue("a value out of range")
        case sqlite3.ProgrammingError():
            return None
        case sqlite3.OperationalError() if (known := _told(str(error))) is not None:
            return known
        case sqlite3.DatabaseError(sqlite_errorcode=code):
            return _FAILURES.get(code & 0xFF, Unavailable)()
    return None


def _told(message: str) -> StorageError | None:
    """What only SQLite's sentence tells apart."""
    if message == FAILED:
        return Busy("the search took too long")
    return StorageError("the schema is missing") if message.startswith("no such table") else None


def _broken_rule(message: str) -> StorageError:
    if found := _INDEX.match(message):
        return conflict_for_index(found[1])
    if found := _COLUMNS.match(message):
        return conflict_for_columns(found[1])
    if message.startswith("FOREIGN KEY"):
        return Referenced("record")
    return InvalidValue("a value that the column cannot hold")


class _SqliteSession:
    """A connection to the file, opened when it is first needed and again after it failed."""

    def __init__(
        self,
        path: Path,
        clock: Callable[[], int],
        vault: Vault | None,
        *,
        busy_ms: int = BUSY_MS,
    ) -> None:
        self._path = path
        self._busy_ms = busy_ms
        self._clock = clock
        self._vault = vault
        self._totals = Totals()
        self._connection: sqlite3.Connection | None = None
        self._matching: SqliteMatching | None = None

    def interrupt(self) -> None:
        """Stop the statement that runs."""
        if self._connection is not None:
            self._connection.interrupt()

    def close(self) -> None:
        """Close the connection, if there is one."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _open(self, *, read_only: bool) -> sqlite3.Connection:
        if self._connection is None:
            self._connection = connect(self._path, read_only=read_only, busy_ms=self._busy_ms)
            self._matching = SqliteMatching(self._connection)
        return self._connection

    def _unit(
        self,
        connection: sqlite3.Connection,
        fn: Callable[..., T],
        args: tuple[Any, ...],
        *,
        read_only: bool,
    ) -> tuple[T, list[DomainEvent]]:
        if self._matching is not None:
            self._matching.begin()
        tx = Transaction(
            connection,
            "sqlite",
            translate,
            now=self._clock(),
            vault=self._vault,
            read_only=read_only,
            totals=self._totals if read_only else None,
        )
        value = fn(tx, *args)
        tx.check()
        return value, tx.events


class SqliteReader(_SqliteSession):
    """Runs units that read, each in a snapshot of its own."""

    def run(self, jobs: Sequence[Job]) -> None:
        """Give every job an outcome."""
        for job in jobs:
            job.outcome = outcome.capture(self._read, job)

    def _read(self, job: Job) -> Any:
        try:
            connection = self._open(read_only=True)
            connection.execute("BEGIN")
            try:
                return self._unit(connection, job.fn, job.args, read_only=True)
            finally:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
        except sqlite3.Error as error:
            self.close()
            raise translate(error) or error from error


class SqliteFinder(_SqliteSession):
    """Finds a few rows in the calling thread, each statement in a snapshot of its own."""

    def find(self, fn: Callable[..., T], args: tuple[Any, ...]) -> T:
        """Run a unit that reads. Raises `Busy` if it would have to wait, or what it raises."""
        try:
            return self._unit(self._open(read_only=True), fn, args, read_only=True)[0]
        except sqlite3.Error as error:
            self.close()
            raise translate(error) or error from error


class SqliteWriter(_SqliteSession):
    """Runs units that write, a group of them in one transaction."""

    def run(self, jobs: Sequence[Job]) -> None:
        """Give every job an outcome."""
        left = list(jobs)
        while left:
            left = self._group(left)

    def _group(self, jobs: list[Job]) -> list[Job]:
        """Commit as many of the jobs as time allows; return the others."""
        done = 0
        try:
            connection = self._open(read_only=False)
            connection.execute("BEGIN IMMEDIATE")
            deadline = time.monotonic() + BATCH_SECONDS
            for job in jobs:
                job.outcome = outcome.capture(self._write, connection, job)
                done += 1
                if not connection.in_transaction:
                    raise Unavailable("the database gave the transaction up")
                if time.monotonic() > deadline:
                    break
            connection.execute("COMMIT")
        except (sqlite3.Error, StorageError, OSError) as error:
            return self._give_up(jobs, error)
        return jobs[done:]

    def _give_up(self, jobs: list[Job], error: Exception) -> list[Job]:
        """The transaction is lost, and with it everything in the group."""
        busy = isinstance(translate(error), Busy)
        for job in jobs:
            job.outcome = outcome.Error(Busy() if busy else Unavailable())
        if self._connection is not None:
            with suppress(sqlite3.Error):
                self._connection.rollback()
        self.close()
        return []

    def _write(self, connection: sqlite3.Connection, job: Job) -> Any:
        connection.execute("SAVEPOINT unit")
        try:
            value = self._unit(connection, job.fn, job.args, read_only=False)
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK TO unit")
                connection.execute("RELEASE unit")
            raise
        connection.execute("RELEASE unit")
        return value
