"""Who may use an application whose access is controlled: whoever one of its rules names.

Rules name users, roles of users, organizations (all their members), and roles within one
organization. They end with what they name.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
import sqlalchemy as sa

from gatehouse.storage import schema
from gatehouse.storage.errors import Refused
from gatehouse.storage.events import record_event
from gatehouse.storage.organizations_template import OrganizationRoles
from gatehouse.storage.roles import Roles
from gatehouse.storage.statement import Stmt
from gatehouse.storage.transaction import Transaction

_TENANT: sa.BindParameter[Any] = sa.bindparam("tenant_id")
_APPLICATION: sa.BindParameter[Any] = sa.bindparam("application_id")


class AccessRules(msgspec.Struct, frozen=True, kw_only=True):
    """The rules of one application. `organization_roles` maps organizations to roles there."""

    users: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    organizations: tuple[str, ...] = ()
    organization_roles: Mapping[str, tuple[str, ...]] = {}

    @property
    def empty(self) -> bool:
        """Whether they name nobody."""
        return not (self.users or self.roles or self.organizations or self.organization_roles)


def _of(table: sa.Table) -> list[sa.ColumnElement[bool]]:
    return [table.c.tenant_id == _TENANT, table.c.application_id == _APPLICATION]


_u = schema.application_access_users
_r = schema.application_access_roles
_o = schema.application_access_organizations
_or = schema.application_access_organization_roles
_TABLES = {"user_id": _u, "role_id": _r, "organization_id": _o}
_NAMED = {
    column: Stmt(sa.select(table.c[column]).where(*_of(table)).order_by(table.c[column]))
    for column, table in _TABLES.items()
}
_WITHIN = Stmt(
    sa.select(_or.c.organization_id, _or.c.organization_role_id)
    .where(*_of(_or))
    .order_by(_or.c.organization_id, _or.c.organization_role_id)
)
_CLEAR = tuple(Stmt(sa.delete(table).where(*_of(table))) for table in (*_TABLES.values(), _or))


def _insert(table: sa.Table) -> Stmt:
    values: dict[str, Any] = {column.name: sa.bindparam(column.name) for column in table.columns}
    return Stmt(sa.insert(table).values(values))


_ADD = {column: _insert(table) for column, table in _TABLES.items()}
_ADD_WITHIN = _insert(_or)


def _any(*names: str, holders: sa.Table, rules: sa.Table) -> sa.ColumnElement[bool]:
    """Whether the user holds something that a rule names."""
    return sa.exists(
        sa.select(sa.literal_column("1"))
        .select_from(rules)
        .join(
            holders,
            sa.and_(
                holders.c.tenant_id == rules.c.tenant_id,
                *(holders.c[name] == rules.c[name] for name in names),
            ),
        )
        .where(*_of(rules), holders.c.user_id == sa.bindparam("user_id"))
    )


_ALLOWS = Stmt(
    sa.select(sa.literal_column("1")).where(
        sa.or_(
            sa.exists(
                sa.select(sa.literal_column("1")).where(
                    *_of(_u), _u.c.user_id == sa.bindparam("user_id")
                )
            ),
            _any("role_id", holders=schema.users_roles, rules=_r),
            _any("organization_id", holders=schema.organizations_users, rules=_o),
            _any(
                "organization_id",
                "organization_role_id",
                holders=schema.organizations_users_roles,
                rules=_or,
            ),
        )
    )
)


class ApplicationAccess:
    """The rules about who may use one application."""

    def __init__(self, tx: Transaction, tenant_id: str, application_id: str) -> None:
        self.tx = tx
        self.tenant_id = tenant_id
        self._key: dict[str, Any] = {"tenant_id": tenant_id, "application_id": application_id}

    def rules(self) -> AccessRules:
        """All rules, by id."""
        within: dict[str, tuple[str, ...]] = {}
        for organization_id, role_id in self.tx.rows(_WITHIN, self._key):
            within[organization_id] = (*within.get(organization_id, ()), role_id)
        return AccessRules(
            users=self._named("user_id"),
            roles=self._named("role_id"),
            organizations=self._named("organization_id"),
            organization_roles=within,
        )

    def replace(self, rules: AccessRules) -> None:
        """These rules and no others.

        Raises `Referenced` for what does not exist, `Refused` for a role that is for machines.
        """
        self._check_roles(rules)
        for clear in _CLEAR:
            self.tx.run(clear, self._key)
        for column, ids in (
            ("user_id", rules.users),
            ("role_id", rules.roles),
            ("organization_id", rules.organizations),
        ):
            self.tx.run_each(_ADD[column], [self._key | {column: one} for one in ids])
        self.tx.run_each(
            _ADD_WITHIN,
            [
                self._key | {"organization_id": organization_id, "organization_role_id": role_id}
                for organization_id, role_ids in rules.organization_roles.items()
                for role_id in role_ids
            ],
        )
        record_event(
            self.tx,
            self.tenant_id,
            "Application.AccessControl.Updated",
            {"application_id": self._key["application_id"]},
        )

    def allows(self, user_id: str) -> bool:
        """Whether a rule names the user."""
        return self.tx.row(_ALLOWS, self._key | {"user_id": user_id}) is not None

    def _named(self, column: str) -> tuple[str, ...]:
        return tuple(row[0] for row in self.tx.rows(_NAMED[column], self._key))

    def _check_roles(self, rules: AccessRules) -> None:
        roles = Roles(self.tx, self.tenant_id).get_many(rules.roles)
        if any(role.type != "User" for role in roles):
            raise Refused("role", "type_mismatch")
        OrganizationRoles(self.tx, self.tenant_id).require_type(
            _distinct(rules.organization_roles.values()), "User"
        )


def _distinct(groups: Iterable[tuple[str, ...]]) -> list[str]:
    return list(dict.fromkeys(one for group in groups for one in group))
