"""Lists, counts and exact searches are answered through an index, on both databases.

The tables hold enough rows for PostgreSQL's planner to prefer an index where it can use one.
"""

from collections.abc import Callable
from typing import Any

import pytest

from gatehouse.storage import schema
from gatehouse.storage.application_access import ApplicationAccess
from gatehouse.storage.applications import Applications
from gatehouse.storage.audit import AuditLogs
from gatehouse.storage.connectors import Connectors
from gatehouse.storage.consent_scopes import ConsentedOrganizations, ConsentScopes
from gatehouse.storage.custom_phrases import CustomPhrases
from gatehouse.storage.custom_profile_fields import CustomProfileFields
from gatehouse.storage.database import Database
from gatehouse.storage.domains import Domains
from gatehouse.storage.email_templates import EmailTemplates
from gatehouse.storage.hooks import Hooks
from gatehouse.storage.one_time_tokens import OneTimeTokens
from gatehouse.storage.organization_grants import memberships, resource_scopes
from gatehouse.storage.organizations import OrganizationEmailDomains, Organizations
from gatehouse.storage.organizations_invitations import OrganizationInvitations
from gatehouse.storage.organizations_members import OrganizationApplications, OrganizationUsers
from gatehouse.storage.organizations_records import Organization
from gatehouse.storage.organizations_template import OrganizationRoles, OrganizationScopes
from gatehouse.storage.personal_access_tokens import PersonalAccessTokens
from gatehouse.storage.records import Role, User
from gatehouse.storage.repository import Repository
from gatehouse.storage.resources import Resources, Scopes
from gatehouse.storage.roles import Roles, UserRoles
from gatehouse.storage.search import Match, Search
from gatehouse.storage.statement import Params, Stmt
from gatehouse.storage.transaction import Transaction
from gatehouse.storage.users import Users
from tests.storage.conftest import TENANT

ROWS = 3000


class Explaining(Transaction):
    """A transaction that asks for the plan of every statement it executes."""

    plans: list[str]

    def _execute(self, statement: Stmt, params: Params) -> Any:
        sql, bound = statement.bind(self.dialect, params)
        query = "EXPLAIN QUERY PLAN " if self.dialect == "sqlite" else "EXPLAIN "
        for row in self._connection.execute(query + sql, bound).fetchall():
            self.plans.append(str(row[-1]))
        return super()._execute(statement, params)


async def plan_of(db: Database, work: Callable[[Transaction], object]) -> str:
    """The plans of everything that `work` executes."""

    def unit(tx: Transaction) -> str:
        explaining = Explaining(
            tx._connection,
            tx.dialect,
            tx._translate,
            now=tx.now,
            vault=None,
            read_only=False,
        )
        explaining.plans = []
        work(explaining)
        return "\n".join(explaining.plans)

    return await db.write(unit)


@pytest.fixture(params=["with statistics", "without"])
async def full(request: pytest.FixtureRequest, db: Database) -> Database:
    """A database with enough users, spread over two tenants."""
    people = [
        User(
            tenant_id=TENANT if number % 2 else "elsewhere",
            id=f"user{number}",
            username=f"User{number}",
            primary_email=f"User{number}@example.com",
            primary_phone=f"49{number}",
            name=f"Name {number}",
            created_at=1000 + number,
        )
        for number in range(ROWS)
    ]

    def fill(tx: Transaction) -> None:
        users = Users(tx, TENANT)
        tx.run_each(users.rows.insert, [users.rows.mapping.write(tx, user) for user in people])
        # PostgreSQL's autovacuum makes statistics by itself, SQLite never does.
        if tx.dialect == "postgresql" or request.param == "with statistics":
            tx._connection.execute("ANALYZE users")

    await db.write(fill)
    return db


async def test_a_page_of_users_is_read_from_the_index_in_order(full: Database) -> None:
    plan = await plan_of(full, lambda tx: Users(tx, TENANT).search(limit=20, offset=100))
    assert "ix_users_created_at_id" in plan
    assert "Sort" not in plan
    assert "TEMP B-TREE" not in plan


async def test_an_exact_search_uses_an_index_for_every_name(full: Database) -> None:
    for value in ("user1", "USER1@EXAMPLE.COM", "491", "name 1", "nobody"):
        plan = await plan_of(full, lambda tx, value=value: Users(tx, TENANT).search(value))
        assert "Seq Scan on users" not in plan
        assert "SCAN users" not in plan
        assert "ix_users_created_at_id" not in plan
        for index in (
            "ix_users_lower_username",
            "uq_users_primary_email",
            "uq_users_primary_phone",
            "ix_users_lower_name",
        ):
            assert index in plan


