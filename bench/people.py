"""Filling a database with people and organizations, as many as a large installation has.

    python -m bench.people --database sqlite:////tmp/large.db --users 1000000 --organizations 10000

They are made by the repositories' own statements, so that they are what the server itself would
have stored; every user is a member of one organization.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from functools import partial

import sqlalchemy as sa
import trio

from gatehouse.storage import schema
from gatehouse.storage.database import Database
from gatehouse.storage.migrate import migrate
from gatehouse.storage.organizations import Organizations
from gatehouse.storage.organizations_records import Organization
from gatehouse.storage.records import User
from gatehouse.storage.statement import Stmt
from gatehouse.storage.transaction import Transaction
from gatehouse.storage.users import Users

TENANT = "default"
UNIT = 5000
"""Rows of one transaction."""

_members = schema.organizations_users
_JOIN = Stmt(
    sa.insert(_members).values(
        {name: sa.bindparam(name) for name in ("tenant_id", "organization_id", "user_id")}
    )
)


def user_id(number: int) -> str:
    """The id of a user by number."""
    return f"person{number:07}"


def organization_id(number: int) -> str:
    """The id of an organization by number."""
    return f"company{number:06}"


def fill(url: str, users: int, organizations: int) -> None:
    """Bring the schema up to date and store the people."""
    migrate(url)
    trio.run(partial(_fill, url, users, organizations))


async def _fill(url: str, users: int, organizations: int) -> None:
    async with Database.open(url) as db:
        for some in _units(organizations):
            await db.write(_store_organizations, some)
        for some in _units(users):
            await db.write(_store_users, some, organizations)
        await db.write(_gather_statistics)


def _units(count: int) -> Iterator[range]:
    for start in range(0, count, UNIT):
        yield range(start, min(start + UNIT, count))


def _store_organizations(tx: Transaction, numbers: range) -> None:
    rows = Organizations(tx, TENANT).rows
    made = (
        Organization(
            tenant_id=TENANT,
            id=organization_id(number),
            name=f"Company {number}",
            created_at=1_600_000_000_000 + number,
        )
        for number in numbers
    )
    tx.run_each(rows.insert, [rows.mapping.write(tx, one) for one in made])


def _store_users(tx: Transaction, numbers: range, organizations: int) -> None:
    rows = Users(tx, TENANT).rows
    made = (
        User(
            tenant_id=TENANT,
            id=user_id(number),
            username=f"person_{number}",
            primary_email=f"person_{number}@company-{number % 997}.example",
            primary_phone=f"49{number:09}",
            name=f"Person {number}",
            created_at=1_600_000_000_000 + number,
            updated_at=1_600_000_000_000 + number,
        )
        for number in numbers
    )
    tx.run_each(rows.insert, [rows.mapping.write(tx, one) for one in made])
    if organizations:
        tx.run_each(
            _JOIN,
            [
                {
                    "tenant_id": TENANT,
                    "organization_id": organization_id(number % organizations),
                    "user_id": user_id(number),
                }
                for number in numbers
            ],
        )


def _gather_statistics(tx: Transaction) -> None:
    tx._connection.execute("ANALYZE")


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
