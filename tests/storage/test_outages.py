"""The database goes away and comes back: requests fail with a clear error, and nothing hangs."""

import os
import signal
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import psycopg
import pytest
import trio

from gatehouse.storage import workers
from gatehouse.storage.database import Database
from gatehouse.storage.errors import Busy, Indeterminate, StorageError, Unavailable
from gatehouse.storage.migrate import migrate
from gatehouse.storage.records import User
from gatehouse.storage.transaction import Transaction
from gatehouse.storage.users import Users
from tests.servers.postgres import Postgres
from tests.storage.conftest import TENANT


def add_user(tx: Transaction, username: str) -> User:
    return Users(tx, TENANT).create(User(username=username))


def usernames(tx: Transaction) -> set[str | None]:
    return {user.username for user in Users(tx, TENANT).page(1000).items}


async def until_it_works(db: Database, username: str) -> None:
    """Add a user as soon as the database lets us."""
    while True:
        with suppress(Unavailable, Busy):
            await db.write(add_user, username)
            return
        await trio.sleep(0.05)


@pytest.fixture
def own_postgres(server_directory: Path, request: pytest.FixtureRequest) -> Iterator[Postgres]:
    """A server of the test's own, to kill and to pause."""
    server = Postgres(server_directory / f"own-{abs(hash(request.node.name))}")
    server.start()
    yield server
    if server.running:
        signal_all(server, signal.SIGCONT)
    server.kill()


@pytest.fixture
def dsn(own_postgres: Postgres) -> str:
    """A migrated database of that server."""
    url = own_postgres.dsn(own_postgres.create_database())
    migrate(url)
    # The test server's default would lose what was just committed when it is killed.
    return f"{url}&options=-csynchronous_commit%3Don"


def signal_all(server: Postgres, which: signal.Signals) -> None:
    """Send a signal to the server and to the processes that serve its connections."""
    pid = (server.data / "postmaster.pid").read_text().split()[0]
    for each in [pid, *Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]:
        with suppress(ProcessLookupError):
            os.kill(int(each), which)


async def test_a_killed_server_is_an_error_until_it_is_back(
    own_postgres: Postgres, dsn: str
) -> None:
    async with Database.open(dsn) as db:
        await db.write(add_user, "before")
        own_postgres.kill()
        for _ in range(20):
            with pytest.raises(Unavailable):
                await db.write(add_user, "during")
            with pytest.raises(Unavailable):
                await db.ping()
        await trio.to_thread.run_sync(own_postgres.start)
        await until_it_works(db, "after")
        await db.ping()
        assert await db.read(usernames) == {"before", "after"}


async def test_a_kill_loses_nothing_that_was_answered(own_postgres: Postgres, dsn: str) -> None:
    answered: set[str] = set()
    unsure: set[str] = set()

    async def write(db: Database, worker: int) -> None:
        for number in range(10_000):
            name = f"w{worker}n{number}"
            try:
                await db.write(add_user, name)
            except Indeterminate:
                unsure.add(name)
                return
            except Unavailable:
                return
            answered.add(name)
            if len(answered) == 100:
                enough.set()

    enough = trio.Event()
    async with Database.open(dsn) as db:
        async with trio.open_nursery() as nursery:
            for worker in range(6):
                nursery.start_soon(write, db, worker)
            await enough.wait()
            own_postgres.kill()
        await trio.to_thread.run_sync(own_postgres.start)
        await until_it_works(db, "after")
        present = await db.read(usernames)
    assert answered <= present
    assert present <= answered | unsure | {"after"}


async def test_connections_that_the_server_ended_are_replaced_unnoticed(
    postgres_dsn: str,
) -> None:
    url = postgres_dsn
    migrate(url)
    async with Database.open(url, pool_size=2) as db:
        await db.write(add_user, "before")
        await db.read(usernames)
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        for number in range(4):
            await db.write(add_user, f"after{number}")
        assert len(await db.read(usernames)) == 5


