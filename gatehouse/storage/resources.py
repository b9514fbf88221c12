"""APIs and their scopes, and who has been granted them: what tokens are made from.

Deleting a resource takes its scopes along, and these leave the roles they were in. A tenant has
one default resource at most: making one the default takes that from the other.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from gatehouse.storage import schema
from gatehouse.storage.columns import any_of
from gatehouse.storage.organizations_template import ROLE_RESOURCE_SCOPES
from gatehouse.storage.records import Resource, Scope
from gatehouse.storage.repository import Page, Repository, Rows
from gatehouse.storage.roles import ROLE_SCOPES
from gatehouse.storage.search import Finder, Search
from gatehouse.storage.statement import Stmt

_r = schema.resources
_s = schema.scopes
_HERE = _r.c.tenant_id == sa.bindparam("tenant_id")
_BY_INDICATOR = Stmt(sa.select(_r).where(_HERE, _r.c.indicator == sa.bindparam("value")))
_DEFAULT = Stmt(sa.select(_r).where(_HERE, _r.c.is_default))
_NO_DEFAULT = Stmt(sa.update(_r).where(_HERE, _r.c.is_default).values(is_default=sa.false()))

_SCOPES_HERE = _s.c.tenant_id == sa.bindparam("tenant_id")
_NEWEST = (_s.c.created_at.desc(), _s.c.id.desc())
_OF_RESOURCES = Stmt(sa.select(_s).where(any_of(_s.c.resource_id, "ids")).order_by(*_NEWEST))
_SCOPE_FINDER = Finder(
    _s,
    ("id", "name", "description"),
    lower_case=("id",),
    filters={
        "resource": _s.c.resource_id == sa.bindparam("resource_id"),
        "role": ROLE_SCOPES.related("role_id"),
        "organization_role": ROLE_RESOURCE_SCOPES.related("organization_role_id"),
    },
)


def _granted(holders: sa.Table, holder: str) -> Stmt:
    """The scopes of one resource that the roles of a holder grant, each once."""
    # Each step is a whole key: SQLite's planner would join all roles of the tenant.
    grants = schema.roles_scopes
    roles = sa.select(holders.c.tenant_id, holders.c.role_id).where(
        holders.c.tenant_id == sa.bindparam("tenant_id"),
        holders.c[holder] == sa.bindparam("holder_id"),
    )
    granted = sa.select(grants.c.tenant_id, grants.c.scope_id).where(
        sa.tuple_(grants.c.tenant_id, grants.c.role_id).in_(roles)
    )
    return Stmt(
        sa.select(_s)
        .join(_r, (_r.c.tenant_id == _s.c.tenant_id) & (_r.c.id == _s.c.resource_id))
        .where(
            _SCOPES_HERE,
            _r.c.indicator == sa.bindparam("indicator"),
            sa.tuple_(_s.c.tenant_id, _s.c.id).in_(granted),
        )
        .order_by(_s.c.name)
    )


_GRANTED_TO_USER = _granted(schema.users_roles, "user_id")
_GRANTED_TO_APPLICATION = _granted(schema.applications_roles, "application_id")


class Resources(Repository[Resource]):
    """The APIs of a tenant. `create` and `update` raise `Conflict` on `indicator`."""

    rows = Rows(_r, Resource)
    event = "Resource"

    def find_by_indicator(self, indicator: str) -> Resource | None:
        """The resource that is named by this URI (RFC 8707 §2), or None."""
        return self._one(_BY_INDICATOR, {"tenant_id": self.tenant_id, "value": indicator})

    def default(self) -> Resource | None:
        """The resource that is meant where a request names none, or None."""
        return self._one(_DEFAULT, {"tenant_id": self.tenant_id})

    def create(self, record: Resource) -> Resource:
        """Store a new resource."""
        if record.is_default:
            self._drop_default()
        return super().create(record)

    def update(self, *key: str, **changes: object) -> Resource:
        """Change a resource."""
        if changes.get("is_default"):
            self._drop_default()
        return super().update(*key, **changes)

    def _drop_default(self) -> None:
        self.tx.run(_NO_DEFAULT, {"tenant_id": self.tenant_id})


class Scopes(Repository[Scope]):
    """The scopes of a tenant's resources. `create` and `update` raise `Conflict` on `name`."""

    rows = Rows(_s, Scope)
    event = "Scope"

    def create(self, record: Scope) -> Scope:
        """Store a new scope. Raises `NotFound` for the resource."""
        Resources(self.tx, self.tenant_id).get(record.resource_id)
        return super().create(record)

    def of_resources(self, resource_ids: Sequence[str]) -> list[Scope]:
        """All scopes of these resources, newest first."""
        return self._many(_OF_RESOURCES, ids=list(resource_ids))

    def search(
        self,
        search: Search | str | None = None,
        limit: int = 20,
        offset: int = 0,
        *,
        resource_id: str | None = None,
        role_id: str | None = None,
        organization_role_id: str | None = None,
    ) -> Page[Scope]:
        """One page of the scopes found, newest first: of a resource, of a role of either kind."""
        given: dict[str, Any] = {
            "resource": resource_id,
            "role": role_id,
            "organization_role": organization_role_id,
        }
        used = {name: value for name, value in given.items() if value is not None}
        listing, params = _SCOPE_FINDER.listing(search, tuple(used))
        params.update({f"{name}_id": value for name, value in used.items()})
        return self._page(listing, limit, offset, **params)

    def granted_to_user(self, user_id: str, indicator: str) -> list[Scope]:
        """What the user's roles let them do at a resource, by name."""
        return self._many(_GRANTED_TO_USER, holder_id=user_id, indicator=indicator)

    def granted_to_application(self, application_id: str, indicator: str) -> list[Scope]:
        """What the application's roles let it do at a resource, by name."""
        return self._many(_GRANTED_TO_APPLICATION, holder_id=application_id, indicator=indicator)
