"""Filling a database with people and organizations, as many as a large installation has.

    python -m bench.people --database sqlite:////tmp/large.db --users 1000000 --organizations 10000

They look as the repositories would have stored them, but the database makes them by itself: each
statement stores thousands. Every user is a member of one organization.
"""

from __future__ import annotations

import argparse
import sys

import psycopg
import trio

from bench import rows
from bench.rows import NUMBER, numbered
from gatehouse.storage import schema
from gatehouse.storage.database import Database, sqlite_path
from gatehouse.storage.migrate import migrate
from gatehouse.storage.organizations import Organizations
from gatehouse.storage.organizations_records import Organization
from gatehouse.storage.records import User
from gatehouse.storage.transaction import Transaction
from gatehouse.storage.users import Users

TENANT = "default"
FIRST = 1_600_000_000_000
"""When the first of them came, in milliseconds since the epoch."""


def user_id(number: int) -> str:
    """The id of a user by number."""
    return f"person{number:07}"


def organization_id(number: int) -> str:
    """The id of an organization by number."""
    return f"company{number:06}"


def fill(url: str, users: int, organizations: int) -> None:
    """Bring the schema up to date and store the people."""
    migrate(url)
    trio.run(_fill, url, users, organizations)
    _settle(url)


async def _fill(url: str, users: int, organizations: int) -> None:
    async with Database.open(url) as db:
        for some in rows.units(range(organizations)):
            await db.write(_store_organizations, some)
        for some in rows.units(range(users)):
            await db.write(_store_users, some)
        for some in rows.units(range(users if organizations else 0)):
            await db.write(_store_members, some, organizations)


def _store_organizations(tx: Transaction, numbers: range) -> None:
    table = Organizations(tx, TENANT).rows
    example = Organization(tenant_id=TENANT, name="")
    own = {
        "id": numbered("company", digits=6),
        "name": numbered("Company "),
        "created_at": NUMBER + FIRST,
    }
    rows.store(tx, table.table, numbers, table.mapping.write(tx, example) | own)


def _store_users(tx: Transaction, numbers: range) -> None:
    table = Users(tx, TENANT).rows
    company = numbered("@company-", NUMBER % 997, after=".example")
    own = {
        "id": numbered("person", digits=7),
        "username": numbered("person_"),
        "primary_email": numbered("person_") + company,
        "primary_phone": numbered("49", digits=9),
        "name": numbered("Person "),
        "created_at": NUMBER + FIRST,
        "updated_at": NUMBER + FIRST,
    }
    example = User(tenant_id=TENANT)
    rows.store(tx, table.table, numbers, table.mapping.write(tx, example) | own)


def _store_members(tx: Transaction, numbers: range, organizations: int) -> None:
    member = {
        "tenant_id": TENANT,
        "organization_id": numbered("company", NUMBER % organizations, digits=6),
        "user_id": numbered("person", digits=7),
    }
    rows.store(tx, schema.organizations_users, numbers, member)


def _settle(url: str) -> None:
    """Do what PostgreSQL's autovacuum does in time; SQLite is left as it is."""
    if sqlite_path(url) is None:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("VACUUM ANALYZE")


def main(arguments: list[str] | None = None) -> int:
    """Fill a database."""
    parser = argparse.ArgumentParser(prog="bench.people", description=fill.__doc__)
    parser.add_argument("--database", required=True, metavar="URL")
    parser.add_argument("--users", type=int, default=1_000_000)
    parser.add_argument("--organizations", type=int, default=10_000)
    options = parser.parse_args(arguments)
    fill(options.database, options.users, options.organizations)
    return 0


if __name__ == "__main__":
    sys.exit(main())
