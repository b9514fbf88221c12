"""What clients that are not the tenant's own may ask people for, and where people let them act.

There are four kinds of scopes, each a table: of the user, of resources, of organizations, and of
resources within organizations. A third-party application has lists of its own; all clients that
are known by their metadata document alone share the tenant's lists. What is in no list is never
given, whoever consents.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from functools import cached_property
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert as upsert

from gatehouse.storage import schema
from gatehouse.storage.errors import NotFound, Refused
from gatehouse.storage.events import record_event
from gatehouse.storage.organizations_members import OrganizationUsers
from gatehouse.storage.organizations_records import Organization, OrganizationScope
from gatehouse.storage.organizations_template import ORGANIZATIONS, OrganizationScopes
from gatehouse.storage.records import Scope
from gatehouse.storage.repository import Listing, Page
from gatehouse.storage.resources import Scopes
from gatehouse.storage.statement import Stmt
from gatehouse.storage.transaction import Transaction


class ScopeKind(StrEnum):
    """The kinds of scopes that a client is allowed, as Logto's paths name them."""

    USER = "user-scopes"
    RESOURCE = "resource-scopes"
    ORGANIZATION = "organization-scopes"
    ORGANIZATION_RESOURCE = "organization-resource-scopes"


class ClientScopes(msgspec.Struct, frozen=True, kw_only=True):
    """All that a client may ask for, each kind by name."""

    user: tuple[str, ...] = ()
    resource: tuple[Scope, ...] = ()
    organization: tuple[OrganizationScope, ...] = ()
    organization_resource: tuple[Scope, ...] = ()


def registered(client_id: str) -> str | None:
    """The application whose lists bound a client; None for one known by its document's address."""
    return None if client_id.startswith("https://") else client_id


class _ScopeList:
    """The statements on one list; its owner, if it has one, is the rest of the primary key."""

    def __init__(self, table: sa.Table, column: str) -> None:
        self.table = table
        self.column = table.c[column]

    @property
    def _mine(self) -> list[sa.ColumnElement[bool]]:
        keys = [key for key in self.table.primary_key if key is not self.column]
        return [key == sa.bindparam(key.name) for key in keys]

    @cached_property
    def ids(self) -> Stmt:
        """Everything in the list."""
        return Stmt(sa.select(self.column).where(*self._mine).order_by(self.column))

    @cached_property
    def add(self) -> Stmt:
        """One more, unless it is there."""
        values: dict[str, Any] = {
            column.name: sa.bindparam(column.name) for column in self.table.columns
        }
        return Stmt(upsert(self.table).values(values).on_conflict_do_nothing())

    @cached_property
    def remove(self) -> Stmt:
        """One less."""
        here = self.column == sa.bindparam(self.column.name)
        return Stmt(sa.delete(self.table).where(*self._mine, here))


_OF_APPLICATIONS: Mapping[ScopeKind, _ScopeList] = {
    ScopeKind.USER: _ScopeList(schema.consent_user_scopes, "user_scope"),
    ScopeKind.RESOURCE: _ScopeList(schema.consent_resource_scopes, "scope_id"),
    ScopeKind.ORGANIZATION: _ScopeList(schema.consent_organization_scopes, "organization_scope_id"),
    ScopeKind.ORGANIZATION_RESOURCE: _ScopeList(
        schema.consent_organization_resource_scopes, "scope_id"
    ),
}
_OF_DOCUMENTS: Mapping[ScopeKind, _ScopeList] = {
    ScopeKind.USER: _ScopeList(schema.cimd_user_scopes, "user_scope"),
    ScopeKind.RESOURCE: _ScopeList(schema.cimd_resource_scopes, "scope_id"),
    ScopeKind.ORGANIZATION: _ScopeList(schema.cimd_organization_scopes, "organization_scope_id"),
    ScopeKind.ORGANIZATION_RESOURCE: _ScopeList(
        schema.cimd_organization_resource_scopes, "scope_id"
    ),
}


