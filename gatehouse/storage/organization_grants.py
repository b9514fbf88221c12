"""What the roles of a user in organizations come to: for tokens and for claims."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import sqlalchemy as sa

from gatehouse.storage import schema
from gatehouse.storage.organizations import Organizations
from gatehouse.storage.organizations_members import OrganizationUsers
from gatehouse.storage.organizations_records import Organization
from gatehouse.storage.statement import Stmt
from gatehouse.storage.transaction import Transaction

MAX_MEMBERSHIPS = 1000
"""Organizations that a token or an answer tells of, at most: it has to travel."""

_m, _r = schema.organizations_users, schema.organizations_users_roles
_g = schema.organization_roles_resource_scopes
_s, _a = schema.scopes, schema.resources
# By way of the memberships, which have an index by user. Each step is a whole key: SQLite's planner
# would join all roles of the tenant.
_MINE = sa.select(_m.c.tenant_id, _m.c.organization_id, _m.c.user_id).where(
    _m.c.tenant_id == sa.bindparam("tenant_id"), _m.c.user_id == sa.bindparam("user_id")
)
_HELD = sa.select(_r.c.tenant_id, _r.c.organization_role_id).where(
    sa.tuple_(_r.c.tenant_id, _r.c.organization_id, _r.c.user_id).in_(_MINE)
)
_GRANTED = sa.select(_g.c.tenant_id, _g.c.scope_id).where(
    sa.tuple_(_g.c.tenant_id, _g.c.organization_role_id).in_(_HELD)
)
_ANYWHERE = Stmt(
    sa.select(_s.c.id, _s.c.name)
    .join(_a, (_a.c.tenant_id == _s.c.tenant_id) & (_a.c.id == _s.c.resource_id))
    .where(
        _s.c.tenant_id == sa.bindparam("tenant_id"),
        _a.c.indicator == sa.bindparam("indicator"),
        sa.tuple_(_s.c.tenant_id, _s.c.id).in_(_GRANTED),
    )
    .order_by(_s.c.name)
)


class Membership(NamedTuple):
    """An organization, and the names of the roles that a user has there."""

    organization: Organization
    roles: tuple[str, ...]


def resource_scopes(
    tx: Transaction,
    tenant_id: str,
    user_id: str,
    indicator: str,
    organization_id: str | None = None,
) -> dict[str, str]:
    """The scopes of a resource, name by id, that a user has by roles in one organization or any."""
    if organization_id is not None:
        members = OrganizationUsers(tx, tenant_id)
        found = members.resource_scopes(organization_id, user_id, indicator)
        return {scope.id: scope.name for scope in found}
    params = {"tenant_id": tenant_id, "user_id": user_id, "indicator": indicator}
    return {row[0]: row[1] for row in tx.rows(_ANYWHERE, params)}


def memberships(tx: Transaction, tenant_id: str, user_id: str) -> Sequence[Membership]:
    """The organizations of a user, newest first, with their roles there."""
    page = Organizations(tx, tenant_id).search(None, MAX_MEMBERSHIPS, 0, user_id=user_id)
    ids = [one.id for one in page.items]
    roles = OrganizationUsers(tx, tenant_id).roles_in(user_id, ids) if ids else {}
    return [
        Membership(one, tuple(role.name for role in roles.get(one.id, ()))) for one in page.items
    ]
