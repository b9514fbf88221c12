"""The database: where units of work are handed in, whichever database it is.

    async with Database.open("sqlite:///gatehouse.db", vault=vault) as db:
        user = await db.write(create_user, "default", "ada")

A unit of work is a plain function of a `Transaction` and its arguments. It runs in a database
thread, all or nothing, and may be run again if the database asks for it: it must not touch the
world. What it returns comes back; what it raises is raised here and undoes it.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar
from urllib.parse import unquote, urlsplit

import trio

from gatehouse.storage.errors import Busy, StorageError
from gatehouse.storage.observer import StorageObserver
from gatehouse.storage.records import DomainEvent
from gatehouse.storage.transaction import Transaction
from gatehouse.storage.vault import Vault
from gatehouse.storage.workers import Workers

P = ParamSpec("P")
T = TypeVar("T")
Listener = Callable[[Sequence[DomainEvent]], None]


def wall_clock() -> int:
    """Milliseconds since the epoch."""
    return time.time_ns() // 1_000_000


def sqlite_path(url: str) -> Path | None:
    """The file that a URL names: `sqlite:///relative` or `sqlite:////absolute`; None for others.

    Raises `ValueError` for a URL that is neither SQLite's nor PostgreSQL's.
    """
    scheme = urlsplit(url).scheme
    if scheme == "sqlite":
        name = unquote(url.removeprefix("sqlite:///"))
        if name == url or not name or name.startswith(":"):
            raise ValueError("a SQLite URL is sqlite:///path")
        return Path(name)
    if scheme not in ("postgresql", "postgres"):
        raise ValueError("a database URL begins with sqlite:/// or postgresql://")
    return None


class Finder(Protocol):
    """Finds rows where there is no time to wait."""

    def find(self, fn: Callable[..., T], args: tuple[Any, ...]) -> T:
        """Run a unit that reads. Raises `Busy` if it would have to wait, or what it raises."""

    def close(self) -> None:
        """Close the connection."""


class Database:
    """An open database. Made by `Database.open`."""

    def __init__(self, readers: Workers, writers: Workers, finder: Finder | None = None) -> None:
        self._readers = readers
        self._writers = writers
        self._finder = finder
        self._listeners: list[Listener] = []

    @classmethod
    @asynccontextmanager
    async def open(
        cls,
        url: str,
        *,
        vault: Vault | None = None,
        pool_size: int | None = None,
        clock: Callable[[], int] = wall_clock,
        observer: StorageObserver | None = None,
    ) -> AsyncIterator[Database]:
        """Open the database for the duration of the block.

        `url` is `sqlite:///path` or `postgresql://...`. The schema must be there (`migrate`).
        Connections are made when they are needed, so that a server that is down is not an error
        here. Raises `ValueError` for another URL.
        """
        db = _build(cls, url, vault, pool_size, clock, observer or StorageObserver())
        try:
            yield db
        finally:
            with trio.CancelScope(shield=True):
                await trio.to_thread.run_sync(db._close)

    async def read(
        self, fn: Callable[Concatenate[Transaction, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Run a unit that only reads. Cancelling abandons it.

        In SQLite the unit sees one snapshot, in PostgreSQL each statement sees what is committed:
        what must fit together is asked for in one statement, or in a `write`.

        Raises `Busy`, `Unavailable`, and whatever the unit raises.
        """
        unit = partial(fn, **kwargs) if kwargs else fn
        value, _ = await self._readers.submit(unit, args, reads=True)
        return value  # type: ignore[no-any-return]

    async def lookup(
        self, fn: Callable[Concatenate[Transaction, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Run a unit that finds a few rows by their keys. As `read`, without the hop where it can.

        In a SQLite file such a unit takes less time than waking a thread and being woken by it, so
        it runs right here, and never waits: whatever would make it wait sends it to the threads.
        Each statement sees what is committed, as it does in PostgreSQL.
        """
        if self._finder is not None:
            await trio.lowlevel.checkpoint_if_cancelled()
            with suppress(Busy):
                return self._finder.find(partial(fn, **kwargs) if kwargs else fn, args)
        return await self.read(fn, *args, **kwargs)

    async def write(
        self, fn: Callable[Concatenate[Transaction, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Run a unit and commit it. Once it has begun, cancelling waits for its outcome.

        Raises `Busy`, `Unavailable`, `Indeterminate`, and whatever the unit raises; of these only
        `Indeterminate` may have changed something.
        """
        return await self._change(partial(fn, **kwargs) if kwargs else fn, args, locks=False)

    async def relate(
        self, fn: Callable[Concatenate[Transaction, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Run a unit that changes relations (`Links`) alone, and commit it. As `write`.

        PostgreSQL finds serializable units in each other's way if they touch the same page of an
        index, as those do whose owners are neighbours: three in five would run again. Such a unit
        runs READ COMMITTED instead, and locks the ends of what it relates (`Transaction.locks`).
        """
        return await self._change(partial(fn, **kwargs) if kwargs else fn, args, locks=True)

    async def _change(self, unit: Callable[..., T], args: tuple[Any, ...], *, locks: bool) -> T:
        value, events = await self._writers.submit(unit, args, reads=False, locks=locks)
        if events:
            for listener in self._listeners:
                listener(events)
        return value  # type: ignore[no-any-return]

    def listen(self, listener: Listener) -> None:
        """Have `listener` called with the domain events of each write of this process.

        It is called on the event loop after the commit and before `write` returns, must be quick
        and must not raise. Other processes' events do not come here.
        """
        self._listeners.append(listener)

    async def ping(self) -> None:
        """Find out whether the database answers. Raises `StorageError` if it does not."""
        await self.read(_ping)

    def _close(self) -> None:
        self._writers.close()
        if self._readers is not self._writers:
            self._readers.close()
        if self._finder is not None:
            self._finder.close()


def _ping(tx: Transaction) -> None:
    from gatehouse.storage.migrate import head, revision_of  # noqa: PLC0415

    if revision_of(tx) != head():
        raise StorageError("the schema is not up to date")


def _build(  # noqa: PLR0917 - the one call is `open`'s
    cls: type[Database],
    url: str,
    vault: Vault | None,
    pool_size: int | None,
    clock: Callable[[], int],
    observer: StorageObserver,
) -> Database:
    path = sqlite_path(url)
    if path is not None:
        from gatehouse.storage import sqlite  # noqa: PLC0415

        readers = Workers(
            "sqlite-read",
            lambda: sqlite.SqliteReader(path, clock, vault),
            size=pool_size or sqlite.READERS,
            batch=sqlite.READ_BATCH,
            observer=observer,
        )
        writers = Workers(
            "sqlite-write",
            lambda: sqlite.SqliteWriter(path, clock, vault),
            size=1,
            batch=sqlite.BATCH,
            observer=observer,
        )
        return cls(readers, writers, sqlite.SqliteFinder(path, clock, vault, busy_ms=0))
    # Imported where it is needed: the driver of the other database costs 150 ms.
    from gatehouse.storage import postgres  # noqa: PLC0415

    door, turns = postgres.Door(url), postgres.Turns()
    pool = Workers(
        "postgresql",
        lambda: postgres.PostgresSession(door, turns, clock, vault),
        size=pool_size or postgres.POOL_SIZE,
        observer=observer,
    )
    return cls(pool, pool)
