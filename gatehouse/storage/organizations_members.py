"""Who belongs to an organization, with which roles, and what these let them do there.

Users and machine-to-machine applications are members in the same way: a membership, and roles of
the template that end with it. What differs between the two is a `Membership`.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any, Generic

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert as upsert

from gatehouse.storage import schema
from gatehouse.storage.columns import any_of
from gatehouse.storage.errors import NotFound, Refused
from gatehouse.storage.links import LinkRows, Links
from gatehouse.storage.organizations_records import OrganizationScope
from gatehouse.storage.organizations_template import (
    ORGANIZATIONS,
    ROLES,
    SCOPES,
    NamedRef,
    OrganizationRoles,
)
from gatehouse.storage.records import Application, RoleType, Scope, User
from gatehouse.storage.repository import Listing, Page, R, Rows, window
from gatehouse.storage.statement import Stmt
from gatehouse.storage.transaction import Transaction

MAX_TOLD = 5000
"""Members that an event names at most, of those who came and of those who went."""

_TENANT = sa.bindparam("tenant_id", type_=sa.Text)
_WITHIN = sa.bindparam("organization_id", type_=sa.Text)
_MEMBER = sa.bindparam("member_id", type_=sa.Text)
_RESOURCE_SCOPES = Rows(schema.scopes, Scope)


class _RolesWithin(LinkRows):
    """The roles of members within one organization: the relation of a member has one more key."""

    @property
    def _mine(self) -> list[sa.ColumnElement[bool]]:
        return [*super()._mine, self.link.c.organization_id == _WITHIN]

    @cached_property
    def add(self) -> Stmt:
        """Give the roles that exist and are not given yet."""
        target = self.member.table
        owner = sa.bindparam("owner_id", type_=sa.Text)
        chosen = sa.select(target.c.tenant_id, _WITHIN, owner, target.c.id).where(
            any_of(target.c.id, "ids")
        )
        columns = ["tenant_id", "organization_id", self.owner_column, self.member_column]
        return Stmt(
            upsert(self.link)
            .from_select(columns, chosen)
            .on_conflict_do_nothing()
            .returning(self.link.c[self.member_column])
        )


class _MemberListing(Listing):
    """The members of an organization, by their ids.

    They are found in the index of `link` alone, and read when it is known which of them are shown:
    only what is looked for in them has them read before.
    """

    def __init__(
        self,
        member: sa.Table,
        link: sa.Table,
        key: str,
        where: Sequence[sa.ColumnElement[bool]] = (),
        found: sa.ColumnElement[bool] | None = None,
    ) -> None:
        """`where` is about the link, `found` about the member."""
        keys = sa.select(link.c.tenant_id, link.c[key].label("id")).where(
            link.c.tenant_id == _TENANT, link.c.organization_id == _WITHIN, *where
        )
        if found is not None:
            same = (member.c.tenant_id == link.c.tenant_id) & (member.c.id == link.c[key])
            keys = keys.join(member, same).where(found)
        self.count = Stmt(sa.select(sa.func.count()).select_from(keys.subquery()))
        some = window(keys.order_by(link.c[key])).subquery()
        same = (member.c.tenant_id == some.c.tenant_id) & (member.c.id == some.c.id)
        self.select = Stmt(sa.select(member).join(some, same).order_by(some.c.id))


class Membership(Generic[R]):
    """One kind of members: its tables, and the statements on them."""

    def __init__(
        self,
        members: Rows[R],
        link: sa.Table,
        role_link: sa.Table,
        role_type: RoleType,
        searched: Sequence[str],
    ) -> None:
        self.rows = LinkRows(link, ORGANIZATIONS, members)
        self.role_rows = _RolesWithin(role_link, members, ROLES)
        self.role_type = role_type
        self.key = self.rows.member_column
        self._searched = [members.table.c[name] for name in searched]

    def listing(self, searched: bool, by_role: bool) -> Listing:
        """The members, all or those in whom `pattern` is found, who have `role_id` or whatever."""
        return self._listings[searched, by_role]

    @cached_property
    def _listings(self) -> dict[tuple[bool, bool], Listing]:
        pattern = sa.bindparam("pattern", type_=sa.Text)
        found = sa.or_(*(column.ilike(pattern, escape="\\") for column in self._searched))
        held = self.role_rows.link
        has_role = held.c.organization_role_id == sa.bindparam("role_id")
        sources = {False: (self.rows.link, ()), True: (held, (has_role,))}
        return {
            (searched, by_role): _MemberListing(
                self.rows.member.table, link, self.key, where, found if searched else None
            )
            for searched in (False, True)
            for by_role, (link, where) in sources.items()
        }

    @cached_property
    def counts(self) -> Stmt:
        """How many members each of the organizations has."""
        link = self.rows.link
        return Stmt(
            sa.select(link.c.organization_id, sa.func.count())
            .where(any_of(link.c.organization_id, "ids"))
            .group_by(link.c.organization_id)
        )

    @cached_property
    def present(self) -> Stmt:
        """Which of these are members."""
        link = self.rows.link
        return Stmt(
            sa.select(link.c[self.key]).where(
                any_of(link.c[self.key], "ids"), link.c.organization_id == _WITHIN
            )
        )

    @cached_property
    def roles_of_members(self) -> Stmt:
        """The roles of each of these members of one organization."""
        return self._roles_by(self.key, "organization_id")

    @cached_property
    def roles_in_organizations(self) -> Stmt:
        """The roles of one member in each of these organizations."""
        return self._roles_by("organization_id", self.key)

    def _roles_by(self, many: str, one: str) -> Stmt:
        link, role = self.role_rows.link, ROLES.table
        return Stmt(
            sa.select(link.c[many], role.c.id, role.c.name)
            .join(
                role,
                (role.c.tenant_id == link.c.tenant_id) & (role.c.id == link.c.organization_role_id),
            )
            .where(any_of(link.c[many], "ids"), link.c[one] == sa.bindparam("one"))
            .order_by(role.c.name)
        )

    def _granted(self, link: sa.Table, column: str) -> sa.Select[Any]:
        """The keys of the scopes that a member's roles in an organization grant."""
        # Each step is a whole key: SQLite's planner would join all roles of the tenant.
        held = self.role_rows.link
        roles = sa.select(held.c.tenant_id, held.c.organization_role_id).where(
            held.c.tenant_id == _TENANT,
            held.c.organization_id == _WITHIN,
            held.c[self.key] == _MEMBER,
        )
        return sa.select(link.c.tenant_id, link.c[column]).where(
            sa.tuple_(link.c.tenant_id, link.c.organization_role_id).in_(roles)
        )

    @cached_property
    def granted(self) -> Stmt:
        """The organization scopes of a member, each once, by name."""
        scope = SCOPES.table
        keys = self._granted(schema.organization_roles_scopes, "organization_scope_id")
        key = sa.tuple_(scope.c.tenant_id, scope.c.id)
        return Stmt(sa.select(scope).where(key.in_(keys)).order_by(scope.c.name))

    @cached_property
    def granted_at_resource(self) -> Stmt:
        """A member's scopes of one resource within the organization, each once, by name."""
        scope, resource = schema.scopes, schema.resources
        keys = self._granted(schema.organization_roles_resource_scopes, "scope_id")
        return Stmt(
            sa.select(scope)
            .join(
                resource,
                (resource.c.tenant_id == scope.c.tenant_id)
                & (resource.c.id == scope.c.resource_id),
            )
            .where(
                resource.c.indicator == sa.bindparam("indicator"),
                sa.tuple_(scope.c.tenant_id, scope.c.id).in_(keys),
            )
            .order_by(scope.c.name)
        )


