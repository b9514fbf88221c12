"""Organizations, their members and the template of roles and scopes that they share."""

from collections.abc import Callable

import pytest
import sqlalchemy as sa

from gatehouse.storage import schema
from gatehouse.storage.applications import Applications
from gatehouse.storage.database import Database
from gatehouse.storage.errors import Conflict, NotFound, Refused
from gatehouse.storage.organizations import (
    OrganizationEmailDomains,
    OrganizationJitRoles,
    Organizations,
)
from gatehouse.storage.organizations_invitations import OrganizationInvitations
from gatehouse.storage.organizations_members import (
    Members,
    OrganizationApplications,
    OrganizationUsers,
)
from gatehouse.storage.organizations_records import (
    Organization,
    OrganizationEmailDomain,
    OrganizationRole,
    OrganizationScope,
)
from gatehouse.storage.organizations_template import (
    OrganizationRoleResourceScopes,
    OrganizationRoles,
    OrganizationRoleScopes,
    OrganizationScopes,
)
from gatehouse.storage.records import Application, Resource, RoleType, Scope, User
from gatehouse.storage.resources import Resources, Scopes
from gatehouse.storage.statement import Stmt
from gatehouse.storage.transaction import Transaction
from gatehouse.storage.users import Users
from tests.storage.conftest import TENANT
from tests.storage.test_plans import plan_of

API = "https://api.example.com"


def an_organization(tx: Transaction, name: str = "Acme") -> str:
    return Organizations(tx, TENANT).create(Organization(name=name)).id


def a_user(tx: Transaction, name: str = "ada") -> str:
    return Users(tx, TENANT).create(User(username=name)).id


def a_machine(tx: Transaction) -> str:
    application = Application(name="m", type="MachineToMachine")
    return Applications(tx, TENANT).create(application).id


def a_role(tx: Transaction, name: str = "editor", type_: RoleType = "User") -> str:
    return OrganizationRoles(tx, TENANT).create(OrganizationRole(name=name, type=type_)).id


def a_scope(tx: Transaction, name: str) -> str:
    return OrganizationScopes(tx, TENANT).create(OrganizationScope(name=name)).id


def rows_of(tx: Transaction, table: str) -> int:
    statement = sa.select(sa.func.count()).select_from(schema.metadata.tables[table])
    return int(tx.rows(Stmt(statement))[0][0])


async def test_an_organization_comes_back_as_it_was_stored(db: Database) -> None:
    def unit(tx: Transaction) -> None:
        organizations = Organizations(tx, TENANT)
        stored = organizations.create(Organization(name="Acme", custom_data={"a": [1]}))
        assert organizations.get(stored.id) == stored
        assert organizations.update(stored.id, name="Apex").name == "Apex"
        assert Organizations(tx, "elsewhere").find(stored.id) is None

    await db.write(unit)


async def test_members_have_roles_within_their_organization_alone(db: Database) -> None:
    def unit(tx: Transaction) -> None:
        acme, apex = an_organization(tx), an_organization(tx, "Apex")
        user, role = a_user(tx), a_role(tx)
        members = OrganizationUsers(tx, TENANT)
        for organization in (acme, apex):
            members.add(organization, [user])
        members.roles(acme).add(user, [role])
        assert [one.name for one in members.roles_of(acme, [user])[user]] == ["editor"]
        assert members.roles_of(apex, [user]) == {user: []}
        assert members.roles_in(user, [acme, apex])[acme][0].id == role
        members.roles(apex).replace(user, [])
        assert OrganizationRoles(tx, TENANT).search(
            None, organization_id=acme, user_id=user
        ).items == [OrganizationRoles(tx, TENANT).get(role)]
        with pytest.raises(NotFound):
            members.roles(apex).remove(user, [role])

    await db.write(unit)


async def test_an_event_tells_who_came_and_who_went(db: Database) -> None:
    def unit(tx: Transaction) -> None:
        organization = an_organization(tx)
        ada, bob, eve = (a_user(tx, name) for name in ("ada", "bob", "eve"))
        members = OrganizationUsers(tx, TENANT)
        before = len(tx.events)
        members.add(organization, [ada, bob])
        members.add(organization, [ada])
        members.replace(organization, [bob, eve])
        here = {"organization_id": organization}
        assert [(event.type, event.payload) for event in tx.events[before:]] == [
            ("Organization.Membership.Updated", here | {"added_user_ids": sorted([ada, bob])}),
            (
                "Organization.Membership.Updated",
                here | {"added_user_ids": [eve], "removed_user_ids": [ada]},
            ),
        ]

    await db.write(unit)


async def test_only_members_have_roles(db: Database) -> None:
    def unit(tx: Transaction) -> None:
        members = OrganizationUsers(tx, TENANT)
        with pytest.raises(NotFound):
            members.roles(an_organization(tx)).add(a_user(tx), [a_role(tx)])

    await db.write(unit)


