"""The schema: from nothing to now, once, and in agreement with the tables."""

import threading
import warnings

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.dialects.postgresql import JSONB

from gatehouse.storage import migrate as migrations
from gatehouse.storage.columns import Json, Sealed
from gatehouse.storage.database import Database
from gatehouse.storage.errors import StorageError
from gatehouse.storage.migrate import current_revision, engine_of, head, migrate, upgrade
from gatehouse.storage.schema import metadata


def test_an_empty_database_is_brought_to_the_newest_revision_once(empty_url: str) -> None:
    assert current_revision(empty_url) is None
    assert migrate(empty_url) is True
    assert current_revision(empty_url) == head()
    assert migrate(empty_url) is False


def test_migrations_and_tables_agree(url: str) -> None:
    with engine_of(url).connect() as connection, warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # SQLite's indexes on expressions: see below
        warnings.simplefilter("ignore", sa.exc.SAWarning)
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []


def test_migrations_make_the_same_indexes_as_the_tables(tmp_path: object) -> None:
    """Also those on expressions, which cannot be reflected from SQLite."""
    migrated, created = f"sqlite:///{tmp_path}/migrated.db", f"sqlite:///{tmp_path}/created.db"
    migrate(migrated)
    with engine_of(created).begin() as connection:
        metadata.create_all(connection)
    query = sa.text("SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL")
    found = []
    for url in (migrated, created):
        with engine_of(url).connect() as connection:
            rows = connection.execute(query).all()
            found.append({(name, " ".join(text.split())) for name, text in rows})
    assert found[0] == found[1]


def test_the_newest_revision_is_the_one_alembic_thinks_of() -> None:
    config = Config()
    config.set_main_option("script_location", str(migrations.SCRIPTS))
    scripts = ScriptDirectory.from_config(config)
    assert scripts.get_heads() == [head()]


def test_nodes_that_start_together_migrate_once(empty_url: str) -> None:
    failures: list[Exception] = []
    barrier = threading.Barrier(4)

    def start() -> None:
        barrier.wait()
        try:
            migrate(empty_url)
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=start) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert current_revision(empty_url) == head()


GONE = {"users": {"mfa_verifications"}}
"""Columns of the first release that nothing was ever kept in."""


def test_a_database_of_the_first_release_keeps_every_row(empty_url: str) -> None:
    engine = engine_of(empty_url)
    with engine.begin() as connection:
        upgrade(connection, "0001")
        tables = sa.MetaData()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", sa.exc.SAWarning)  # indexes on expressions
            tables.reflect(connection)
        before = {}
        for table in tables.sorted_tables:
            if table.name != "alembic_version":
                # One text everywhere, so that every foreign key points at the one row there is.
                row = {column.name: _value(column) for column in table.columns}
                connection.execute(table.insert().values(row))
                before[table.name] = _rows(connection, table)
    assert migrate(empty_url) is True
    with engine.connect() as connection:
        after = {name: _rows(connection, tables.tables[name]) for name in before}
    assert after == before


def _value(column: sa.Column[object]) -> object:
    table = column.table.name
    if column.name in GONE.get(table, ()):
        return [] if isinstance(column.type, JSONB) else "[]"
    declared = metadata.tables[table].c[column.name].type
    if isinstance(declared, Json):
        return {} if isinstance(column.type, JSONB) else "{}"
    if isinstance(declared, sa.Text | Sealed):
        return "default"
    return True if isinstance(declared, sa.Boolean) else 1


def _rows(connection: sa.Connection, table: sa.Table) -> list[tuple[object, ...]]:
    kept = [column for column in table.columns if column.name not in GONE.get(table.name, ())]
    return [tuple(row) for row in connection.execute(sa.select(*kept))]


def test_the_schema_of_a_newer_release_is_left_alone(url: str) -> None:
    with engine_of(url).begin() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(StorageError, match="9999"):
        migrate(url)


def test_a_schema_can_be_taken_down_again(url: str) -> None:
    from alembic import command

    with engine_of(url).begin() as connection:
        command.downgrade(migrations.alembic_config(connection), "base")
    with engine_of(url).connect() as connection:
        assert sa.inspect(connection).get_table_names() == ["alembic_version"]


async def test_a_database_without_a_schema_does_not_answer(empty_url: str) -> None:
    async with Database.open(empty_url) as db:
        with pytest.raises(StorageError):
            await db.ping()
    migrate(empty_url)
    async with Database.open(empty_url) as db:
        await db.ping()