class ConsentScopes:
    """The scopes that one application may ask for; without one, those of metadata documents."""

    def __init__(self, tx: Transaction, tenant_id: str, application_id: str | None = None) -> None:
        self.tx = tx
        self.tenant_id = tenant_id
        self._lists = _OF_DOCUMENTS if application_id is None else _OF_APPLICATIONS
        self._owner: dict[str, Any] = {"tenant_id": tenant_id}
        if application_id is not None:
            self._owner["application_id"] = application_id

    def all(self) -> ClientScopes:
        """Everything that may be asked for."""
        scopes = Scopes(self.tx, self.tenant_id)
        template = OrganizationScopes(self.tx, self.tenant_id)
        return ClientScopes(
            user=tuple(self.ids(ScopeKind.USER)),
            resource=_by_name(scopes.get_many(self.ids(ScopeKind.RESOURCE))),
            organization=_by_name(template.get_many(self.ids(ScopeKind.ORGANIZATION))),
            organization_resource=_by_name(
                scopes.get_many(self.ids(ScopeKind.ORGANIZATION_RESOURCE))
            ),
        )

    def ids(self, kind: ScopeKind) -> list[str]:
        """The list of one kind: the ids of scopes, or the names of the user's."""
        return [row[0] for row in self.tx.rows(self._lists[kind].ids, self._owner)]

    def add(self, kind: ScopeKind, ids: Sequence[str]) -> None:
        """Allow more; what is allowed already stays. Raises `Referenced` for no such scope."""
        entries = self._lists[kind]
        self.tx.run_each(entries.add, [self._owner | {entries.column.name: one} for one in ids])
        self._tell()

    def remove(self, kind: ScopeKind, id_: str) -> None:
        """Allow one no more. Raises `NotFound` if it was not allowed."""
        entries = self._lists[kind]
        if not self.tx.run(entries.remove, self._owner | {entries.column.name: id_}):
            raise NotFound(entries.table.info["entity"], id_)
        self._tell()

    def _tell(self) -> None:
        payload = {"application_id": self._owner.get("application_id")}
        record_event(self.tx, self.tenant_id, "Application.ConsentScopes.Updated", payload)


def _by_name(scopes: Sequence[Any]) -> tuple[Any, ...]:
    return tuple(sorted(scopes, key=lambda scope: scope.name))


_c = schema.consented_organizations
_CONSENTED = (
    _c.c.tenant_id == sa.bindparam("tenant_id"),
    _c.c.application_id == sa.bindparam("application_id"),
    _c.c.user_id == sa.bindparam("user_id"),
)
_ONE = _c.c.organization_id == sa.bindparam("organization_id")
_o = ORGANIZATIONS.table
_ORGANIZATIONS = Listing(
    _o,
    sa.tuple_(_o.c.tenant_id, _o.c.id).in_(
        sa.select(_c.c.tenant_id, _c.c.organization_id).where(*_CONSENTED)
    ),
    keyed=True,
)
_IDS = Stmt(sa.select(_c.c.organization_id).where(*_CONSENTED).order_by(_c.c.organization_id))
_ADD = Stmt(
    upsert(_c)
    .values({column.name: sa.bindparam(column.name) for column in _c.columns})
    .on_conflict_do_nothing()
)
_REMOVE = Stmt(sa.delete(_c).where(*_CONSENTED, _ONE))
_CLEAR = Stmt(sa.delete(_c).where(*_CONSENTED))


class ConsentedOrganizations:
    """The organizations in which one user lets one application act.

    An organization leaves the list with the user's membership.
    """

    def __init__(self, tx: Transaction, tenant_id: str, application_id: str, user_id: str) -> None:
        self.tx = tx
        self._key = {
            "tenant_id": tenant_id,
            "application_id": application_id,
            "user_id": user_id,
        }

    def ids(self) -> list[str]:
        """The ids of all of them."""
        return [row[0] for row in self.tx.rows(_IDS, self._key)]

    def page(self, limit: int = 20, offset: int = 0) -> Page[Organization]:
        """One page of them, newest first."""
        params = self._key | {"page_limit": limit, "page_offset": offset}
        read = ORGANIZATIONS.mapping.read
        items = [read(self.tx, row) for row in self.tx.rows(_ORGANIZATIONS.select, params)]
        row = self.tx.row(_ORGANIZATIONS.count, self._key)
        return Page(items, int(row[0]) if row else 0)

    def add(self, ids: Sequence[str]) -> None:
        """More of them. Raises `Refused` if the user is not a member of each."""
        tenant_id, user_id = self._key["tenant_id"], self._key["user_id"]
        members = OrganizationUsers(self.tx, tenant_id)
        if not all(members.has(one, user_id) for one in ids):
            raise Refused("consented_organization", "no_member")
        self.tx.run_each(_ADD, [self._key | {"organization_id": one} for one in ids])

    def replace(self, ids: Sequence[str]) -> None:
        """These and no others. Raises as `add` does."""
        self.tx.run(_CLEAR, self._key)
        self.add(ids)

    def remove(self, organization_id: str) -> None:
        """One less. Raises `NotFound`."""
        if not self.tx.run(_REMOVE, self._key | {"organization_id": organization_id}):
            raise NotFound("consented_organization", organization_id)
