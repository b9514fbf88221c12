"""Applications, and their secrets, which are sealed: the API shows them again, so no hash will do.

Deleting an application takes its secrets and roles along.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from gatehouse.storage import schema
from gatehouse.storage.columns import any_of
from gatehouse.storage.errors import Conflict, NotFound
from gatehouse.storage.organizations_members import APPLICATIONS as ORGANIZATION_APPLICATIONS
from gatehouse.storage.records import Application, ApplicationSecret, ApplicationType
from gatehouse.storage.repository import Page, Repository, Rows
from gatehouse.storage.roles import APPLICATION_ROLES
from gatehouse.storage.search import Finder, Search
from gatehouse.storage.statement import Stmt

_a = schema.applications
_s = schema.application_secrets
_FINDER = Finder(
    _a,
    ("id", "name", "description"),
    lower_case=("id",),
    filters={
        "type": _a.c.type == sa.bindparam("type"),
        "types": any_of(_a.c.type, "types"),
        "is_third_party": _a.c.is_third_party == sa.bindparam("is_third_party"),
        "role": APPLICATION_ROLES.has_member("role_id"),
        "exclude_role": sa.not_(APPLICATION_ROLES.has_member_each("exclude_role_id")),
        "exclude_organization": sa.not_(
            ORGANIZATION_APPLICATIONS.rows.related_each("exclude_organization_id")
        ),
    },
)
_OF_APPLICATION = Stmt(
    sa.select(_s)
    .where(
        _s.c.tenant_id == sa.bindparam("tenant_id"),
        _s.c.application_id == sa.bindparam("application_id"),
    )
    .order_by(_s.c.created_at, _s.c.name)
)


class Applications(Repository[Application]):
    """The clients of a tenant."""

    rows = Rows(_a, Application)
    event = "Application"

    def search(
        self,
        search: Search | str | None = None,
        limit: int = 20,
        offset: int = 0,
        *,
        types: Sequence[ApplicationType] | None = None,
        is_third_party: bool | None = None,
        role_id: str | None = None,
        exclude_role_id: str | None = None,
        exclude_organization_id: str | None = None,
    ) -> Page[Application]:
        """One page of the applications found, newest first; the filters narrow the list."""
        several = len(set(types or ())) > 1
        given: dict[str, tuple[str, Any]] = {
            "types": ("types", list(types) if types and several else None),
            # Of one type, the index knows the order as well.
            "type": ("type", types[0] if types and not several else None),
            "is_third_party": ("is_third_party", is_third_party),
            "role": ("role_id", role_id),
            "exclude_role": ("exclude_role_id", exclude_role_id),
            "exclude_organization": ("exclude_organization_id", exclude_organization_id),
        }
        used = {name: pair for name, pair in given.items() if pair[1] is not None}
        listing, params = _FINDER.listing(search, tuple(used))
        params.update(dict(used.values()))
        return self._page(listing, limit, offset, **params)


class ApplicationSecrets(Repository[ApplicationSecret]):
    """The named secrets of applications; their key is (application id, name).

    `create` raises `Conflict` on `name`.
    """

    rows = Rows(_s, ApplicationSecret)
    event = "Application.Secret"

    def of(self, application_id: str) -> list[ApplicationSecret]:
        """The secrets of an application, oldest first, also those that have expired."""
        return self._many(_OF_APPLICATION, application_id=application_id)

    def create(self, record: ApplicationSecret) -> ApplicationSecret:
        """Store a new secret. Raises `NotFound` for the application, `Conflict` on `name`."""
        Applications(self.tx, self.tenant_id).get(record.application_id)
        return super().create(record)

    def rename(self, application_id: str, name: str, new_name: str) -> ApplicationSecret:
        """Give a secret another name. Raises `NotFound`, `Conflict`.

        The seal is bound to the name, so the secret is sealed anew.
        """
        old = self.get(application_id, name)
        if name == new_name:
            return old
        if self.find(application_id, new_name) is not None:
            raise Conflict(self.rows.entity, "name")
        self.delete(application_id, name)
        return super().create(
            ApplicationSecret(
                application_id=application_id,
                name=new_name,
                value=old.value,
                expires_at=old.expires_at,
                created_at=old.created_at,
            )
        )

    def delete(self, *key: str) -> None:
        """Delete a secret. Raises `NotFound`."""
        if self.find(*key) is None:
            raise NotFound(self.rows.entity, key[-1])
        super().delete(*key)
