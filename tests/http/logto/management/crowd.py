"""A tenant that holds so much of everything that whoever reads a whole table is found out.

There are owners of much (user 1, organization 1, role 1, resource 1) and of little (2).
"""

from __future__ import annotations

from collections.abc import Mapping

import sqlalchemy as sa

from bench.rows import NUMBER, numbered, store
from gatehouse.storage import schema
from gatehouse.storage.applications import Applications
from gatehouse.storage.hooks import Hooks
from gatehouse.storage.one_time_tokens import OneTimeToken, OneTimeTokens
from gatehouse.storage.organizations import Organizations
from gatehouse.storage.organizations_records import Organization
from gatehouse.storage.personal_access_tokens import PersonalAccessTokens
from gatehouse.storage.records import (
    Application,
    Hook,
    PersonalAccessToken,
    Resource,
    Role,
    Scope,
    User,
)
from gatehouse.storage.repository import Rows
from gatehouse.storage.resources import Resources, Scopes
from gatehouse.storage.roles import Roles
from gatehouse.storage.sso_connectors import SsoConnector, SsoConnectors
from gatehouse.storage.transaction import Transaction
from gatehouse.storage.users import Users

TENANT = "default"
USERS = 20_000
MANY = 4_000
KINDS = 600
"""Of what a tenant has some hundreds at most: roles, applications, resources, scopes."""
SEALED = 1_200
"""Of what cannot be made by one statement."""
THEN = 1_700_000_000_000

Columns = Mapping[str, object]


def _id(kind: str, number: sa.ColumnElement[int] = NUMBER) -> sa.ColumnElement[str]:
    return numbered(kind, number)


def _spread(kind: str, over: int) -> sa.ColumnElement[str]:
    return numbered(kind, NUMBER % over + 1)


def _rare(usual: object, rare: object) -> sa.ColumnElement[object]:
    return sa.case((NUMBER % 400 == 3, sa.literal(rare)), else_=sa.literal(usual))


def _records(tx: Transaction, rows: Rows, example: object, count: int, **own: object) -> None:
    columns = rows.mapping.write(tx, example) | {"tenant_id": TENANT, **own}
    if "created_at" in columns:
        columns["created_at"] = NUMBER + THEN
    store(tx, rows.table, range(1, count + 1), columns)


def _link(tx: Transaction, table: sa.Table, count: int, start: int = 1, **own: object) -> None:
    store(tx, table, range(start, count + 1), {"tenant_id": TENANT, **own})


def fill(tx: Transaction) -> None:
    """Store it all."""
    _people(tx)
    _access(tx)
    _organizations(tx)
    _history(tx)
    _sealed(tx)


def _people(tx: Transaction) -> None:
    _records(
        tx,
        Users.rows,
        User(),
        USERS,
        id=_id("user"),
        username=_id("name_"),
        primary_email=numbered("mail", after="@people.example"),
        primary_phone=numbered("49", digits=9),
        name=_id("Person "),
    )
    _link(
        tx,
        schema.social_identities,
        MANY,
        user_id=_id("user"),
        target="github",
        identity_id=_id("gh"),
    )
    _link(
        tx,
        schema.sso_identities,
        MANY,
        id=_id("sso"),
        user_id=_id("user"),
        issuer="https://idp.example",
        identity_id=_id("idp"),
        sso_connector_id=_spread("connector", 100),
        detail={},
        created_at=THEN,
        updated_at=THEN,
    )


def _access(tx: Transaction) -> None:
    _records(
        tx,
        Roles.rows,
        Role(name="", description="made in bulk"),
        KINDS,
        id=_id("role"),
        name=_id("Role "),
        type=_rare("User", "MachineToMachine"),
    )
    _records(
        tx,
        Applications.rows,
        Application(name="", type="SPA"),
        KINDS,
        id=_id("app"),
        name=_id("App "),
        type=_rare("SPA", "MachineToMachine"),
        is_third_party=NUMBER % 400 == 5,
    )
    _records(
        tx,
        Resources.rows,
        Resource(name="r", indicator=""),
        KINDS,
        id=_id("api"),
        indicator=_id("https://api.example/"),
    )
    own = {"id": _id("scope"), "name": _id("do:")}
    _records(
        tx,
        Scopes.rows,
        Scope(resource_id="", name=""),
        KINDS,
        resource_id=sa.case((NUMBER < 300, sa.literal("api1")), else_=_id("api")),
        **own,
    )
    links = (
        (schema.users_roles, "user_id", "user", "role_id", "role", USERS),
        (schema.applications_roles, "application_id", "app", "role_id", "role", KINDS),
        (schema.roles_scopes, "role_id", "role", "scope_id", "scope", KINDS),
    )
    for table, one, first, other, second, count in links:
        # The first of the one side has much of the other, the others have one each, or few.
        _link(tx, table, 300, **{one: f"{first}1", other: _id(second)})
        _link(tx, table, count, 2, **{one: _id(first), other: f"{second}1"})
        some = numbered(second, NUMBER % (KINDS - 1) + 2)
        _link(tx, table, count, 2, **{one: _id(first), other: some})


