"""Bringing the schema up to date, once, whoever starts first.

Whether there is anything to do is found out with one query and without alembic, whose import costs
more than the rest of a start. Nodes that start together take turns: the one that comes second
finds the work done.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import sqlalchemy as sa

from gatehouse.storage.database import sqlite_path
from gatehouse.storage.errors import StorageError, Unavailable
from gatehouse.storage.sqlite import connect
from gatehouse.storage.statement import Stmt
from gatehouse.storage.transaction import Transaction

if TYPE_CHECKING:
    from alembic.config import Config
    from sqlalchemy.engine import Connection

LOCK_KEY = 0x6761746568  # "gateh": one number for every Gatehouse that shares a database
"""PostgreSQL's advisory lock while migrating."""
LOCK_SECONDS = 60
"""How long a node waits for another one that migrates."""
SCRIPTS = Path(__file__).parent / "migrations"
_VERSION = Stmt(sa.text("SELECT version_num FROM alembic_version"))


@cache
def head() -> str:
    """The newest revision: files are named `0001_what.py` and form one line."""
    return max(path.name for path in (SCRIPTS / "versions").glob("[0-9]*_*.py")).split("_")[0]


def revision_of(tx: Transaction) -> str | None:
    """The revision of a schema that is there. Raises `StorageError` where there is none."""
    row = tx.row(_VERSION)
    return None if row is None else str(row[0])


def current_revision(url: str) -> str | None:
    """The revision of a database; None if it is empty. Raises `Unavailable`."""
    path = sqlite_path(url)
    if path is None:
        return _postgres_revision(url)
    if not path.exists():
        return None
    try:
        with closing(sqlite3.connect(path)) as connection:
            row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    except sqlite3.OperationalError as error:
        if "no such table" in str(error):
            return None
        raise Unavailable("the database file cannot be read") from error
    return None if row is None else str(row[0])


def migrate(url: str) -> bool:
    """Upgrade the schema to the newest revision. Returns whether there was anything to do.

    Blocks: call it before the event loop runs, or from a thread. Raises `Unavailable`, and
    `StorageError` for a schema from a newer release.
    """
    current = current_revision(url)
    if current == head():
        return False
    if current is not None and current > head():
        raise StorageError(f"the schema is at {current}, this release knows {head()}")
    try:
        with engine_of(url).connect() as connection:
            _lock(connection)
            upgrade(connection)
            connection.commit()
    except sa.exc.OperationalError as error:
        raise Unavailable(f"cannot migrate: {type(error.orig).__name__}") from error
    return True


def upgrade(connection: Connection, revision: str = "head") -> None:
    """Run the missing revisions on a connection, within its transaction."""
    from alembic import command  # noqa: PLC0415

    command.upgrade(alembic_config(connection), revision)


def alembic_config(connection: Connection) -> Config:
    """What alembic's commands need to work on a connection."""
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(SCRIPTS).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


def engine_of(url: str) -> sa.Engine:
    """SQLAlchemy's own way to the database, for migrations alone."""
    path = sqlite_path(url)
    if path is None:
        import psycopg  # noqa: PLC0415

        return sa.create_engine(
            "postgresql+psycopg://", creator=lambda: psycopg.connect(url), poolclass=sa.NullPool
        )

    def open_file() -> sqlite3.Connection:
        connection = connect(path)
        connection.execute(f"PRAGMA busy_timeout={LOCK_SECONDS * 1000}")
        # Rebuilding a table must not delete what refers to it.
        connection.execute("PRAGMA foreign_keys=off")
        return connection

    return sa.create_engine("sqlite://", creator=open_file, poolclass=sa.NullPool)


def _lock(connection: Connection) -> None:
    """Wait for others that migrate. The lock ends with the transaction."""
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    else:
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({LOCK_KEY})")


def _postgres_revision(url: str) -> str | None:
    import psycopg  # noqa: PLC0415

    try:
        with psycopg.connect(url, connect_timeout=3, autocommit=True) as connection:
            row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    except psycopg.errors.UndefinedTable:
        return None
    except psycopg.OperationalError as error:
        raise Unavailable(f"cannot connect: {type(error).__name__}") from None
    return None if row is None else str(row[0])