async def test_a_search_in_one_field_uses_its_index(full: Database) -> None:
    search = Search((Match(("username",), "User1", "exact", case_sensitive=True),))
    plan = await plan_of(full, lambda tx: Users(tx, TENANT).search(search))
    assert "uq_users_username" in plan
    assert "Seq Scan on users" not in plan


async def test_the_few_holders_of_a_role_are_not_looked_for_among_all_users(
    full: Database,
) -> None:
    def hold(tx: Transaction) -> str:
        role = Roles(tx, TENANT).create(Role(name="r", description="d"))
        for number in range(1, 20, 2):
            UserRoles(tx, TENANT).add(f"user{number}", [role.id])
        return role.id

    role_id = await full.write(hold)
    plan = await plan_of(full, lambda tx: Users(tx, TENANT).search(role_id=role_id, limit=5))
    assert "ix_users_created_at_id" not in plan
    assert "Seq Scan on users " not in plan
    assert "SCAN users" not in plan


@pytest.fixture(params=["with statistics", "without"])
async def companies(request: pytest.FixtureRequest, db: Database) -> Database:
    """A database with enough organizations, each with members."""

    def store(tx: Transaction) -> None:
        rows = Organizations(tx, TENANT).rows
        made = [
            Organization(
                tenant_id=TENANT if number % 2 else "elsewhere",
                id=f"org{number}",
                name=f"Company {number}",
                created_at=1000 + number,
            )
            for number in range(ROWS)
        ]
        tx.run_each(rows.insert, [rows.mapping.write(tx, one) for one in made])
        users = Users(tx, TENANT)
        for number in range(1, 40, 2):
            users.create(User(id=f"user{number}", username=f"user{number}"))
            Organizations(tx, TENANT).join(f"user{number}", ["org1", f"org{number}"])
        if tx.dialect == "postgresql" or request.param == "with statistics":
            tx._connection.execute("ANALYZE organizations")
            tx._connection.execute("ANALYZE organizations_users")

    await db.write(store)
    return db


def reads_all(plan: str, table: str) -> bool:
    """Whether a plan walks through a whole table, or through all of it by an index."""
    return f"Seq Scan on {table}" in plan or f"SCAN {table}" in plan


async def test_a_page_of_organizations_is_read_from_the_index_in_order(
    companies: Database,
) -> None:
    work = lambda tx: Organizations(tx, TENANT).search(limit=20, offset=100)  # noqa: E731
    plan = await plan_of(companies, work)
    assert "ix_organizations_created_at_id" in plan
    assert "Sort" not in plan
    assert "TEMP B-TREE" not in plan


async def test_the_organizations_of_a_member_are_not_looked_for_among_all(
    companies: Database,
) -> None:
    work = lambda tx: Organizations(tx, TENANT).search(user_id="user7", limit=5)  # noqa: E731
    plan = await plan_of(companies, work)
    assert not reads_all(plan, "organizations ")
    assert "ix_organizations_created_at_id" not in plan


async def test_an_organization_is_found_by_its_name_through_an_index(companies: Database) -> None:
    for value in ("company 7", "org7"):
        plan = await plan_of(
            companies, lambda tx, value=value: Organizations(tx, TENANT).search(value)
        )
        assert not reads_all(plan, "organizations")


async def test_counting_reads_an_index_and_no_rows(full: Database) -> None:
    """The total of a page of users; PostgreSQL would read so small a table whole."""

    def work(tx: Transaction) -> None:
        if tx.dialect == "postgresql":
            tx._connection.execute("SET LOCAL enable_seqscan = off")
        Users(tx, TENANT).search(limit=20)

    plan = await plan_of(full, work)
    assert "COVERING INDEX" in plan or "Index Only Scan" in plan or "Bitmap Index Scan" in plan
    assert not reads_all(plan, "users")


FINDERS: dict[str, Callable[[Users], object]] = {
    "uq_users_username": lambda users: users.find_by_username("User1"),
    "ix_users_lower_username": lambda users: users.find_by_username("u", case_sensitive=False),
    "uq_users_primary_email": lambda users: users.find_by_email("user1@example.com"),
    "uq_users_primary_phone": lambda users: users.find_by_phone("491"),
    "pk_users": lambda users: (users.find("nobody"), users.get_many(["a", "b"])),
}