def _organizations(tx: Transaction) -> None:
    _records(
        tx,
        Organizations.rows,
        Organization(name=""),
        MANY,
        id=_id("org"),
        name=_id("Company "),
    )
    for table, prefix, own in (
        (schema.organization_roles, "orole", {"type": _rare("User", "MachineToMachine")}),
        (schema.organization_scopes, "oscope", {}),
    ):
        _link(tx, table, KINDS, id=_id(prefix), name=_id(f"{prefix} "), description="bulk", **own)
    for table, one, other, member, count in (
        (schema.organizations_users, "org", "user", "user_id", USERS),
        (schema.organizations_applications, "org", "app", "application_id", KINDS),
    ):
        _link(tx, table, count, organization_id="org1", **{member: _id(other)})
        _link(tx, table, MANY, 2, organization_id=_id(one), **{member: _spread(other, count)})
        _link(tx, table, 300, 2, organization_id=_id(one), **{member: f"{other}1"})
    for table, member, other, count in (
        (schema.organizations_users_roles, "user_id", "user", USERS),
        (schema.organizations_applications_roles, "application_id", "app", KINDS),
    ):
        own = {"organization_id": "org1", member: _id(other)}
        _link(tx, table, count, organization_role_id=_spread("orole", KINDS), **own)
    pairs = (
        (schema.organization_roles_scopes, "organization_scope_id", "oscope"),
        (schema.organization_roles_resource_scopes, "scope_id", "scope"),
    )
    for table, member, other in pairs:
        _link(tx, table, 300, organization_role_id="orole1", **{member: _id(other)})
        _link(tx, table, KINDS, 2, organization_role_id=_id("orole"), **{member: _id(other)})
    _link(
        tx,
        schema.organization_jit_roles,
        300,
        organization_id="org1",
        organization_role_id=_id("orole"),
    )
    _link(
        tx,
        schema.organization_jit_roles,
        MANY,
        2,
        organization_id=_id("org"),
        organization_role_id=_spread("orole", KINDS),
    )
    _link(
        tx,
        schema.organization_jit_email_domains,
        300,
        organization_id="org1",
        email_domain=numbered("d", after=".example"),
    )
    _link(
        tx,
        schema.organization_jit_email_domains,
        MANY,
        2,
        organization_id=_id("org"),
        email_domain=numbered("d", after=".example"),
    )
    invitation = {
        "invitee": numbered("mail", after="@people.example"),
        "status": "Pending",
        "expires_at": THEN,
        "created_at": NUMBER + THEN,
        "updated_at": THEN,
        "inviter_id": numbered("user", NUMBER % 1000 + 1),
    }
    table = schema.organization_invitations
    _link(tx, table, MANY, id=_id("inv"), organization_id=_spread("org", 2000), **invitation)


def _history(tx: Transaction) -> None:
    entry = {
        "payload": {"key": "Usual", "result": "Success"},
        "user_id": _spread("user", 5000),
        "application_id": _spread("app", 2000),
        "created_at": NUMBER + THEN,
    }
    table = schema.audit_logs
    _link(tx, table, USERS, id=_id("log"), key=_rare("Usual", "Rare"), **entry)
    _link(
        tx,
        table,
        USERS,
        id=_id("hooklog"),
        key="TriggerHook.PostSignIn",
        payload={"key": "TriggerHook.PostSignIn", "result": "Success"},
        hook_id=_spread("hook", 500),
        created_at=NUMBER + THEN,
    )
    _link(
        tx,
        schema.daily_active_users,
        USERS,
        day=NUMBER % 60 + 19_000,
        user_id=_id("user"),
    )
    _link(
        tx,
        schema.consented_organizations,
        300,
        2,
        application_id="app5",
        user_id="user1",
        organization_id=_id("org"),
    )


def _sealed(tx: Transaction) -> None:
    """What the vault binds to its row."""
    for number in range(1, SEALED):
        some = number % 300
        OneTimeTokens(tx, TENANT).create(
            OneTimeToken(
                id=f"ott{number}",
                email=f"mail{some}@people.example",
                token="t",
                token_digest=f"digest{number}",
                status="consumed" if some else "revoked",
                expires_at=THEN,
                created_at=THEN + number,
            )
        )
        PersonalAccessTokens(tx, TENANT).create(
            PersonalAccessToken(
                user_id=f"user{some + 1}", name=f"n{number}", value="v", value_digest=f"{number}"
            )
        )
        if some == number:
            hook = Hook(id=f"hook{number}", config={"url": "https://h.example"}, signing_key="k")
            Hooks(tx, TENANT).create(hook)
            SsoConnectors(tx, TENANT).create(
                SsoConnector(
                    id=f"connector{number}", provider_name="OIDC", connector_name=f"c{number}"
                )
            )
