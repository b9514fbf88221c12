"""Roles: named sets of scopes, held by users or by machine-to-machine applications, never both.

Deleting a role takes it from everyone who has it. A role's type is fixed when it is created.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from gatehouse.storage import schema
from gatehouse.storage.columns import any_of
from gatehouse.storage.errors import Refused
from gatehouse.storage.links import LinkRows, Links
from gatehouse.storage.records import Application, Role, RoleType, Scope, User
from gatehouse.storage.repository import Page, Repository, Rows
from gatehouse.storage.search import Finder, Search
from gatehouse.storage.statement import Stmt
from gatehouse.storage.transaction import Row, Transaction

_r = schema.roles
_HERE = _r.c.tenant_id == sa.bindparam("tenant_id")
_ROLES = Rows(_r, Role)
_USERS = Rows(schema.users, User)
_APPLICATIONS = Rows(schema.applications, Application)
_SCOPES = Rows(schema.scopes, Scope)

USER_ROLES = LinkRows(schema.users_roles, _USERS, _ROLES)
APPLICATION_ROLES = LinkRows(schema.applications_roles, _APPLICATIONS, _ROLES)
ROLE_SCOPES = LinkRows(schema.roles_scopes, _ROLES, _SCOPES)

_DEFAULTS = Stmt(
    sa.select(_r.c.id).where(_HERE, _r.c.type == sa.bindparam("type"), _r.c.is_default)
)
_BY_NAME = Stmt(sa.select(_r).where(_HERE, _r.c.name == sa.bindparam("value")))

_FINDER = Finder(
    _r,
    ("id", "name", "description"),
    lower_case=("id",),
    filters={
        "type": _r.c.type == sa.bindparam("type"),
        "user": USER_ROLES.related("user_id"),
        "exclude_user": sa.not_(USER_ROLES.related_each("exclude_user_id")),
        "application": APPLICATION_ROLES.related("application_id"),
        "exclude_application": sa.not_(APPLICATION_ROLES.related_each("exclude_application_id")),
    },
)


def _count(link: sa.Table) -> Stmt:
    return Stmt(
        sa.select(link.c.role_id, sa.func.count())
        .where(any_of(link.c.role_id, "ids"))
        .group_by(link.c.role_id)
    )


_USERS_COUNT = _count(schema.users_roles)
_APPLICATIONS_COUNT = _count(schema.applications_roles)


class Roles(Repository[Role]):
    """The roles of a tenant. `create` and `update` raise `Conflict` on `name`."""

    rows = _ROLES
    event = "Role"

    def find_by_name(self, name: str) -> Role | None:
        """The role of this name, or None."""
        return self._one(_BY_NAME, {"tenant_id": self.tenant_id, "value": name})

    def default_ids(self, type_: RoleType) -> list[str]:
        """The roles that newcomers of this type receive."""
        params = {"tenant_id": self.tenant_id, "type": type_}
        return [row[0] for row in self.tx.rows(_DEFAULTS, params)]

    def search(
        self,
        search: Search | str | None = None,
        limit: int = 20,
        offset: int = 0,
        *,
        type: RoleType | None = None,
        user_id: str | None = None,
        application_id: str | None = None,
        exclude_user_id: str | None = None,
        exclude_application_id: str | None = None,
    ) -> Page[Role]:
        """One page of the roles found, newest first; the filters narrow the list.

        `user_id` and `application_id`: roles they have. `exclude_...`: roles they do not have.
        """
        given = {
            "type": ("type", type),
            "user": ("user_id", user_id),
            "application": ("application_id", application_id),
            "exclude_user": ("exclude_user_id", exclude_user_id),
            "exclude_application": ("exclude_application_id", exclude_application_id),
        }
        used = {name: pair for name, pair in given.items() if pair[1] is not None}
        listing, params = _FINDER.listing(search, tuple(used))
        params.update(dict(used.values()))
        return self._page(listing, limit, offset, **params)

    def update(self, *key: str, **changes: object) -> Role:
        """Change a role. Raises `Refused` for its type, else as `Repository.update`."""
        if "type" in changes:
            raise Refused("role", "type_is_fixed")
        return super().update(*key, **changes)

    def count_users(self, ids: Sequence[str]) -> dict[str, int]:
        """How many users have each of these roles; roles that nobody has are left out."""
        return self._counted(_USERS_COUNT, ids)

    def count_applications(self, ids: Sequence[str]) -> dict[str, int]:
        """How many applications have each of these roles; as `count_users`."""
        return self._counted(_APPLICATIONS_COUNT, ids)

    def _counted(self, statement: Stmt, ids: Sequence[str]) -> dict[str, int]:
        params: dict[str, Any] = {"tenant_id": self.tenant_id, "ids": list(ids)}
        return {row[0]: row[1] for row in self.tx.rows(statement, params)}


class _RoleHolders(Links):
    """Roles of one type, given to whoever may have that type."""

    type: RoleType

    def _accept(self, member: Rows[Any], found: Sequence[Row]) -> None:
        if any(member.mapping.read(self.tx, row).type != self.type for row in found):
            raise Refused("role", "type_mismatch")


class UserRoles(_RoleHolders):
    """The roles that users have. Raises `Refused("role", "type_mismatch")` for a machine's role."""

    type: RoleType = "User"

    def __init__(self, tx: Transaction, tenant_id: str) -> None:
        super().__init__(tx, tenant_id, USER_ROLES, "User.Roles.Updated")


class ApplicationRoles(_RoleHolders):
    """The roles that applications have, which are for machines: as `UserRoles`."""

    type: RoleType = "MachineToMachine"

    def __init__(self, tx: Transaction, tenant_id: str) -> None:
        super().__init__(tx, tenant_id, APPLICATION_ROLES, "Application.Roles.Updated")


class RoleScopes(Links):
    """The scopes that roles grant."""

    def __init__(self, tx: Transaction, tenant_id: str) -> None:
        super().__init__(tx, tenant_id, ROLE_SCOPES, "Role.Scopes.Updated")