async def test_a_user_is_found_through_an_index(full: Database) -> None:
    for index, work in FINDERS.items():
        plan = await plan_of(full, lambda tx, work=work: work(Users(tx, TENANT)))
        searches = [line for line in plan.splitlines() if "users" in line]
        assert searches
        for line in searches:
            assert index in line or "sqlite_autoindex_users_1" in line


def _all_lists(tx: Transaction) -> None:
    lists: list[Repository[Any]] = [
        Users(tx, TENANT),
        Roles(tx, TENANT),
        Applications(tx, TENANT),
        Resources(tx, TENANT),
        AuditLogs(tx, TENANT),
        Organizations(tx, TENANT),
        Hooks(tx, TENANT),
        Connectors(tx, TENANT),
        OneTimeTokens(tx, TENANT),
    ]
    for repository in lists:
        repository.page(20)
    Roles(tx, TENANT).search(type="User")
    Roles(tx, TENANT).search(user_id="u")
    Roles(tx, TENANT).count_users(["a"])
    Applications(tx, TENANT).search(types=["SPA"])
    Scopes(tx, TENANT).search(resource_id="r")
    Scopes(tx, TENANT).search(role_id="r")
    Scopes(tx, TENANT).granted_to_user("u", "https://api")
    Scopes(tx, TENANT).granted_to_application("a", "https://api")
    AuditLogs(tx, TENANT).search(user_id="u", since=1)
    AuditLogs(tx, TENANT).search(application_id="u")
    AuditLogs(tx, TENANT).search(keys=["a"])
    Users(tx, TENANT).search(role_id="r")
    Users(tx, TENANT).sso_identities("u")
    _organization_lists(tx)
    _setting_lists(tx)


def _organization_lists(tx: Transaction) -> None:
    Organizations(tx, TENANT).search(user_id="u")
    Organizations(tx, TENANT).search(application_id="a")
    for members in (OrganizationUsers(tx, TENANT), OrganizationApplications(tx, TENANT)):
        members.page("o")
        members.counts(["o"])
        members.roles_of("o", ["u"])
    OrganizationRoles(tx, TENANT).search()
    OrganizationScopes(tx, TENANT).search()
    OrganizationEmailDomains(tx, TENANT).of("o")
    OrganizationInvitations(tx, TENANT).search()
    OrganizationInvitations(tx, TENANT).search(organization_id="o", invitee="a@b.example")
    PersonalAccessTokens(tx, TENANT).of("u")


def _setting_lists(tx: Transaction) -> None:
    CustomPhrases(tx, TENANT).all()
    CustomProfileFields(tx, TENANT).all()
    Domains(tx, TENANT).all()
    EmailTemplates(tx, TENANT).all()
    Connectors(tx, TENANT).all()
    tokens = OneTimeTokens(tx, TENANT)
    for status in (None, "active", "consumed", "revoked", "expired"):
        tokens.search(20, 0, status=status)
        tokens.search(20, 0, email="a@b.example", status=status)


async def test_no_list_reads_a_whole_table(full: Database) -> None:
    """PostgreSQL reads small tables whole whatever their indexes; it is asked not to here."""

    def work(tx: Transaction) -> None:
        if tx.dialect == "postgresql":
            tx._connection.execute("SET LOCAL enable_seqscan = off")
        _all_lists(tx)

    plan = await plan_of(full, work)
    tables = [name for name in schema.metadata.tables if name != "tenants"]
    for line in plan.splitlines():
        assert "Seq Scan" not in line
        for table in tables:
            assert not line.startswith(f"SCAN {table}"), line


async def test_what_tokens_are_made_from_is_looked_up_key_by_key(db: Database) -> None:
    """Nothing is read for the sake of its tenant alone."""

    def work(tx: Transaction) -> None:
        if tx.dialect == "postgresql":
            tx._connection.execute("SET LOCAL enable_seqscan = off")
        Scopes(tx, TENANT).granted_to_user("u", "https://api")
        Scopes(tx, TENANT).granted_to_application("a", "https://api")
        resource_scopes(tx, TENANT, "u", "https://api")
        resource_scopes(tx, TENANT, "u", "https://api", "o")
        memberships(tx, TENANT, "u")
        ConsentScopes(tx, TENANT, "a").all()
        ConsentedOrganizations(tx, TENANT, "a", "u").page()
        ApplicationAccess(tx, TENANT, "a").allows("u")
        ApplicationAccess(tx, TENANT, "a").rules()

    plan = await plan_of(db, work)
    assert "(tenant_id=?)" not in plan
    assert "Seq Scan" not in plan