USERS: Membership[User] = Membership(
    Rows(schema.users, User),
    schema.organizations_users,
    schema.organizations_users_roles,
    "User",
    ("id", "primary_email", "primary_phone", "username", "name"),
)
APPLICATIONS: Membership[Application] = Membership(
    Rows(schema.applications, Application),
    schema.organizations_applications,
    schema.organizations_applications_roles,
    "MachineToMachine",
    ("id", "name", "description"),
)
_OTHER_APPLICATIONS = Stmt(
    sa.select(schema.applications.c.id).where(
        any_of(schema.applications.c.id, "ids"), schema.applications.c.type != "MachineToMachine"
    )
)


class _MemberRoles(Links):
    """The roles that members have in one organization: `Links` whose owners are its members.

    Raises `NotFound` for one who is no member, `Refused` for a role of the other type.
    """

    def __init__(
        self, tx: Transaction, tenant_id: str, kind: Membership[Any], organization_id: str
    ) -> None:
        super().__init__(tx, tenant_id, kind.role_rows)
        self.kind = kind
        self.organization_id = organization_id

    def _check(self, owner_id: str, ids: Sequence[str]) -> None:
        super()._check(owner_id, ids)
        if self.tx.row(self.kind.present, self._at(owner_id) | {"ids": [owner_id]}) is None:
            raise NotFound(self.kind.rows.link.info["entity"], owner_id)
        OrganizationRoles(self.tx, self.tenant_id).require_type(ids, self.kind.role_type)

    def _at(self, owner_id: str) -> dict[str, Any]:
        return super()._at(owner_id) | {"organization_id": self.organization_id}


