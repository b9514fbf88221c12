"""The organization template: roles and scopes that all organizations of a tenant share.

A role grants scopes of the organization and scopes of resources. It is for users or for
applications, as an ordinary role is; that can change as long as nobody has it. Deleting a role
takes it from every member and from every invitation.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, NamedTuple

import sqlalchemy as sa

from gatehouse.storage import schema
from gatehouse.storage.columns import any_of
from gatehouse.storage.errors import Refused
from gatehouse.storage.links import LinkRows, Links
from gatehouse.storage.organizations_records import (
    Organization,
    OrganizationRole,
    OrganizationScope,
)
from gatehouse.storage.records import Scope
from gatehouse.storage.repository import Page, R, Repository, Rows
from gatehouse.storage.search import Finder, Search
from gatehouse.storage.statement import Stmt
from gatehouse.storage.transaction import Transaction

_r = schema.organization_roles
ROLES = Rows(_r, OrganizationRole)
SCOPES = Rows(schema.organization_scopes, OrganizationScope)
_RESOURCE_SCOPES = Rows(schema.scopes, Scope)

ROLE_SCOPES = LinkRows(schema.organization_roles_scopes, ROLES, SCOPES)
ROLE_RESOURCE_SCOPES = LinkRows(schema.organization_roles_resource_scopes, ROLES, _RESOURCE_SCOPES)
ORGANIZATIONS = Rows(schema.organizations, Organization)
JIT_ROLES = LinkRows(schema.organization_jit_roles, ORGANIZATIONS, ROLES)

_BY_NAMES = Stmt(sa.select(_r).where(any_of(_r.c.name, "names")))
_OTHER_TYPE = Stmt(
    sa.select(_r.c.id).where(any_of(_r.c.id, "ids"), _r.c.type != sa.bindparam("type"))
)


def _of_member(link: sa.Table, member: str) -> sa.ColumnElement[bool]:
    """A condition on roles: a member of an organization has them."""
    return sa.tuple_(_r.c.tenant_id, _r.c.id).in_(
        sa.select(link.c.tenant_id, link.c.organization_role_id).where(
            link.c.tenant_id == sa.bindparam("tenant_id"),
            link.c.organization_id == sa.bindparam("organization_id"),
            link.c[member] == sa.bindparam(member),
        )
    )


def _held(link: sa.Table) -> sa.Select[Any]:
    return (
        sa.select(link.c.organization_role_id)
        .where(
            link.c.tenant_id == sa.bindparam("tenant_id"),
            link.c.organization_role_id == sa.bindparam("role_id"),
        )
        .limit(1)
    )


_HELD = tuple(
    Stmt(_held(link))
    for link in (schema.organizations_users_roles, schema.organizations_applications_roles)
)


class NamedRef(NamedTuple):
    """Something by its id and name."""

    id: str
    name: str


class ResourceScopeRef(NamedTuple):
    """A scope by its id and name, with the resource it is one of."""

    id: str
    name: str
    resource: NamedRef


_s = schema.organization_scopes
_rs = schema.organization_roles_scopes
_SCOPES_OF_ROLES = Stmt(
    sa.select(_rs.c.organization_role_id, _s.c.id, _s.c.name)
    .join(_s, (_s.c.tenant_id == _rs.c.tenant_id) & (_s.c.id == _rs.c.organization_scope_id))
    .where(any_of(_rs.c.organization_role_id, "ids"))
    .order_by(_s.c.name)
)
_rr = schema.organization_roles_resource_scopes
_RESOURCE_SCOPES_OF_ROLES = Stmt(
    sa.select(
        _rr.c.organization_role_id,
        schema.scopes.c.id,
        schema.scopes.c.name,
        schema.resources.c.id,
        schema.resources.c.name,
    )
    .join(
        schema.scopes,
        (schema.scopes.c.tenant_id == _rr.c.tenant_id) & (schema.scopes.c.id == _rr.c.scope_id),
    )
    .join(
        schema.resources,
        (schema.resources.c.tenant_id == schema.scopes.c.tenant_id)
        & (schema.resources.c.id == schema.scopes.c.resource_id),
    )
    .where(any_of(_rr.c.organization_role_id, "ids"))
    .order_by(schema.resources.c.name, schema.scopes.c.name)
)


class _Template(Repository[R]):
    """A list of the template, by name."""

    finder: ClassVar[Finder]

    def search(
        self,
        search: Search | str | None = None,
        limit: int = 20,
        offset: int = 0,
        /,
        **ids: str,
    ) -> Page[R]:
        """One page of those found, by name. The names of the `ids` decide what it is narrowed to.

        Raises `KeyError` for names that no filter has.
        """
        listing, params = self.finder.listing(search, (" ".join(sorted(ids)),) if ids else ())
        return self._page(listing, limit, offset, **params, **ids)


class OrganizationRoles(_Template[OrganizationRole]):
    """The roles of the template. `create` and `update` raise `Conflict` on `name`.

    `search` narrows to what newcomers of an organization receive by `organization_id`, to what a
    member has by `user_id` or `application_id` besides.
    """

    rows = ROLES
    event = "OrganizationRole"
    finder = Finder(
        _r,
        ("id", "name", "description"),
        lower_case=("id",),
        filters={
            "organization_id": JIT_ROLES.related("organization_id"),
            "organization_id user_id": _of_member(schema.organizations_users_roles, "user_id"),
            "application_id organization_id": _of_member(
                schema.organizations_applications_roles, "application_id"
            ),
        },
        by="name",
    )

    def find_by_names(self, names: Sequence[str]) -> list[OrganizationRole]:
        """The roles of these names that exist, in no order."""
        return self._many(_BY_NAMES, names=list(names)) if names else []

    def update(self, *key: str, **changes: object) -> OrganizationRole:
        """Change a role. Raises `Refused` for the type of one that somebody has."""
        if "type" in changes and self.get(*key).type != changes["type"]:
            params = {"tenant_id": self.tenant_id, "role_id": key[0]}
            if any(self.tx.row(held, params) is not None for held in _HELD):
                raise Refused("organization_role", "type_is_in_use")
        return super().update(*key, **changes)

    def require_type(self, ids: Sequence[str], type_: str) -> None:
        """Raises `Refused` if one of these roles is not of the type."""
        params = {"tenant_id": self.tenant_id, "ids": list(ids), "type": type_}
        if ids and self.tx.row(_OTHER_TYPE, params) is not None:
            raise Refused("organization_role", "type_mismatch")

    def scopes_of(self, ids: Sequence[str]) -> dict[str, list[NamedRef]]:
        """The organization scopes of each of these roles, by name."""
        found: dict[str, list[NamedRef]] = {id_: [] for id_ in ids}
        for role_id, *scope in self._of_roles(_SCOPES_OF_ROLES, ids):
            found[role_id].append(NamedRef(*scope))
        return found

    def resource_scopes_of(self, ids: Sequence[str]) -> dict[str, list[ResourceScopeRef]]:
        """The resource scopes of each of these roles, by resource and name."""
        found: dict[str, list[ResourceScopeRef]] = {id_: [] for id_ in ids}
        for role_id, id_, name, *resource in self._of_roles(_RESOURCE_SCOPES_OF_ROLES, ids):
            found[role_id].append(ResourceScopeRef(id_, name, NamedRef(*resource)))
        return found

    def _of_roles(self, statement: Stmt, ids: Sequence[str]) -> list[Any]:
        return self.tx.rows(statement, {"tenant_id": self.tenant_id, "ids": list(ids)})


class OrganizationScopes(_Template[OrganizationScope]):
    """The scopes of the template. `create` and `update` raise `Conflict` on `name`.

    `search` narrows to what a role grants by `role_id`.
    """

    rows = SCOPES
    event = "OrganizationScope"
    finder = Finder(
        schema.organization_scopes,
        ("id", "name", "description"),
        lower_case=("id",),
        filters={"role_id": ROLE_SCOPES.related("role_id")},
        by="name",
    )


class OrganizationRoleScopes(Links):
    """The organization scopes that roles grant."""

    def __init__(self, tx: Transaction, tenant_id: str) -> None:
        super().__init__(tx, tenant_id, ROLE_SCOPES, "OrganizationRole.Scopes.Updated")


class OrganizationRoleResourceScopes(Links):
    """The scopes of resources that roles grant."""

    def __init__(self, tx: Transaction, tenant_id: str) -> None:
        super().__init__(tx, tenant_id, ROLE_RESOURCE_SCOPES, "OrganizationRole.Scopes.Updated")