async def test_roles_are_for_users_or_for_applications(db: Database) -> None:
    def unit(tx: Transaction) -> None:
        organization, user, machine = an_organization(tx), a_user(tx), a_machine(tx)
        human, robot = a_role(tx), a_role(tx, "robot", "MachineToMachine")
        users, applications = OrganizationUsers(tx, TENANT), OrganizationApplications(tx, TENANT)
        users.add(organization, [user])
        applications.add(organization, [machine])
        applications.roles(organization).add(machine, [robot])
        with pytest.raises(Refused):
            users.roles(organization).add(user, [robot])
        with pytest.raises(Refused):
            applications.roles(organization).replace(machine, [human])
        with pytest.raises(Refused):
            OrganizationRoles(tx, TENANT).update(robot, type="User")
        assert OrganizationRoles(tx, TENANT).update(human, type="MachineToMachine").id == human
        page = Applications(tx, TENANT).create(Application(name="page", type="SPA"))
        with pytest.raises(Refused):
            applications.add(organization, [page.id])

    await db.write(unit)


async def test_what_ends_takes_along_what_belongs_to_it(db: Database) -> None:
    def unit(tx: Transaction) -> None:
        organization, other = an_organization(tx), an_organization(tx, "Other")
        ada, bob, role = a_user(tx), a_user(tx, "bob"), a_role(tx)
        members = OrganizationUsers(tx, TENANT)
        for one in (organization, other):
            members.add(one, [ada, bob])
            for user in (ada, bob):
                members.roles(one).add(user, [role])
        members.remove(organization, [bob])
        assert rows_of(tx, "organizations_users_roles") == 3
        Organizations(tx, TENANT).delete(organization)
        assert rows_of(tx, "organizations_users_roles") == 2
        Users(tx, TENANT).delete(ada)
        assert members.page(other).items == [Users(tx, TENANT).get(bob)]
        OrganizationRoles(tx, TENANT).delete(role)
        assert members.roles_of(other, [bob]) == {bob: []}
        assert rows_of(tx, "organizations_users_roles") == 0
        assert rows_of(tx, "organizations_users") == 1

    await db.write(unit)


async def test_members_are_listed_by_id_searched_counted_and_filtered(db: Database) -> None:
    def unit(tx: Transaction) -> None:
        organization, role = an_organization(tx), a_role(tx)
        people = sorted(a_user(tx, f"person{number}") for number in range(5))
        members = OrganizationUsers(tx, TENANT)
        members.add(organization, people)
        members.roles(organization).add(people[3], [role])
        page = members.page(organization, 2, 1)
        assert ([one.id for one in page.items], page.total) == (people[1:3], 5)
        assert [one.id for one in members.page(organization, role_id=role).items] == [people[3]]
        assert members.page(organization, pattern="%PERSON4%").total == 1
        assert members.page(organization, pattern="%nobody%", role_id=role).total == 0
        assert members.counts([organization, "x"]) == {organization: 5}
        assert Organizations(tx, TENANT).search(user_id=people[0]).total == 1
        assert Organizations(tx, TENANT).search(user_id="x").items == []

    await db.write(unit)


@pytest.mark.parametrize("kind", [OrganizationUsers, OrganizationApplications])
async def test_roles_grant_scopes_within_one_organization(db: Database, kind: type) -> None:
    def unit(tx: Transaction) -> None:
        members: Members[User] = kind(tx, TENANT)
        acme, apex = an_organization(tx), an_organization(tx, "Apex")
        member = a_user(tx) if kind is OrganizationUsers else a_machine(tx)
        first = a_role(tx, "first", members.kind.role_type)
        second = a_role(tx, "second", members.kind.role_type)
        read, invite = a_scope(tx, "read"), a_scope(tx, "invite")
        api = Resources(tx, TENANT).create(Resource(name="API", indicator=API)).id
        other = Resources(tx, TENANT).create(Resource(name="O", indicator="https://o.example")).id
        pay = Scopes(tx, TENANT).create(Scope(resource_id=api, name="pay")).id
        see = Scopes(tx, TENANT).create(Scope(resource_id=other, name="see")).id
        grants = OrganizationRoleScopes(tx, TENANT)
        grants.add(first, [read])
        grants.add(second, [read, invite])
        OrganizationRoleResourceScopes(tx, TENANT).add(second, [pay, see])
        for organization in (acme, apex):
            members.add(organization, [member])
        members.roles(acme).add(member, [first, second])
        members.roles(apex).add(member, [first])
        assert [one.name for one in members.scopes(acme, member)] == ["invite", "read"]
        assert [one.name for one in members.scopes(apex, member)] == ["read"]
        assert [one.name for one in members.resource_scopes(acme, member, API)] == ["pay"]
        assert members.resource_scopes(apex, member, API) == []
        Scopes(tx, TENANT).delete(pay)
        assert members.resource_scopes(acme, member, API) == []
        assert Scopes(tx, TENANT).search(organization_role_id=second).total == 1

    await db.write(unit)