async def test_a_server_that_stands_still_holds_nobody_for_ever(
    own_postgres: Postgres, dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workers, "MAX_RUN", 0.5)
    monkeypatch.setattr(workers, "MAX_WAIT", 0.5)
    monkeypatch.setattr(workers, "WATCH_INTERVAL", 0.1)
    refused: list[StorageError] = []

    async def write(db: Database, number: int) -> None:
        try:
            await db.write(add_user, f"during{number}")
        except StorageError as error:
            refused.append(error)

    async with Database.open(dsn, pool_size=2) as db:
        await db.write(add_user, "before")
        signal_all(own_postgres, signal.SIGSTOP)
        async with trio.open_nursery() as nursery:
            for number in range(6):
                nursery.start_soon(write, db, number)
        signal_all(own_postgres, signal.SIGCONT)
        assert len(refused) == 6
        assert all(isinstance(error, Unavailable | Busy) for error in refused)
        await until_it_works(db, "after")


async def test_an_address_where_nobody_listens_is_an_error_at_once(tmp_path: Path) -> None:
    async with Database.open(f"postgresql://u@/d?host={tmp_path}") as db:
        with pytest.raises(Unavailable) as caught:
            await db.ping()
    assert str(tmp_path) not in str(caught.value)


async def test_a_secret_in_the_url_is_not_in_the_error(tmp_path: Path) -> None:
    async with Database.open(f"postgresql://u:hunter2@/d?host={tmp_path}") as db:
        with pytest.raises(Unavailable) as caught:
            await db.ping()
    assert "hunter2" not in repr(caught.value)
    assert caught.value.__cause__ is None


async def test_a_file_that_another_process_is_writing_to_makes_us_wait(tmp_path: Path) -> None:
    path = tmp_path / "gatehouse.db"
    migrate(f"sqlite:///{path}")
    async with Database.open(f"sqlite:///{path}") as db:
        await db.write(add_user, "before")
        with closing(sqlite3.connect(path, isolation_level=None, check_same_thread=False)) as other:
            other.execute("BEGIN IMMEDIATE")
            release = threading.Timer(0.2, other.rollback)
            release.start()
            await db.write(add_user, "after")
            release.join()
        assert await db.read(usernames) == {"before", "after"}


async def test_a_file_that_another_process_does_not_let_go_of_is_busy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from gatehouse.storage import sqlite

    monkeypatch.setattr(sqlite, "_PRAGMAS", ("busy_timeout=50", *sqlite._PRAGMAS[1:]))
    path = tmp_path / "gatehouse.db"
    migrate(f"sqlite:///{path}")
    async with Database.open(f"sqlite:///{path}") as db:
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(Busy):
                await db.write(add_user, "during")
            assert await db.read(usernames) == set()
            other.rollback()
        await db.write(add_user, "after")
        assert await db.read(usernames) == {"after"}


async def test_a_file_that_is_no_database_is_an_error_and_stays_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "gatehouse.db"
    path.write_bytes(b"not a database" * 100)
    async with Database.open(f"sqlite:///{path}") as db:
        with pytest.raises(Unavailable):
            await db.ping()
        with pytest.raises(Unavailable):
            await db.write(add_user, "x")
    assert path.read_bytes() == b"not a database" * 100


async def test_a_directory_that_is_missing_is_an_error(tmp_path: Path) -> None:
    async with Database.open(f"sqlite:///{tmp_path}/missing/gatehouse.db") as db:
        with pytest.raises(Unavailable):
            await db.ping()


async def test_closing_lets_what_has_begun_finish(url: str) -> None:
    begun = threading.Event()

    def slow(tx: Transaction) -> User:
        begun.set()
        time.sleep(0.05)
        return add_user(tx, "ada")

    async with trio.open_nursery() as nursery, Database.open(url) as db:
        nursery.start_soon(db.write, slow)
        await trio.to_thread.run_sync(begun.wait)
    async with Database.open(url) as db:
        assert await db.read(usernames) == {"ada"}