class Members(Links, Generic[R]):
    """The members of one kind: `Links` from an organization to them."""

    def __init__(self, tx: Transaction, tenant_id: str, kind: Membership[R]) -> None:
        super().__init__(tx, tenant_id, kind.rows, "Organization.Membership.Updated")
        self.kind = kind

    def _facts(self, added: set[str], removed: set[str]) -> dict[str, Any]:
        facts = {f"added_{self.kind.key}s": added, f"removed_{self.kind.key}s": removed}
        return {name: sorted(ids)[:MAX_TOLD] for name, ids in facts.items() if ids}

    def roles(self, organization_id: str) -> Links:
        """The roles of members within an organization."""
        return _MemberRoles(self.tx, self.tenant_id, self.kind, organization_id)

    def has(self, organization_id: str, member_id: str) -> bool:
        """Whether this is a member."""
        return bool(self.present(organization_id, [member_id]))

    def present(self, organization_id: str, ids: Sequence[str]) -> set[str]:
        """Those of them who are members."""
        params = self._params(organization_id=organization_id, ids=list(ids))
        return {row[0] for row in self.tx.rows(self.kind.present, params)}

    def page(
        self,
        organization_id: str,
        limit: int = 20,
        offset: int = 0,
        *,
        pattern: str | None = None,
        role_id: str | None = None,
    ) -> Page[R]:
        """One page of an organization's members, by id.

        `pattern`: in any of whose names and ids SQL's pattern is found, whatever the case.
        `role_id`: who have this role there.
        """
        listing = self.kind.listing(pattern is not None, role_id is not None)
        wanted = {"organization_id": organization_id, "pattern": pattern, "role_id": role_id}
        params = self._params(**{name: one for name, one in wanted.items() if one is not None})
        shown = params | {"page_limit": limit, "page_offset": offset}
        read = self.kind.rows.member.mapping.read
        items = [read(self.tx, row) for row in self.tx.rows(listing.select, shown)]
        if 0 < len(items) < limit or (not items and not offset):
            return Page(items, offset + len(items))
        row = self.tx.row(listing.count, params)
        return Page(items, int(row[0]) if row else 0)

    def counts(self, organization_ids: Sequence[str]) -> dict[str, int]:
        """How many members each of them has; those without any are left out."""
        params = self._params(ids=list(organization_ids))
        return {row[0]: row[1] for row in self.tx.rows(self.kind.counts, params)}

    def roles_of(self, organization_id: str, ids: Sequence[str]) -> dict[str, list[NamedRef]]:
        """The roles of each of these members in one organization, by name."""
        return self._roles(self.kind.roles_of_members, organization_id, ids)

    def roles_in(self, member_id: str, organizations: Sequence[str]) -> dict[str, list[NamedRef]]:
        """The roles of one member in each of these organizations, by name."""
        return self._roles(self.kind.roles_in_organizations, member_id, organizations)

    def scopes(self, organization_id: str, member_id: str) -> list[OrganizationScope]:
        """What the member's roles let them do in the organization, by name."""
        params = self._params(organization_id=organization_id, member_id=member_id)
        rows = self.tx.rows(self.kind.granted, params)
        return [SCOPES.mapping.read(self.tx, row) for row in rows]

    def resource_scopes(self, organization_id: str, member_id: str, indicator: str) -> list[Scope]:
        """What they let them do at a resource within the organization, by name."""
        params = self._params(
            organization_id=organization_id, member_id=member_id, indicator=indicator
        )
        rows = self.tx.rows(self.kind.granted_at_resource, params)
        return [_RESOURCE_SCOPES.mapping.read(self.tx, row) for row in rows]

    def _roles(self, statement: Stmt, one: str, ids: Sequence[str]) -> dict[str, list[NamedRef]]:
        found: dict[str, list[NamedRef]] = {id_: [] for id_ in ids}
        for id_, *role in self.tx.rows(statement, self._params(one=one, ids=list(ids))):
            found[id_].append(NamedRef(*role))
        return found

    def _params(self, **params: Any) -> dict[str, Any]:
        return {"tenant_id": self.tenant_id, **params}


class OrganizationUsers(Members[User]):
    """The users of organizations."""

    def __init__(self, tx: Transaction, tenant_id: str) -> None:
        super().__init__(tx, tenant_id, USERS)


class OrganizationApplications(Members[Application]):
    """The applications of organizations.

    Raises `Refused("application", "type_mismatch")` for one that is not machine-to-machine.
    """

    def __init__(self, tx: Transaction, tenant_id: str) -> None:
        super().__init__(tx, tenant_id, APPLICATIONS)

    def _check(self, owner_id: str, ids: Sequence[str]) -> None:
        super()._check(owner_id, ids)
        if ids and self.tx.row(_OTHER_APPLICATIONS, self._params(ids=list(ids))) is not None:
            raise Refused("application", "type_mismatch")