async def test_the_template_is_listed_by_name_with_what_its_roles_grant(db: Database) -> None:
    def unit(tx: Transaction) -> None:
        roles = OrganizationRoles(tx, TENANT)
        b, a = a_role(tx, "b"), a_role(tx, "a")
        scope = a_scope(tx, "read")
        OrganizationRoleScopes(tx, TENANT).add(a, [scope])
        assert [role.name for role in roles.search().items] == ["a", "b"]
        assert [role.id for role in roles.find_by_names(["b", "c"])] == [b]
        assert roles.scopes_of([a, b]) == {a: [(scope, "read")], b: []}
        assert roles.resource_scopes_of([a]) == {a: []}
        assert OrganizationScopes(tx, TENANT).search(role_id=b).items == []

    await db.write(unit)
    with pytest.raises(Conflict):
        await db.write(a_role, "a")
    with pytest.raises(Conflict):
        await db.write(a_scope, "read")


async def test_newcomers_are_known_by_their_domain_and_receive_roles(db: Database) -> None:
    def unit(tx: Transaction) -> str:
        organization = an_organization(tx)
        domains = OrganizationEmailDomains(tx, TENANT)
        domains.replace(organization, ["b.example", "a.example", "a.example"])
        page = domains.of(organization)
        assert [one.email_domain for one in page.items] == ["a.example", "b.example"]
        assert domains.of(organization, 1, 1).total == 2
        domains.delete(organization, "b.example")
        with pytest.raises(NotFound):
            domains.delete(organization, "b.example")
        role = a_role(tx)
        OrganizationJitRoles(tx, TENANT).add(organization, [role])
        jit = OrganizationRoles(tx, TENANT).search(organization_id=organization)
        assert [one.id for one in jit.items] == [role]
        OrganizationJitRoles(tx, TENANT).add(organization, [a_role(tx, "r", "MachineToMachine")])
        ada, bob = a_user(tx), a_user(tx, "bob")
        organizations = Organizations(tx, TENANT)
        for _ in range(2):
            assert organizations.join_by_email(ada, "ada@A.example") == [organization]
        assert organizations.join_by_email(bob, "a.example@elsewhere.example") == []
        members = OrganizationUsers(tx, TENANT)
        assert members.roles_of(organization, [ada]) == {ada: [(role, "editor")]}
        assert members.page(organization).total == 1
        return organization

    organization = await db.write(unit)
    again = OrganizationEmailDomain(organization_id=organization, email_domain="a.example")
    with pytest.raises(Conflict):
        await db.write(lambda tx: OrganizationEmailDomains(tx, TENANT).create(again))


async def test_no_step_of_a_grant_looks_at_more_than_its_key(db: Database) -> None:
    """A page of members and the scopes of one are found by whole keys, not by the tenant."""

    def work(tx: Transaction) -> None:
        if tx.dialect == "postgresql":
            tx._connection.execute("SET LOCAL enable_seqscan = off")
        for members in (OrganizationUsers(tx, TENANT), OrganizationApplications(tx, TENANT)):
            members.scopes("o", "m")
            members.resource_scopes("o", "m", API)
            members.page("o", 20, 100, role_id="r")
            members.roles_of("o", ["m"])
            members.roles_in("m", ["o"])

    plan = await plan_of(db, work)
    assert "(tenant_id=?)" not in plan
    assert "Seq Scan" not in plan


LISTS: dict[str, Callable[[Transaction], object]] = {
    "ix_organizations_created_at_id": lambda tx: Organizations(tx, TENANT).search(),
    "ix_organizations_users_user_id_organization_id": lambda tx: Organizations(tx, TENANT).search(
        user_id="u"
    ),
    "uq_organization_roles_name": lambda tx: OrganizationRoles(tx, TENANT).search(),
    "ix_organization_invitations_organization_id_created_at_id": lambda tx: OrganizationInvitations(
        tx, TENANT
    ).search(organization_id="o"),
    "ix_organization_jit_email_domains_email_domain_organization_id": lambda tx: Organizations(
        tx, TENANT
    ).join_by_email("u", "u@acme.example"),
}


async def test_every_list_has_its_index(db: Database) -> None:
    for index, listing in LISTS.items():

        def work(tx: Transaction, listing: Callable[[Transaction], object] = listing) -> None:
            if tx.dialect == "postgresql":
                tx._connection.execute("SET LOCAL enable_seqscan = off")
                tx._connection.execute("SET LOCAL enable_bitmapscan = off")
            listing(tx)

        plan = await plan_of(db, work)
        assert index in plan
        assert "Seq Scan" not in plan
